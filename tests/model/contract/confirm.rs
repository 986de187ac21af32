//! With `confirm` a send is told when its message has been written, or that it never will be.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use holdline::hub::{DelayedError, Told, Written};
use holdline::message::CloseFrame;

use crate::door::{Client, Host, TENANT, frames, pop, text};

/// A send of each kind that waits for its message to be written.
fn confirmed(host: &Host) -> Vec<(Client, Written)> {
    type Send = fn(&Host, u64, Told) -> Result<(), DelayedError>;
    let sends: [Send; 2] = [
        |host, handle, told| host.send(TENANT, handle, text("sent"), Some(told)),
        |host, handle, told| host.push(TENANT, handle, text("sent"), Some(told)),
    ];
    let sent = sends.into_iter().map(|send| {
        let client = host.client();
        let (told, written) = Written::receipt();
        assert_eq!(send(host, client.held(), told), Ok(()));
        (client, written)
    });
    sent.collect()
}

#[tokio::test(start_paused = true)]
async fn a_send_is_confirmed_when_its_message_is_written_and_not_before() {
    let host = Host::new();
    for (client, written) in confirmed(&host) {
        let mut written = pin!(written.wait());
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(written.as_mut().poll(&mut context), Poll::Pending, "it is only in the outbox");
        let outgoing = pop(&client.connection).expect("a frame");
        assert_eq!(written.as_mut().poll(&mut context), Poll::Pending, "it is only on its way");
        outgoing.written.expect("somebody waits").send(()).expect("still");
        assert_eq!(written.await, Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_send_is_told_when_the_connection_is_lost_before_its_message_is_written() {
    let host = Host::new();
    for (client, written) in confirmed(&host) {
        client.leaves();
        assert_eq!(written.wait().await, Err(DelayedError::Closed));
    }
    for (client, written) in confirmed(&host) {
        client.connection.abort(CloseFrame::SLOW_CONSUMER);
        assert_eq!(written.wait().await, Err(DelayedError::Closed));
    }
    for (client, written) in confirmed(&host) {
        drop(pop(&client.connection).expect("a frame that the socket did not take"));
        assert_eq!(written.wait().await, Err(DelayedError::Closed));
    }
}

#[tokio::test(start_paused = true)]
async fn a_send_is_still_confirmed_when_the_host_closes_behind_it() {
    let host = Host::new();
    for (client, written) in confirmed(&host) {
        client.connection.close(CloseFrame::GOING_AWAY);
        client.reads();
        assert_eq!(written.wait().await, Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_send_that_was_refused_is_not_confirmed() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held();
    assert_eq!(host.release(TENANT, handle), Ok(()));
    let (told, written) = Written::receipt();
    assert_eq!(host.send(TENANT, handle, text("no"), Some(told)), Err(DelayedError::InvalidHandle));
    let refused = tokio::time::timeout(Duration::from_secs(1), written.wait()).await;
    assert_eq!(refused, Ok(Err(DelayedError::Closed)));
}

#[tokio::test(start_paused = true)]
async fn nobody_has_to_wait_for_a_confirmation() {
    let host = Host::new();
    for (client, written) in confirmed(&host) {
        drop(written);
        assert_eq!(client.reads(), frames(["sent"]));
    }
}
