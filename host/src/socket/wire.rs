//! The socket itself: frames of the outbox go out, frames of the client come into the inbox. It is polled by the task of the
//! connection between its events and beside them, so a handler that waits delays no ping.

mod due;

use std::fmt::Display;
use std::mem::{MaybeUninit, take};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;
use tokio::time::{Instant, Sleep};

use super::close::Ending;
use super::corked::Corked;
use super::entry::Stay;
use super::extension::Agreed;
use super::head::FirstBit;
use super::keepalive::Keepalive;
use super::listener::Door;
use super::reader::{Heard, Reader};
use super::stream::Stream;
use super::violation::Violation;
use super::writer::{Deflate, Writer};
use crate::gate::Reason;
use crate::hub::{Connection, Frame, Inbox, Look, NextStep, Told};
use crate::message::CloseFrame;
use crate::tenant::{Counter, Usage};

/// So much is read at once. The room for it is on the stack: a client that is silent needs none.
const READ: usize = 32 << 10;

/// What the log calls messages that come and go.
pub(super) const TRAFFIC: &str = "traffic";

/// One client's socket.
pub(super) struct Wire {
    stream: Corked,
    pub(super) connection: Arc<Connection>,
    reader: Reader,
    // What has come and is not read yet: something only while the inbox is full.
    unread: Bytes,
    pub(super) inbox: Inbox,
    writer: Writer,
    // The client's latest ping, until its pong is put among what is written. Earlier ones need none (RFC 6455, section 5.5.3).
    ping: Option<Bytes>,
    pub(super) ending: Ending,
    door: Arc<Door>,
    // It has its place among the sockets of its address until it is closed.
    _stay: Stay,
    stalled_since: Option<Instant>,
    // What the plugin does, of which what goes out is a part.
    usage: Arc<Usage>,
    // Who waits for frames among what is written.
    told: Vec<Told>,
    keepalive: Keepalive,
    // Whether a message came or went since the time beside it, from which on there was none that is known.
    spoken: bool,
    silent_since: Instant,
    // One timer for all that can become due. It is set again only when something is due earlier than it is: most retentions are
    // over long before, and setting a timer for each would cost more than delivering to them.
    timer: Pin<Box<Sleep>>,
    // The timer has been polled since it was set.
    is_armed: bool,
}

impl Wire {
    /// `unread` is what has come after the client's request.
    pub(super) fn new(
        stream: Stream,
        unread: Bytes,
        extension: Option<Agreed>,
        connection: Arc<Connection>,
        usage: Arc<Usage>,
        door: Arc<Door>,
        stay: Stay,
    ) -> Self {
        let (settings, hub) = (&door.settings, &door.hub);
        let silent_since = Instant::now();
        let keepalive = Keepalive::new(settings, &connection);
        let inbox = Inbox::new(hub.settings(), Arc::clone(connection.owner()));
        let stream = Corked::new(stream, Arc::clone(&usage));
        // What is compressed needs what the task has.
        connection.set_outlet(if extension.is_none() { stream.outlet() } else { None });
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
            writer: Writer::new(extension.map(|agreed| {
                let from = u32::try_from(settings.compress_from.as_u64()).unwrap_or(u32::MAX);
                Deflate { from, window: agreed.window() }
            })),
            ping: None,
            ending: Ending::default(),
            stalled_since: None,
            usage,
            told: Vec::new(),
            spoken: false,
            silent_since,
            timer: Box::pin(tokio::time::sleep_until(keepalive.due())),
            keepalive,
            is_armed: false,
            door,
            _stay: stay,
        }
    }

    /// How long the client may take to answer a Close frame.
    pub(super) fn close_timeout(&self) -> Duration {
        self.door.settings.close_timeout
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
        self.stream.throw_away().await;
    }

    /// Takes what is to be written, as much as goes out in one write, and asks what else there is to do.
    fn look(&mut self, cx: &Context<'_>) -> Look {
        if let Some(payload) = self.ping.take()
            && !self.ending.has_said_close()
        {
            self.writer.pong(&payload);
        }
        let Self { connection, writer, ending, told, usage, spoken, .. } = self;
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
            *spoken = true;
            usage.count(Counter::MessagesOut, messages);
            usage.count(Counter::BytesOut, bytes);
        }
        look
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) {
        let came_back = self.stream.take_back(self.writer.unwritten());
        if self.writer.is_empty() || self.ending.is_lost() {
            return;
        }
        // What is more than messages on their way is written now, because something follows from it.
        let is_urgent = came_back || !self.told.is_empty() || self.stalled_since.is_some() || self.ending.has_begun();
        if !is_urgent && self.stream.wait(self.writer.unwritten(), cx) {
            self.connection.has_written();
            return;
        }
        match self.writer.poll(&mut self.stream, cx) {
            Poll::Ready(Ok(())) => {
                self.connection.has_written();
                if self.stalled_since.take().is_some() {
                    // It has taken what there was no room for. Until it comes to the ping behind that, it need not say more.
                    self.keepalive.hear();
                }
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
            match self.stream.poll_read(cx, &mut room) {
                Poll::Pending => return,
                Poll::Ready(Ok(came)) if !came.is_empty() => {
                    self.keepalive.hear();
                    let mut input = &*came;
                    self.hear(&mut input);
                    self.unread = Bytes::copy_from_slice(input);
                }
                // The peer has gone without a word.
                Poll::Ready(Ok(_) | Err(_)) => self.lost(),
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
                    self.spoken = true;
                    self.inbox.push(message);
                    self.connection.waits(self.inbox.len());
                }
                Ok(Some(Heard::Ping(payload))) => self.ping = Some(payload),
                Ok(Some(Heard::Pong)) => self.keepalive.answered(&self.door.settings, &self.connection),
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
        self.tell(Reason::Protocol, violation);
        // One that has been told Close is told nothing more.
        self.connection.close(violation.frame());
        self.ending.unreadable();
    }

    /// Tells the log, and those who count, why the client is sent away.
    pub(super) fn tell(&self, reason: Reason, why: impl Display) {
        self.door.gate.refuse(reason, self.connection.upgrade().remote_address, why);
    }

    fn lost(&mut self) {
        self.ending.lost();
        self.connection.peer_gone();
        // Those who wait for a message to be written hear that it will not be.
        self.told.clear();
    }
}

impl Drop for Wire {
    /// The connection may be known for longer, and is to keep no socket open.
    fn drop(&mut self) {
        self.connection.set_outlet(None);
    }
}
