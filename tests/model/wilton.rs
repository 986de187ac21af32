//! The defects that are known of the older server with the same idea, and that must not be here: those of them that the hub alone
//! can show.

use std::sync::Arc;
use std::time::Duration;

use holdline::hub::{ChannelError, DelayedError, EventKind, Expiry, Frame, NextStep, RetainOptions, Written};
use holdline::message::CloseFrame;
use tokio::time::{Instant, timeout};

use crate::door::{Client, Host, TENANT, channel, frames, item, passes, settle, state_of, text};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn defect_1_a_client_that_left_while_held_is_noticed_without_the_handle_being_used() {
    let host = Host::new();
    let client = host.client();
    client.held();
    assert!(client.connection.is_held());
    client.leaves();
    assert!(!client.connection.is_held());
    assert_eq!(client.connection.next_step(), NextStep::Proceed, "its close event can come at once");
    client.ends();
    assert_eq!((host.connection_count(), host.held_count()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn defect_2_a_handle_that_is_never_used_leaks_nothing() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held();
    passes(60 * SECOND).await;
    client.looks_at_the_clock();
    assert!(client.is_free(), "the connection goes on");
    assert_eq!(host.held_count(), 0);
    assert_eq!(state_of(&host, handle), Err(DelayedError::InvalidHandle));
    client.held();
    client.ends();
    let Client { connection, .. } = client;
    assert_eq!(Arc::strong_count(&connection), 1, "nobody keeps a connection that is gone");
}

#[tokio::test(start_paused = true)]
async fn defect_3_a_stop_does_not_wait_for_ever_while_a_socket_is_held() {
    let host = Host::new();
    let (answered, forgotten) = (host.client(), host.client());
    let (answered_handle, _) = (answered.held(), forgotten.held());
    host.refuse_retentions();
    assert!(timeout(SECOND, host.none_held()).await.is_err(), "they get some time for their delivery");
    assert_eq!(host.send(TENANT, answered_handle, text("in time"), None), Ok(()));
    host.for_each(|connection| connection.close(CloseFrame::GOING_AWAY));
    let mut expected = frames(["in time"]);
    expected.push(Frame::Close(CloseFrame::GOING_AWAY));
    assert_eq!(answered.reads(), expected);
    assert_eq!(forgotten.reads(), [Frame::Close(CloseFrame::GOING_AWAY)]);
    for client in [answered, forgotten] {
        assert_eq!(client.connection.next_step(), NextStep::Close);
        client.ends();
    }
    assert_eq!(timeout(SECOND, host.none_held()).await, Ok(()));
    assert_eq!(host.connection_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn defect_3_a_stop_ends_as_soon_as_the_last_handle_is_used() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held();
    let hub = host.share();
    let stopping = tokio::spawn(async move { hub.none_held().await });
    settle().await;
    assert!(!stopping.is_finished());
    assert_eq!(host.release(TENANT, handle), Ok(()));
    let start = Instant::now();
    stopping.await.expect("no panic");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn defect_4_a_stale_number_reaches_nobody_else() {
    let host = Host::new();
    let first = host.client();
    let stale = first.held();
    assert_eq!(host.release(TENANT, stale), Ok(()));
    first.ends();
    drop(first);
    let others: Vec<_> = (0..1000).map(|_| host.client()).collect();
    for other in &others {
        assert_ne!(other.held(), stale);
    }
    assert_eq!(host.send(TENANT, stale, text("for somebody else"), None), Err(DelayedError::InvalidHandle));
    assert!(others.iter().all(|other| other.reads().is_empty() && other.is_waiting()));
}

#[tokio::test(start_paused = true)]
async fn defect_6_a_full_channel_at_hand_over_leaves_the_handle_with_the_handler() {
    let host = Host::new();
    let jobs = channel(&host, "jobs", 1);
    assert_eq!(jobs.offer(item("another handle")), Ok(()));
    let client = host.client();
    client.begin(EventKind::Message);
    let handle = host.retain(&client.connection, RetainOptions::default()).expect("a handle").get();
    assert_eq!(jobs.offer(handle.to_string().into()), Err(ChannelError::Full), "the handler is told");
    assert_eq!(jobs.send(handle.to_string().into(), Some(SECOND)).await, Err(ChannelError::Timeout));
    assert_eq!(host.send(TENANT, handle, text("busy, try again"), None), Ok(()));
    client.returns();
    assert_eq!(client.reads(), frames(["busy, try again"]));
    assert!(client.is_free());
}

#[tokio::test(start_paused = true)]
async fn defect_6_a_handle_that_is_lost_on_its_way_still_ends_at_its_deadline() {
    let host = Host::new();
    let client = host.client();
    client.held_for(SECOND, Expiry::Send(text("nobody answered")));
    passes(SECOND).await;
    client.looks_at_the_clock();
    assert_eq!(client.reads(), frames(["nobody answered"]));
}

#[tokio::test(start_paused = true)]
async fn defect_7_a_handler_that_fails_after_retaining_does_not_leave_its_client_hanging() {
    let host = Host::new();
    let jobs = channel(&host, "jobs", 1);
    let mut client = host.client();
    client.says("waits behind");
    client.begin(EventKind::Message);
    let handle = host.retain(&client.connection, RetainOptions::default()).expect("a handle").get();
    assert_eq!(jobs.offer(handle.to_string().into()), Ok(()));
    client.fails();
    assert_eq!(client.reads(), [Frame::Close(CloseFrame::PLUGIN_FAILED)]);
    assert_eq!(client.connection.next_step(), NextStep::Close);
    assert_eq!(host.held_count(), 0);
    assert_eq!(jobs.poll(), Ok(Some(handle.to_string().into())));
    assert_eq!(host.send(TENANT, handle, text("late"), None), Err(DelayedError::InvalidHandle));
}

#[tokio::test(start_paused = true)]
async fn defect_9_a_rendezvous_send_that_timed_out_is_not_received_later() {
    let host = Host::new();
    let jobs = channel(&host, "jobs", 0);
    assert_eq!(jobs.send(item("stale"), Some(SECOND)).await, Err(ChannelError::Timeout));
    let receiver = tokio::spawn({
        let jobs = Arc::clone(&jobs);
        async move { jobs.receive(None).await }
    });
    settle().await;
    assert_eq!(jobs.send(item("fresh"), Some(SECOND)).await, Ok(()));
    assert_eq!(receiver.await.expect("no panic"), Ok(item("fresh")));
}

#[tokio::test(start_paused = true)]
async fn defect_9_closing_a_channel_discards_nothing_that_was_in_it() {
    let host = Host::new();
    let jobs = channel(&host, "jobs", 4);
    for number in 0..4_u8 {
        assert_eq!(jobs.offer(vec![number].into()), Ok(()));
    }
    jobs.close();
    for number in 0..4_u8 {
        assert_eq!(jobs.receive(None).await, Ok(vec![number].into()));
    }
    assert_eq!(jobs.receive(None).await, Err(ChannelError::Closed));
}

#[tokio::test(start_paused = true)]
async fn defect_10_a_send_is_told_that_its_message_could_not_be_written() {
    let host = Host::new();
    let client = host.client();
    let (told, written) = Written::receipt();
    assert_eq!(host.send(TENANT, client.held(), text("queued"), Some(told)), Ok(()), "it is in the outbox");
    client.leaves();
    assert_eq!(written.wait().await, Err(DelayedError::Closed));
    let client = host.client();
    let (told, written) = Written::receipt();
    assert_eq!(host.send(TENANT, client.held(), text("queued"), Some(told)), Ok(()));
    client.reads();
    assert_eq!(written.wait().await, Ok(()));
}
