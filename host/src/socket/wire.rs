//! The socket itself: frames of the outbox go out, frames of the client come into the inbox. It is polled by the task of the
//! connection between its events and beside them, so a handler that waits delays no ping.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error};
use tokio_tungstenite::tungstenite::{self, Bytes};

use super::close::Ending;
use super::settings::Settings;
use crate::hub::{Connection, Frame, Hub, Inbox, NextStep, Told};
use crate::message::{CloseFrame, Message};

/// One client's socket.
pub(super) struct Wire {
    socket: WebSocketStream<TcpStream>,
    pub(super) connection: Arc<Connection>,
    pub(super) hub: Arc<Hub>,
    pub(super) inbox: Inbox,
    pub(super) ending: Ending,
    limits: Limits,
    // Frames are in the library's buffer that the socket has not taken.
    unflushed: bool,
    stalled_since: Option<Instant>,
    // Who waits for frames in that buffer to be written.
    told: Vec<Told>,
    // Whether the client was heard of since the last look, and whether a ping is out.
    heard: bool,
    pinged: bool,
    next_look: Instant,
    // One timer for all that can become due. It is set again only when something is due earlier than it is: most retentions are
    // over long before, and setting a timer for each would cost more than delivering to them.
    timer: Pin<Box<Sleep>>,
}

struct Limits {
    keepalive: Duration,
    slow_consumer: Duration,
}

impl Wire {
    pub(super) fn new(
        socket: WebSocketStream<TcpStream>,
        connection: Arc<Connection>,
        hub: Arc<Hub>,
        settings: &Settings,
    ) -> Self {
        let next_look = Instant::now() + settings.keepalive;
        Self {
            socket,
            connection,
            inbox: Inbox::new(hub.settings()),
            hub,
            ending: Ending::default(),
            limits: Limits { keepalive: settings.keepalive, slow_consumer: settings.slow_consumer },
            unflushed: false,
            stalled_since: None,
            told: Vec::new(),
            heard: true,
            pinged: false,
            next_look,
            timer: Box::pin(tokio::time::sleep_until(next_look)),
        }
    }

    /// Does what can be done now. Ready when the task has something to do: a message may be handled, the peer has gone, or the host
    /// has said Close.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.connection.register(cx);
        loop {
            self.poll_write(cx);
            self.poll_read(cx);
            if self.unflushed && self.stalled_since.is_none() {
                // The answer to a Close or a ping.
                self.poll_write(cx);
            }
            if !self.poll_timer(cx) {
                break;
            }
        }
        match self.connection.next_step() {
            NextStep::Proceed if self.inbox.is_empty() && !self.ending.is_over() => Poll::Pending,
            NextStep::Wait => Poll::Pending,
            NextStep::Proceed | NextStep::Close => Poll::Ready(()),
        }
    }

    /// Only writes and listens for the peer's Close. Ready when nothing more is to come.
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.connection.register(cx);
        self.poll_write(cx);
        self.inbox.clear();
        self.poll_read(cx);
        self.inbox.clear();
        // What the library answers to a Close that has just come.
        self.poll_write(cx);
        let is_written = self.ending.is_lost() || self.connection.is_drained() && !self.unflushed;
        if self.ending.is_over() && is_written { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Reads on, and throws away, until a client that broke the protocol has seen why and closes. If the socket were closed while
    /// what it sends lies unread, the system would reset the connection, and the client might never see the Close frame.
    pub(super) async fn linger(&mut self) {
        if !self.ending.is_unreadable() || self.ending.is_lost() {
            return;
        }
        let stream = self.socket.get_mut();
        let mut thrown_away = vec![0; 4096];
        let closed = stream.shutdown().await;
        while closed.is_ok() && stream.read(&mut thrown_away).await.is_ok_and(|size| size > 0) {}
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) {
        while !self.ending.is_lost() && !self.connection.is_drained() {
            match Pin::new(&mut self.socket).poll_ready(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return self.failed(error),
                Poll::Pending => return self.stalled(),
            }
            let Some(outgoing) = self.connection.pop() else { break };
            let frame = match outgoing.frame {
                Frame::Message(Message::Text(text)) => tungstenite::Message::Text(text),
                Frame::Message(Message::Binary(bytes)) => tungstenite::Message::Binary(bytes),
                Frame::Close(frame) => {
                    self.ending.said_close(frame.clone());
                    tungstenite::Message::Close(Some(tungstenite::protocol::CloseFrame {
                        code: frame.code().into(),
                        reason: frame.reason().clone(),
                    }))
                }
            };
            self.told.extend(outgoing.written);
            self.unflushed = true;
            if let Err(error) = Pin::new(&mut self.socket).start_send(frame) {
                return self.failed(error);
            }
        }
        if !self.unflushed || self.ending.is_lost() {
            return;
        }
        match Pin::new(&mut self.socket).poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                self.unflushed = false;
                self.stalled_since = None;
                for told in self.told.drain(..) {
                    // Whoever asked may have been ended meanwhile.
                    let _nobody_waits = told.send(());
                }
            }
            Poll::Ready(Err(error)) => self.failed(error),
            Poll::Pending => self.stalled(),
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) {
        while !self.ending.is_over() && !self.inbox.is_full() {
            match Pin::new(&mut self.socket).poll_next(cx) {
                Poll::Pending => return,
                Poll::Ready(None) => self.lost(),
                Poll::Ready(Some(Err(error))) => self.failed(error),
                Poll::Ready(Some(Ok(message))) => {
                    self.heard = true;
                    self.received(message);
                }
            }
        }
    }

    fn received(&mut self, message: tungstenite::Message) {
        match message {
            tungstenite::Message::Text(text) => self.inbox.push(Message::Text(text)),
            tungstenite::Message::Binary(bytes) => self.inbox.push(Message::Binary(bytes)),
            // The library answers; it goes out with the next flush.
            tungstenite::Message::Ping(_) => self.unflushed = true,
            tungstenite::Message::Close(frame) => {
                self.ending.heard_close(frame);
                self.connection.peer_gone();
                self.unflushed = true;
            }
            tungstenite::Message::Pong(_) | tungstenite::Message::Frame(_) => {}
        }
    }

    /// Does what is due. True if something was.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let held = self.connection.deadline();
        let stalled = self.stalled_since.map(|since| since + self.limits.slow_consumer);
        let due = [held, stalled].into_iter().flatten().fold(self.next_look, Instant::min);
        if due < self.timer.deadline() {
            self.timer.as_mut().reset(due);
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return false;
        }
        let now = Instant::now();
        if held.is_some_and(|deadline| deadline <= now) {
            self.hub.expire(&self.connection);
        }
        if stalled.is_some_and(|deadline| deadline <= now) {
            let (plugin, connection) = (self.connection.plugin(), self.connection.id());
            tracing::warn!(plugin, %connection, "slow consumer: the client is closed");
            self.connection.abort(CloseFrame::SLOW_CONSUMER);
            self.stalled_since = None;
        }
        if self.next_look <= now {
            self.look(now);
        }
        // What is due next is found in the next round; until then the timer must not be one that has fired.
        self.timer.as_mut().reset(self.next_look);
        true
    }

    /// Looks whether the client is still there. While the inbox is full nothing is read, so nothing is known.
    fn look(&mut self, now: Instant) {
        self.next_look = now + self.limits.keepalive;
        if self.heard || self.inbox.is_full() {
            self.pinged = false;
        } else if self.pinged {
            tracing::debug!(connection = %self.connection.id(), "the client has not answered a ping");
            self.lost();
        } else {
            self.pinged = true;
            self.unflushed = true;
            if let Err(error) = Pin::new(&mut self.socket).start_send(tungstenite::Message::Ping(Bytes::new())) {
                self.failed(error);
            }
        }
        self.heard = false;
    }

    fn stalled(&mut self) {
        self.stalled_since.get_or_insert_with(Instant::now);
    }

    /// The socket cannot be used any more, or the client broke the protocol: then it is told so, after what waits for it.
    fn failed(&mut self, error: Error) {
        let frame = match &error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => Some(CloseFrame::TOO_LARGE),
            Error::Utf8(_) => Some(CloseFrame::INVALID_UTF8),
            Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => None,
            Error::Protocol(_) => Some(CloseFrame::PROTOCOL_ERROR),
            _ => None,
        };
        match frame {
            Some(frame) if !self.ending.has_said_close() => {
                tracing::debug!(connection = %self.connection.id(), %error, "the client broke the protocol");
                self.connection.close(frame);
                self.ending.unreadable();
            }
            _ => self.lost(),
        }
    }

    fn lost(&mut self) {
        self.ending.lost();
        self.connection.peer_gone();
        // Those who wait for a message to be written hear that it will not be.
        self.told.clear();
    }
}
