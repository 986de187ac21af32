//! The task of one connection, from its open event to its close event. It alone runs the connection's events, so they never
//! overlap.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;

use super::entry::Stay;
use super::extension::Agreed;
use super::listener::Door;
use super::stream::Stream;
use super::waiting;
use super::wire::Wire;
use crate::gate::Reason;
use crate::guest::v1::Event;
use crate::hub::{Connection, EventKind, Hub, NextStep};
use crate::message::{CloseFrame, Message};
use crate::plugin::Dispatch;
use crate::tenant::{AtRate, Pace};

/// What the task owns.
pub(super) struct ConnectionTask {
    hub: Arc<Hub>,
    connection: Arc<Connection>,
    events: Dispatch,
    // Boxed, as is what else is large: a future has room for each thing that was moved in the course of it.
    wire: Box<Wire>,
}

impl ConnectionTask {
    /// `unread` is what has come after the client's request.
    pub(super) fn new(
        door: &Arc<Door>,
        stream: Stream,
        unread: Bytes,
        extension: Option<Agreed>,
        connection: Arc<Connection>,
        events: Dispatch,
        stay: Stay,
    ) -> Self {
        Self {
            hub: Arc::clone(&door.hub),
            wire: Box::new(Wire::new(
                stream,
                unread,
                extension,
                Arc::clone(&connection),
                Arc::clone(events.plugin().usage()),
                Arc::clone(door),
                stay,
            )),
            connection,
            events,
        }
    }

    pub(super) async fn run(mut self) {
        let mut event = Event::Open;
        loop {
            let handled = self.handle(event).await;
            let step = self.hub.finish_event(&self.connection, handled);
            match self.next_message(step).await {
                Some(message) => event = Event::Message(message),
                None => break,
            }
        }
        self.close().await;
    }

    /// The next message that may be handled; nothing when the connection is at its end.
    async fn next_message(&mut self, mut step: NextStep) -> Option<Message> {
        loop {
            match step {
                NextStep::Proceed => {
                    if let Some(message) = self.wire.inbox.pop() {
                        self.connection.waits(self.wire.inbox.len());
                        return match self.connection.owner().pace(message.len()) {
                            Pace::Kept => Some(message),
                            // Boxed, so that only who is too fast has room for it.
                            Pace::TooFast { wait, .. } => Box::pin(self.too_fast(message, wait)).await,
                        };
                    }
                    if self.wire.ending.is_over() {
                        return None;
                    }
                }
                NextStep::Close => return None,
                NextStep::Wait => {}
            }
            step = poll_fn(|cx| self.wire.poll(cx)).await;
        }
    }

    /// The clients of the tenant send faster than it may be: the message waits for its turn, or the client is closed. Meanwhile the
    /// inbox fills, and then TCP holds the client back.
    async fn too_fast(&mut self, message: Message, mut wait: Duration) -> Option<Message> {
        let tenant = Arc::clone(self.connection.owner());
        loop {
            if tenant.limits().at_rate == AtRate::Close {
                self.wire.tell(Reason::AtRate, "its tenant is at its rate");
                self.connection.close(CloseFrame::TOO_FAST);
                return None;
            }
            let mut turn = pin!(tokio::time::sleep(wait));
            let is_closing = poll_fn(|cx| {
                let socket = self.wire.poll(cx);
                self.wire.inbox.settle();
                if matches!(socket, Poll::Ready(NextStep::Close)) || self.hub.is_abandoning() {
                    return Poll::Ready(true);
                }
                turn.as_mut().poll(cx).map(|()| false)
            });
            if is_closing.await {
                return None;
            }
            match tenant.pace(message.len()) {
                Pace::Kept => return Some(message),
                Pace::TooFast { wait: again, .. } => wait = again,
            }
        }
    }

    /// Says goodbye to the client, and then runs the close event: the client does not wait for the plugin.
    async fn close(self) {
        let Self { hub, connection, mut events, mut wire } = self;
        // A client that does not answer the Close is not waited for any longer than this.
        let close_timeout = wire.close_timeout();
        let said_goodbye = async {
            poll_fn(|cx| wire.poll_close(cx)).await;
            wire.linger().await;
        };
        if tokio::time::timeout(close_timeout, said_goodbye).await.is_err() {
            tracing::debug!(connection = %connection.id(), "the client has not answered the Close frame");
        }
        let info = wire.ending.info();
        drop(wire);
        connection.begin_event(EventKind::Close);
        // Its failure is in the plugin's log; there is nothing left to close.
        let _logged = events.handle(&connection, Event::Close(info)).await;
        hub.disconnect(&connection);
    }

    /// Runs one event while the socket goes on reading and writing.
    async fn handle(&mut self, event: Event) -> Result<(), ()> {
        let Self { hub, connection, events, wire, .. } = self;
        connection.begin_event(event.kind());
        let mut call = pin!(events.handle(connection, event));
        poll_fn(|cx| {
            if let Poll::Ready(outcome) = call.as_mut().poll(cx) {
                return Poll::Ready(outcome);
            }
            // The event lasts, and answers to others are not to wait for its end.
            waiting::write_all();
            // Whatever the socket is ready for has been done, or wakes this task again; messages wait for the event to end.
            let _socket = wire.poll(cx);
            if hub.is_abandoning() { Poll::Ready(Err(())) } else { Poll::Pending }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<A, F>(_: fn(A) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_task_of_a_connection_is_small() {
        let size = size_of_future(ConnectionTask::run);
        assert!(size <= 1200 && size_of::<Wire>() <= 512, "{size} bytes, and {} of the wire", size_of::<Wire>());
    }
}
