//! What goes out: in the order in which the host accepted it, bounded, to held connections too; and what waits to come in.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use holdline::hub::{
    Audience, BroadcastTooLarge, DelayedError, EventKind, Frame, Inbox, NextStep, ReplyError, Settings,
};
use holdline::message::CloseFrame;

use crate::door::{Host, NEIGHBOUR, TENANT, bytes, close_frame, frames, narrow, passes, state_of, tenant, text};

fn everyone() -> Audience {
    Audience::Path("/".to_owned())
}

#[tokio::test(start_paused = true)]
async fn all_frames_go_out_in_the_order_in_which_they_were_accepted() {
    let host = Host::new();
    let client = host.client();
    client.begin(EventKind::Message);
    assert_eq!(client.connection.reply(text("reply")), Ok(()));
    let handle = host.retain(&client.connection, Default::default()).expect("a handle").get();
    client.returns();
    assert_eq!(host.push(TENANT, handle, text("push"), None), Ok(()));
    assert_eq!(host.broadcast(TENANT, &everyone(), &text("broadcast")).await, Ok(1));
    assert!(host.send_after(TENANT, handle, text("delivery"), Duration::from_secs(1)).is_ok());
    passes(Duration::from_secs(1)).await;
    client.connection.close(CloseFrame::NORMAL);
    let mut expected = frames(["reply", "push", "broadcast", "delivery"]);
    expected.push(Frame::Close(CloseFrame::NORMAL));
    assert_eq!(client.reads(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_full_outbox_is_overloaded_and_the_handle_stays_valid() {
    let host = Host::with(narrow(10));
    let client = host.client();
    let handle = client.held();
    assert_eq!(host.push(TENANT, handle, bytes(10), None), Ok(()));
    assert_eq!(host.push(TENANT, handle, bytes(1), None), Err(DelayedError::Overloaded));
    assert_eq!(host.send(TENANT, handle, bytes(1), None), Err(DelayedError::Overloaded));
    assert!(client.is_waiting());
    assert_eq!(client.reads(), [Frame::Message(bytes(10))]);
    assert_eq!(host.send(TENANT, handle, bytes(1), None), Ok(()), "there is room again");
    assert_eq!(client.reads(), [Frame::Message(bytes(1))]);
}

#[tokio::test(start_paused = true)]
async fn a_full_outbox_is_overloaded_for_a_reply_too() {
    let host = Host::with(narrow(10));
    let client = host.client();
    client.begin(EventKind::Message);
    assert_eq!(client.connection.reply(bytes(10)), Ok(()));
    assert_eq!(client.connection.reply(bytes(1)), Err(ReplyError::Overloaded));
    assert_eq!(client.connection.reply(bytes((1 << 20) + 1)), Err(ReplyError::TooLarge));
    assert_eq!(client.connection.reply_close(CloseFrame::NORMAL), Ok(()), "a Close frame always fits");
    assert_eq!(client.connection.reply(bytes(1)), Err(ReplyError::Closed));
}

#[tokio::test(start_paused = true)]
async fn only_the_first_close_counts() {
    let host = Host::new();
    let client = host.client();
    client.begin(EventKind::Message);
    assert_eq!(client.connection.reply_close(close_frame(4000, "mine")), Ok(()));
    assert_eq!(client.connection.reply_close(close_frame(4001, "again")), Err(ReplyError::Closed));
    client.fails();
    client.connection.close(CloseFrame::GOING_AWAY);
    assert_eq!(client.reads(), [Frame::Close(close_frame(4000, "mine"))]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_consumer_is_told_so_and_nothing_else() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held();
    assert_eq!(host.push(TENANT, handle, text("not taken"), None), Ok(()));
    client.connection.abort(CloseFrame::SLOW_CONSUMER);
    assert_eq!(client.reads(), [Frame::Close(CloseFrame::SLOW_CONSUMER)]);
    assert_eq!(client.connection.next_step(), NextStep::Close);
    assert_eq!(state_of(&host, handle), Err(DelayedError::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_slow_consumer_does_not_lose_the_close_frame_that_waited_for_it() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held();
    assert_eq!(host.push(TENANT, handle, text("not taken"), None), Ok(()));
    assert_eq!(host.close(TENANT, handle, close_frame(4000, "done")), Ok(()));
    client.connection.abort(CloseFrame::SLOW_CONSUMER);
    assert_eq!(client.reads(), [Frame::Close(close_frame(4000, "done"))]);
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_reaches_held_connections_and_counts_those_that_took_it() {
    let host = Host::with(narrow(10));
    let [held, idle, full, closing, gone] = std::array::from_fn(|_| host.client());
    let foreign = host.client_of(NEIGHBOUR, "/");
    let handle = held.held();
    assert_eq!(host.push(TENANT, full.held(), bytes(10), None), Ok(()));
    closing.connection.close(CloseFrame::NORMAL);
    gone.leaves();
    assert_eq!(host.broadcast(TENANT, &everyone(), &text("news")).await, Ok(2));
    assert_eq!(held.reads(), frames(["news"]));
    assert_eq!(idle.reads(), frames(["news"]));
    assert_eq!(full.reads(), [Frame::Message(bytes(10))]);
    assert_eq!(closing.reads(), [Frame::Close(CloseFrame::NORMAL)]);
    assert_eq!(foreign.reads(), []);
    assert!(held.is_waiting());
    assert_eq!(host.release(TENANT, handle), Ok(()), "a broadcast is no reply");
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_goes_to_a_path_and_what_lies_below_or_to_a_list() {
    let host = Host::new();
    let [root, chat, blue, chatter] = ["/", "/chat", "/chat/blue", "/chatter"].map(|path| host.client_of(TENANT, path));
    let foreign = host.client_of(NEIGHBOUR, "/chat");
    assert_eq!(host.broadcast(TENANT, &Audience::Path("/chat".to_owned()), &text("path")).await, Ok(2));
    let ids = HashSet::from([root.connection.id(), chat.connection.id(), foreign.connection.id()]);
    blue.ends();
    assert_eq!(host.broadcast(TENANT, &Audience::Connections(ids), &text("list")).await, Ok(2));
    let gone = Audience::Connections(HashSet::from([blue.connection.id()]));
    assert_eq!(host.broadcast(TENANT, &gone, &text("gone")).await, Ok(0));
    assert_eq!(root.reads(), frames(["list"]));
    assert_eq!(chat.reads(), frames(["path", "list"]));
    assert_eq!(chatter.reads(), []);
    assert_eq!(foreign.reads(), []);
    let large = bytes((1 << 20) + 1);
    assert_eq!(host.broadcast(TENANT, &everyone(), &large).await, Err(BroadcastTooLarge));
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_to_a_crowd_gives_way_to_others_and_forgets_nobody() {
    let host = Host::new();
    let crowd: Vec<_> = (0..500).map(|_| host.client()).collect();
    let (everyone, news) = (everyone(), text("news"));
    let mut telling = pin!(host.broadcast(TENANT, &everyone, &news));
    assert_eq!(telling.as_mut().now_or_never(), None);
    let (told, untold): (Vec<_>, Vec<_>) = crowd.iter().map(|client| client.reads()).partition(|read| !read.is_empty());
    assert!(!told.is_empty() && told.len() < untold.len(), "{} of {} at once", told.len(), crowd.len());
    assert_eq!(telling.await, Ok(500));
    let later = crowd.iter().map(|client| client.reads()).filter(|read| !read.is_empty()).count();
    assert_eq!(later, untold.len());
}

#[test]
fn an_inbox_is_full_at_its_bound_in_messages() {
    let mut inbox = Inbox::new(&Settings { inbox_messages: 3, ..Settings::default() }, Arc::clone(tenant(TENANT)));
    for message in ["one", "two", "three"] {
        assert!(!inbox.is_full());
        inbox.push(text(message));
    }
    assert!(inbox.is_full());
    assert_eq!(inbox.pop(), Some(text("one")));
    assert!(!inbox.is_full());
    assert_eq!((inbox.pop(), inbox.pop(), inbox.pop()), (Some(text("two")), Some(text("three")), None));
}

#[test]
fn an_inbox_is_full_at_its_bound_in_bytes() {
    let mut settings = Settings::default();
    settings.inbox_size.0 = 10;
    let mut inbox = Inbox::new(&settings, Arc::clone(tenant(TENANT)));
    inbox.push(bytes(9));
    assert!(!inbox.is_full());
    inbox.push(bytes(100));
    assert!(inbox.is_full(), "the message that went beyond the bound is kept, the next one waits outside");
    assert_eq!(inbox.pop(), Some(bytes(9)));
    assert!(inbox.is_full());
    assert_eq!(inbox.pop(), Some(bytes(100)));
    assert!(inbox.is_empty() && !inbox.is_full());
}

#[test]
fn an_inbox_always_has_room_for_one_message() {
    let mut settings = Settings { inbox_messages: 0, ..Settings::default() };
    settings.inbox_size.0 = 1;
    assert!(!Inbox::new(&settings, Arc::clone(tenant(TENANT))).is_full());
}
