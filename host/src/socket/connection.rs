//! The task of one connection, from its open event to its close event. It alone runs the connection's events, so they never
//! overlap.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;

use super::listener::Door;
use super::wire::Wire;
use crate::hub::{Connection, EventKind, Hub, NextStep};
use crate::message::Message;
use crate::plugin::Dispatch;

/// What the task owns.
pub(super) struct ConnectionTask {
    hub: Arc<Hub>,
    connection: Arc<Connection>,
    events: Dispatch,
    wire: Wire,
    close_timeout: Duration,
}

impl ConnectionTask {
    pub(super) fn new(
        door: &Door,
        socket: WebSocketStream<TcpStream>,
        connection: Arc<Connection>,
        events: Dispatch,
    ) -> Self {
        Self {
            hub: Arc::clone(&door.hub),
            wire: Wire::new(socket, Arc::clone(&connection), Arc::clone(&door.hub), &door.settings),
            connection,
            events,
            close_timeout: door.settings.close_timeout,
        }
    }

    pub(super) async fn run(mut self) {
        let opened = self.event(EventKind::Open, None).await;
        self.hub.finish_event(&self.connection, opened);
        loop {
            match self.connection.next_step() {
                NextStep::Proceed => {
                    if let Some(message) = self.wire.inbox.pop() {
                        let handled = self.event(EventKind::Message, Some(message)).await;
                        self.hub.finish_event(&self.connection, handled);
                        continue;
                    }
                    if self.wire.ending.is_over() {
                        break;
                    }
                }
                NextStep::Close => break,
                NextStep::Wait => {}
            }
            poll_fn(|cx| self.wire.poll(cx)).await;
        }
        // A client that does not answer the Close is not waited for any longer than this.
        let said_goodbye = async {
            poll_fn(|cx| self.wire.poll_close(cx)).await;
            self.wire.linger().await;
        };
        if tokio::time::timeout(self.close_timeout, said_goodbye).await.is_err() {
            tracing::debug!(connection = %self.connection.id(), "the client has not answered the Close frame");
        }
        let Self { hub, connection, mut events, wire, .. } = self;
        let info = wire.ending.info();
        // The socket is closed before the close event: the client does not wait for the plugin.
        drop(wire);
        connection.begin_event(EventKind::Close);
        // Its failure is in the plugin's log; there is nothing left to close.
        let _logged = events.close(&connection, &info).await;
        hub.disconnect(&connection);
    }

    /// Runs one event while the socket goes on reading and writing.
    async fn event(&mut self, kind: EventKind, message: Option<Message>) -> Result<(), ()> {
        let Self { hub, connection, events, wire, .. } = self;
        connection.begin_event(kind);
        let call = async {
            match message {
                None => events.open(connection).await,
                Some(message) => events.message(connection, message).await,
            }
        };
        let mut call = pin!(call);
        poll_fn(|cx| {
            if let Poll::Ready(outcome) = call.as_mut().poll(cx) {
                return Poll::Ready(outcome);
            }
            if hub.is_abandoning() {
                return Poll::Ready(Err(()));
            }
            // Whatever the socket is ready for has been done, or wakes this task again; messages wait for the event to end.
            let _socket = wire.poll(cx);
            Poll::Pending
        })
        .await
    }
}
