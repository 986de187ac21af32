//! Broadcasts that go past the task of a connection: only while nothing that was accepted before could come after them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Waker;

use holdline::hub::{Audience, Connection, EventKind, Outlet, Taken};
use holdline::ids::ConnectionId;
use holdline::message::{CloseFrame, Message};
use parking_lot::Mutex;

use crate::door::{Host, TENANT, frames, look, pop, text};

/// Keeps what it takes.
#[derive(Default)]
struct Kept {
    messages: Mutex<Vec<Message>>,
    is_full: AtomicBool,
    writes: AtomicUsize,
}

impl Outlet for Kept {
    fn take(&self, _connection: ConnectionId, message: &Message, _task: &Waker) -> Taken {
        if self.is_full.load(Ordering::Relaxed) {
            return Taken::No;
        }
        let mut messages = self.messages.lock();
        messages.push(message.clone());
        if messages.len() == 1 { Taken::Yes } else { Taken::WithOthers }
    }

    fn write(self: Arc<Self>) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }
}

fn outlet(connection: &Connection) -> Arc<Kept> {
    let outlet = Arc::new(Kept::default());
    connection.set_outlet(Some(Arc::clone(&outlet) as _));
    outlet
}

async fn broadcast(host: &Host, said: &'static str) -> u32 {
    host.broadcast(TENANT, &Audience::Path("/".to_owned()), &text(said)).await.expect("it is small")
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_goes_past_a_task_that_waits() {
    let host = Host::new();
    let client = host.client();
    let outlet = outlet(&client.connection);
    look(&client.connection);

    assert_eq!(broadcast(&host, "one").await, 1);
    assert_eq!(broadcast(&host, "two").await, 1);

    assert_eq!(*outlet.messages.lock(), [text("one"), text("two")]);
    assert_eq!(outlet.writes.load(Ordering::Relaxed), 1, "the second goes with the first");
    assert_eq!(client.reads(), []);
}

#[tokio::test(start_paused = true)]
async fn it_goes_by_the_outbox_behind_what_the_task_has_or_is_to_take() {
    let host = Host::new();
    let client = host.client();
    let outlet = outlet(&client.connection);
    assert_eq!(broadcast(&host, "the task has not looked yet").await, 1);
    client.begin(EventKind::Message);
    assert_eq!(client.connection.reply(text("reply")), Ok(()));
    assert_eq!(broadcast(&host, "behind the reply").await, 1);
    assert_eq!(client.reads(), frames(["the task has not looked yet", "reply", "behind the reply"]));
    assert_eq!(broadcast(&host, "behind what is not written").await, 1);
    assert_eq!(*outlet.messages.lock(), []);
    assert!(pop(&client.connection).is_some());
    look(&client.connection);

    client.connection.has_written();

    assert_eq!(broadcast(&host, "past the task").await, 1);
    assert_eq!(*outlet.messages.lock(), [text("past the task")]);
}

#[tokio::test(start_paused = true)]
async fn what_the_outlet_does_not_take_goes_by_the_outbox() {
    let host = Host::new();
    let client = host.client();
    let outlet = outlet(&client.connection);
    look(&client.connection);
    outlet.is_full.store(true, Ordering::Relaxed);

    assert_eq!(broadcast(&host, "one").await, 1);
    outlet.is_full.store(false, Ordering::Relaxed);
    assert_eq!(broadcast(&host, "two").await, 1);

    assert_eq!(client.reads(), frames(["one", "two"]));
    assert_eq!(*outlet.messages.lock(), []);
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_past_a_task_that_says_close_or_has_shut_the_outlet() {
    let host = Host::new();
    let (closing, shut) = (host.client(), host.client());
    let outlets = [outlet(&closing.connection), outlet(&shut.connection)];
    closing.connection.close(CloseFrame::NORMAL);
    shut.connection.set_outlet(None);
    look(&closing.connection);
    look(&shut.connection);

    assert_eq!(broadcast(&host, "late").await, 1);

    assert_eq!(shut.reads(), frames(["late"]));
    assert!(outlets.iter().all(|outlet| outlet.messages.lock().is_empty()));
}
