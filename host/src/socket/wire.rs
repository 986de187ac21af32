//! The socket itself: frames of the outbox go out, frames of the client come into the inbox. It is polled by the task of the
//! connection between its events and beside them, so a handler that waits delays no ping.

use std::mem::{MaybeUninit, take};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::close::Ending;
use super::extension::Agreed;
use super::head::FirstBit;
use super::reader::{Heard, Reader};
use super::settings::Settings;
use super::violation::Violation;
use super::writer::{Deflate, Writer};
use crate::hub::{Connection, Frame, Hub, Inbox, Look, NextStep, Told};
use crate::message::CloseFrame;
use crate::tenant::{Counter, Usage};

/// So much is read at once. The room for it is on the stack: a client that is silent needs none.
const READ: usize = 32 << 10;

/// What the log calls messages that come and go.
const TRAFFIC: &str = "traffic";

/// One client's socket.
pub(super) struct Wire {
    stream: TcpStream,
    pub(super) connection: Arc<Connection>,
    pub(super) hub: Arc<Hub>,
    reader: Reader,
    // What has come and is not read yet: something only while the inbox is full.
    unread: Bytes,
    pub(super) inbox: Inbox,
    writer: Writer,
    // The client's latest ping, until its pong is put among what is written. Earlier ones need none (RFC 6455, section 5.5.3).
    ping: Option<Bytes>,
    pub(super) ending: Ending,
    limits: Limits,
    stalled_since: Option<Instant>,
    // What the plugin does, of which what goes out is a part.
    usage: Arc<Usage>,
    // Who waits for frames among what is written.
    told: Vec<Told>,
    // Whether the client was heard of since the last check, and whether a ping is out.
    heard: bool,
    pinged: bool,
    next_check: Instant,
    // One timer for all that can become due. It is set again only when something is due earlier than it is: most retentions are
    // over long before, and setting a timer for each would cost more than delivering to them.
    timer: Pin<Box<Sleep>>,
    // The timer has been polled since it was set.
    is_armed: bool,
}

struct Limits {
    keepalive: Duration,
    slow_consumer: Duration,
    close: Duration,
}

impl Wire {
    /// `unread` is what has come after the client's request.
    pub(super) fn new(
        stream: TcpStream,
        unread: Bytes,
        extension: Option<Agreed>,
        connection: Arc<Connection>,
        hub: Arc<Hub>,
        usage: Arc<Usage>,
        settings: &Settings,
    ) -> Self {
        let next_check = Instant::now() + settings.keepalive;
        let inbox = Inbox::new(hub.settings(), Arc::clone(connection.owner()));
        Self {
            stream,
            connection,
            reader: Reader::new(
                hub.settings().message_bytes(),
                settings.fragments,
                if extension.is_some() { FirstBit::Deflated } else { FirstBit::Reserved },
            ),
            unread,
            inbox,
            hub,
            writer: Writer::new(extension.map(|agreed| {
                let from = u32::try_from(settings.compress_from.as_u64()).unwrap_or(u32::MAX);
                Deflate { from, window: agreed.window() }
            })),
            ping: None,
            ending: Ending::default(),
            limits: Limits {
                keepalive: settings.keepalive,
                slow_consumer: settings.slow_consumer,
                close: settings.close_timeout,
            },
            stalled_since: None,
            usage,
            told: Vec::new(),
            heard: true,
            pinged: false,
            next_check,
            timer: Box::pin(tokio::time::sleep_until(next_check)),
            is_armed: false,
        }
    }

    /// How long the client may take to answer a Close frame.
    pub(super) fn close_timeout(&self) -> Duration {
        self.limits.close
    }

    /// Does what can be done now. Ready when the task has something to do: a message may be handled, the peer has gone, or the host
    /// has said Close.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<NextStep> {
        loop {
            let look = self.look(cx);
            let was_over = self.ending.is_over();
            self.poll_write(cx);
            self.poll_read(cx);
            let is_at_its_end = self.ending.is_over() != was_over;
            if is_at_its_end {
                self.part(cx);
            }
            let may_write = !look.is_drained || self.ping.is_some() || !self.writer.is_empty();
            if may_write && self.stalled_since.is_none() && !self.ending.is_lost() || is_at_its_end {
                // There is more, or what came has changed what there is to do.
                continue;
            }
            if self.poll_timer(look.deadline, cx) {
                continue;
            }
            return match look.step {
                step @ NextStep::Proceed if !self.inbox.is_empty() || self.ending.is_over() => Poll::Ready(step),
                step @ NextStep::Close => Poll::Ready(step),
                NextStep::Proceed | NextStep::Wait => {
                    self.inbox.settle();
                    Poll::Pending
                }
            };
        }
    }

    /// Only writes and listens for the peer's Close. Ready when nothing more is to come.
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.inbox.clear();
            let look = self.look(cx);
            self.poll_write(cx);
            self.poll_read(cx);
            let is_drained = look.is_drained && self.writer.is_empty();
            if self.ending.is_lost() || is_drained && self.ending.is_over() {
                return Poll::Ready(());
            }
            // A full inbox has kept it from reading on, or a Close that has come wants its answer.
            if !self.inbox.is_full() && (is_drained || self.stalled_since.is_some()) {
                return Poll::Pending;
            }
        }
    }

    /// Reads on, and throws away, until a client that broke the protocol, or speaks on after its Close, has seen the host's Close and
    /// closes. If the socket were closed while what it sends lies unread, the system would reset the connection, and the client might
    /// never see that frame.
    pub(super) async fn linger(&mut self) {
        let is_spoken_on = self.ending.is_unreadable() || !self.unread.is_empty();
        if !is_spoken_on || self.ending.is_lost() {
            return;
        }
        let mut thrown_away = vec![0; 4096];
        let closed = self.stream.shutdown().await;
        while closed.is_ok() && self.stream.read(&mut thrown_away).await.is_ok_and(|size| size > 0) {}
    }

    /// Takes what is to be written, as much as goes out in one write, and asks what else there is to do.
    fn look(&mut self, cx: &Context<'_>) -> Look {
        if let Some(payload) = self.ping.take()
            && !self.ending.has_said_close()
        {
            self.writer.pong(&payload);
        }
        let Self { connection, writer, ending, told, usage, .. } = self;
        let (mut messages, mut bytes) = (0, 0);
        let look = connection.look(cx, writer.room(), |outgoing| {
            told.extend(outgoing.written);
            match outgoing.frame {
                Frame::Message(message) => {
                    tracing::trace!(target: TRAFFIC, connection = %connection.id(), "out {message}");
                    messages += 1;
                    bytes += message.len();
                    writer.message(&message);
                }
                Frame::Close(frame) => {
                    tracing::trace!(target: TRAFFIC, connection = %connection.id(), code = frame.code(), "out Close");
                    writer.close(&frame);
                    ending.said_close(frame);
                }
            }
        });
        if messages > 0 {
            usage.count(Counter::MessagesOut, messages);
            usage.count(Counter::BytesOut, bytes);
        }
        look
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) {
        if self.writer.is_empty() || self.ending.is_lost() {
            return;
        }
        match self.writer.poll(&mut self.stream, cx) {
            Poll::Ready(Ok(())) => {
                self.stalled_since = None;
                self.part(cx);
                for told in self.told.drain(..) {
                    // Whoever asked may have been ended meanwhile.
                    let _nobody_waits = told.send(());
                }
            }
            Poll::Ready(Err(_)) => self.lost(),
            Poll::Pending => {
                self.stalled_since.get_or_insert_with(Instant::now);
            }
        }
    }

    /// Ends the stream when both sides have said all that they will: a client does not wait for what its plugin still does (RFC 6455,
    /// section 7.1.1).
    fn part(&mut self, cx: &mut Context<'_>) {
        if self.ending.is_complete() && self.writer.is_empty() {
            // Whether it has gone before is no news.
            let _already_gone = Pin::new(&mut self.stream).poll_shutdown(cx);
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) {
        if !self.unread.is_empty() {
            let mut unread = take(&mut self.unread);
            let mut input = unread.as_ref();
            self.hear(&mut input);
            let left = input.len();
            unread.advance(unread.len() - left);
            self.unread = unread;
        }
        let mut room = [MaybeUninit::uninit(); READ];
        while !self.ending.is_over() && !self.inbox.is_full() {
            let mut buffer = ReadBuf::uninit(&mut room);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.heard = true;
                    let mut input = buffer.filled();
                    self.hear(&mut input);
                    self.unread = Bytes::copy_from_slice(input);
                }
                // The peer has gone without a word.
                Poll::Ready(Ok(()) | Err(_)) => self.lost(),
            }
        }
    }

    /// Takes in what came, until there is no more or the inbox is full.
    fn hear(&mut self, input: &mut &[u8]) {
        while !self.ending.is_over() && !self.inbox.is_full() {
            match self.reader.next(input) {
                Ok(None) => return,
                Ok(Some(Heard::Message(message))) => {
                    tracing::trace!(target: TRAFFIC, connection = %self.connection.id(), "in {message}");
                    self.inbox.push(message);
                    self.connection.waits(self.inbox.len());
                }
                Ok(Some(Heard::Ping(payload))) => self.ping = Some(payload),
                Ok(Some(Heard::Pong)) => {}
                Ok(Some(Heard::Close(frame))) => self.heard_close(frame),
                Err(violation) => self.broke(violation),
            }
        }
    }

    fn heard_close(&mut self, frame: CloseFrame) {
        tracing::trace!(target: TRAFFIC, connection = %self.connection.id(), code = frame.code(), "in Close");
        self.connection.peer_gone();
        if !self.ending.has_said_close() {
            // Nothing may follow a Close, so what is owed goes before it.
            if let Some(payload) = self.ping.take() {
                self.writer.pong(&payload);
            }
            // The answer has the same code (RFC 6455, section 5.5.1).
            self.writer.close(&frame);
        }
        self.ending.heard_close(frame);
    }

    /// The client broke the protocol: it is told so, after what waits for it.
    fn broke(&mut self, violation: Violation) {
        tracing::debug!(connection = %self.connection.id(), %violation, "the client broke the protocol");
        // One that has been told Close is told nothing more.
        self.connection.close(violation.frame());
        self.ending.unreadable();
    }

    /// Does what is due. True if something was.
    fn poll_timer(&mut self, held: Option<Instant>, cx: &mut Context<'_>) -> bool {
        let stalled = self.stalled_since.map(|since| since + self.limits.slow_consumer);
        let due = [held, stalled].into_iter().flatten().fold(self.next_check, Instant::min);
        if due < self.timer.deadline() {
            self.timer.as_mut().reset(due);
            self.is_armed = false;
        }
        // Once it knows this task it wakes it, and whether it has struck is one look at a flag.
        if self.is_armed && !self.timer.is_elapsed() {
            return false;
        }
        // A timer that is polled when this task has used up its turn has not looked at all.
        let looks = tokio::task::coop::has_budget_remaining();
        if self.timer.as_mut().poll(cx).is_pending() {
            self.is_armed = looks;
            return false;
        }
        self.is_armed = false;
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
        if self.next_check <= now {
            self.check(now);
        }
        // What is due next is found in the next round; until then the timer must not be one that has fired.
        self.timer.as_mut().reset(self.next_check);
        true
    }

    /// Looks whether the client is still there. While the inbox is full nothing is read, so nothing is known.
    fn check(&mut self, now: Instant) {
        self.next_check = now + self.limits.keepalive;
        if self.heard || self.inbox.is_full() || self.ending.is_over() || self.ending.has_said_close() {
            // Of one that is at its end nothing need be heard, and after a Close nothing may be said.
            self.pinged = false;
        } else if self.pinged {
            tracing::debug!(connection = %self.connection.id(), "the client has not answered a ping");
            self.lost();
        } else {
            self.pinged = true;
            self.writer.ping();
        }
        self.heard = false;
    }

    fn lost(&mut self) {
        self.ending.lost();
        self.connection.peer_gone();
        // Those who wait for a message to be written hear that it will not be.
        self.told.clear();
    }
}
