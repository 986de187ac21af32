//! Retaining: once for each event, what the request can do after it, and what becomes of it when the event fails or the peer goes.

use holdline::hub::{
    DelayedError, EventKind, Expiry, Frame, NextStep, ReplyError, RetainError, RetainOptions, Settings,
};
use holdline::ids::MAX_SAFE_INTEGER;
use holdline::message::CloseFrame;
use std::time::Duration;

use crate::door::{Host, TENANT, bytes, frames, passes, state_of, text};

#[tokio::test(start_paused = true)]
async fn an_event_retains_once() {
    let host = Host::new();
    for kind in [EventKind::Open, EventKind::Message] {
        let client = host.client();
        client.begin(kind);
        assert!(host.retain(&client.connection, RetainOptions::default()).is_ok(), "{kind:?}");
        assert_eq!(host.retain(&client.connection, RetainOptions::default()), Err(RetainError::AlreadyRetained));
        assert_eq!(host.held_count(), 1, "the refusal left the first retention as it was");
        client.ends();
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_cannot_retain_again_after_its_handle_was_used() {
    let host = Host::new();
    let client = host.client();
    client.begin(EventKind::Message);
    let handle = host.retain(&client.connection, RetainOptions::default()).expect("a handle").get();
    assert_eq!(host.release(TENANT, handle), Ok(()));
    assert_eq!(host.retain(&client.connection, RetainOptions::default()), Err(RetainError::AlreadyRetained));
    client.returns();
    assert!(client.is_free());
    client.begin(EventKind::Message);
    assert!(host.retain(&client.connection, RetainOptions::default()).is_ok(), "the next event may");
}

#[tokio::test(start_paused = true)]
async fn a_close_event_cannot_retain() {
    let host = Host::new();
    let client = host.client();
    client.begin(EventKind::Close);
    assert_eq!(host.retain(&client.connection, RetainOptions::default()), Err(RetainError::Closing));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_ended_cannot_be_retained() {
    let host = Host::new();
    let gone = host.client();
    gone.begin(EventKind::Message);
    gone.leaves();
    assert_eq!(host.retain(&gone.connection, RetainOptions::default()), Err(RetainError::Closing));
    let closing = host.client();
    closing.begin(EventKind::Message);
    assert_eq!(closing.connection.reply_close(CloseFrame::NORMAL), Ok(()));
    assert_eq!(host.retain(&closing.connection, RetainOptions::default()), Err(RetainError::Closing));
    assert_eq!(host.held_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stopping_host_refuses_retentions_and_keeps_those_it_has() {
    let host = Host::new();
    let (held, other) = (host.client(), host.client());
    let handle = held.held();
    host.refuse_retentions();
    other.begin(EventKind::Message);
    assert_eq!(host.retain(&other.connection, RetainOptions::default()), Err(RetainError::Closing));
    assert_eq!(other.connection.reply(text("later")), Ok(()), "a refusal leaves the connection as it was");
    assert_eq!(host.send(TENANT, handle, text("still"), None), Ok(()));
    assert_eq!(held.reads(), frames(["still"]));
}

#[tokio::test(start_paused = true)]
async fn no_more_connections_are_held_than_may_be() {
    let host = Host::with(Settings { held_connections: 1, ..Settings::default() });
    let (first, second) = (host.client(), host.client());
    let handle = first.held();
    second.begin(EventKind::Message);
    assert_eq!(host.retain(&second.connection, RetainOptions::default()), Err(RetainError::QuotaExceeded));
    assert_eq!(host.release(TENANT, handle), Ok(()));
    assert!(host.retain(&second.connection, RetainOptions::default()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_expiry_message_over_the_limit_is_refused_when_retaining() {
    let host = Host::new();
    let client = host.client();
    client.begin(EventKind::Message);
    let options = RetainOptions { deadline: None, expiry: Expiry::Send(bytes((1 << 20) + 1)) };
    assert_eq!(host.retain(&client.connection, options), Err(RetainError::TooLarge));
    assert!(host.retain(&client.connection, RetainOptions::default()).is_ok(), "a refusal is no retention");
}

#[tokio::test(start_paused = true)]
async fn a_request_sends_what_it_likes_before_it_retains_and_nothing_after() {
    let host = Host::new();
    let client = host.client();
    client.begin(EventKind::Message);
    assert_eq!(client.connection.reply(text("one")), Ok(()));
    assert_eq!(client.connection.reply(text("two")), Ok(()));
    let handle = host.retain(&client.connection, RetainOptions::default()).expect("a handle").get();
    assert_eq!(client.connection.reply(text("three")), Err(ReplyError::Retained));
    assert_eq!(client.connection.reply_close(CloseFrame::NORMAL), Err(ReplyError::Retained));
    assert_eq!(host.send(TENANT, handle, text("four"), None), Ok(()));
    assert_eq!(client.connection.reply(text("five")), Err(ReplyError::Retained), "used or not");
    client.returns();
    client.begin(EventKind::Message);
    assert_eq!(client.connection.reply(text("six")), Ok(()), "the next event answers for itself");
    assert_eq!(client.reads(), frames(["one", "two", "four", "six"]));
}

#[tokio::test(start_paused = true)]
async fn a_request_can_be_read_and_attached_to_after_it_retained() {
    let host = Host::new();
    let client = host.client_of(TENANT, "/chat/blue");
    client.begin(EventKind::Message);
    let id = client.connection.id();
    assert!(host.retain(&client.connection, RetainOptions::default()).is_ok());
    assert_eq!(client.connection.id(), id);
    assert_eq!(&*client.connection.upgrade().path, "/chat/blue");
    assert_eq!(&*client.connection.upgrade().query, "colour=blue");
    assert_eq!(client.connection.upgrade().headers.iter().next(), Some(("x-kind", &b"test"[..])));
    assert_eq!(client.connection.attachment(), b"attached");
    assert_eq!(client.connection.set_attachment(b"anew".to_vec()), Ok(()));
    assert_eq!(client.connection.attachment(), b"anew");
    assert_eq!(client.connection.set_attachment(vec![0; (64 << 10) + 1]), Err(ReplyError::TooLarge));
    assert_eq!(client.connection.attachment(), b"anew");
}

#[tokio::test(start_paused = true)]
async fn messages_wait_while_held_and_come_in_order_afterwards() {
    let host = Host::new();
    let mut client = host.client();
    let handle = client.held();
    client.says("one");
    client.says("two");
    assert_eq!(client.next_event(), None);
    assert_eq!(host.send(TENANT, handle, text("reply"), None), Ok(()));
    for message in ["one", "two"] {
        assert_eq!(client.next_event(), Some(text(message)));
        client.returns();
    }
    assert_eq!(client.reads(), frames(["reply"]));
}

#[tokio::test(start_paused = true)]
async fn a_failed_event_undoes_its_retention_and_closes_with_1011_and_no_text() {
    let host = Host::new();
    let client = host.client();
    client.begin(EventKind::Message);
    let handle = host.retain(&client.connection, RetainOptions::default()).expect("a handle").get();
    client.fails();
    assert_eq!(state_of(&host, handle), Err(DelayedError::InvalidHandle));
    assert_eq!(host.held_count(), 0);
    let close = CloseFrame::new(1011, "").expect("a code");
    assert_eq!(client.reads(), [Frame::Close(close)]);
    assert_eq!(client.connection.next_step(), NextStep::Close);
}

#[tokio::test(start_paused = true)]
async fn a_failed_event_takes_its_pending_delivery_with_it() {
    let host = Host::new();
    let client = host.client();
    client.begin(EventKind::Message);
    let handle = host.retain(&client.connection, RetainOptions::default()).expect("a handle").get();
    let delivery = host.send_after(TENANT, handle, text("late"), Duration::from_secs(1)).expect("a delivery");
    client.fails();
    passes(Duration::from_secs(2)).await;
    assert_eq!(client.reads(), [Frame::Close(CloseFrame::PLUGIN_FAILED)]);
    assert_eq!(host.cancel(TENANT, delivery), Err(DelayedError::UnknownTimer));
}

#[tokio::test(start_paused = true)]
async fn when_the_peer_goes_the_handle_is_closed_at_once() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held();
    assert_eq!(state_of(&host, handle), Ok(()));
    client.leaves();
    assert!(!client.connection.is_held());
    assert_eq!(host.push(TENANT, handle, text("x"), None), Err(DelayedError::Closed));
    assert_eq!(host.extend(TENANT, handle, Duration::from_secs(1)), Err(DelayedError::Closed));
    assert_eq!(host.send(TENANT, handle, text("x"), None), Err(DelayedError::Closed));
    assert_eq!(host.release(TENANT, handle), Err(DelayedError::Closed));
    assert_eq!(host.close(TENANT, handle, CloseFrame::NORMAL), Err(DelayedError::Closed));
    let delayed = host.send_after(TENANT, handle, text("x"), Duration::from_secs(1));
    assert_eq!(delayed, Err(DelayedError::Closed));
}

#[tokio::test(start_paused = true)]
async fn messages_from_before_the_disconnect_are_still_handled_in_order() {
    let host = Host::new();
    let mut client = host.client();
    client.held();
    client.says("one");
    client.says("two");
    client.leaves();
    assert_eq!(client.next_event(), Some(text("one")));
    assert_eq!(client.connection.reply(text("too late")), Err(ReplyError::Closed));
    client.returns();
    assert_eq!(client.next_event(), Some(text("two")));
    client.returns();
    assert!(client.is_free(), "nothing is left but the close event");
    assert_eq!(client.reads(), []);
}

#[tokio::test(start_paused = true)]
async fn a_later_event_that_fails_leaves_the_handle_of_an_earlier_one_closed() {
    let host = Host::new();
    let mut client = host.client();
    let handle = client.held();
    client.says("one");
    client.leaves();
    assert!(client.next_event().is_some());
    client.fails();
    assert_eq!(state_of(&host, handle), Err(DelayedError::Closed), "its own event had returned well");
    client.ends();
    assert_eq!(state_of(&host, handle), Err(DelayedError::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_handle_is_a_number_that_json_carries_and_is_never_given_out_twice() {
    let host = Host::new();
    let client = host.client();
    let mut given = std::collections::HashSet::new();
    for _ in 0..10_000 {
        let handle = client.held();
        assert!(handle > 0 && handle <= MAX_SAFE_INTEGER);
        assert!(given.insert(handle), "{handle} was given out before");
        assert_eq!(host.release(TENANT, handle), Ok(()));
    }
}
