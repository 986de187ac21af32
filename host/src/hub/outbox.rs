//! The one way out to a client: frames in the order in which the host accepted them, bounded in bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::message::{CloseFrame, Message};
use crate::tenant::{Limit, Tenant};

/// What goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message.
    Message(Message),
    /// The Close frame. Nothing follows it.
    Close(CloseFrame),
}

/// A frame on its way out.
#[derive(Debug)]
pub struct Outgoing {
    /// What goes out.
    pub frame: Frame,
    /// Is told when the frame has been written to the socket; dropped if that will not happen.
    pub written: Option<oneshot::Sender<()>>,
}

impl Outgoing {
    /// About how many bytes it has on the wire.
    pub(super) fn size(&self) -> usize {
        match &self.frame {
            Frame::Message(message) => message.len().saturating_add(2),
            Frame::Close(frame) => frame.reason().len().saturating_add(4),
        }
    }
}

/// Whatever their size, no more frames than this wait: an empty message costs memory, too.
const MAX_FRAMES: usize = 16_384;

/// A message of up to so many bytes goes into an empty outbox even if too much waits for other clients of the tenant: those that do not
/// read are not to silence those that do.
const ALWAYS: usize = 16 << 10;

#[derive(Debug)]
pub(super) struct Outbox {
    // The first of them. Mostly it is alone, and found here without another look into memory.
    first: Option<Outgoing>,
    // The others; none without a first.
    rest: VecDeque<Outgoing>,
    bytes: usize,
    limit: usize,
    tenant: Arc<Tenant>,
    // What the tenant's account knows of. What comes and goes within one event is never counted there.
    settled: usize,
}

/// The frame does not fit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overloaded;

impl Outbox {
    pub(super) fn new(limit: usize, tenant: Arc<Tenant>) -> Self {
        Self { first: None, rest: VecDeque::new(), bytes: 0, limit, tenant, settled: 0 }
    }

    /// Takes the message if it fits, or if nothing waits: a limit below the message limit must not block a connection for ever.
    pub(super) fn push(&mut self, message: Message, written: Option<oneshot::Sender<()>>) -> Result<(), Overloaded> {
        let fits = self.bytes.saturating_add(message.len()) <= self.limit && self.rest.len() < MAX_FRAMES - 1;
        if !fits && !self.is_empty() {
            return Err(Overloaded);
        }
        let is_small_and_alone = self.is_empty() && message.len() <= ALWAYS;
        if !is_small_and_alone && !self.tenant.has_room(Limit::WaitingBytes, message.len()) {
            self.tenant.refuse(Limit::WaitingBytes);
            return Err(Overloaded);
        }
        self.push_unbounded(message, written);
        Ok(())
    }

    /// Takes the message even if it does not fit: for deliveries of the host, whose guest is no longer there to be told. There is at
    /// most one of them for a retention.
    pub(super) fn push_unbounded(&mut self, message: Message, written: Option<oneshot::Sender<()>>) {
        self.bytes = self.bytes.saturating_add(message.len());
        self.put(Outgoing { frame: Frame::Message(message), written });
    }

    pub(super) fn push_close(&mut self, frame: CloseFrame) {
        self.put(Outgoing { frame: Frame::Close(frame), written: None });
    }

    fn put(&mut self, outgoing: Outgoing) {
        if self.first.is_none() {
            self.first = Some(outgoing);
        } else {
            self.rest.push_back(outgoing);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Outgoing> {
        let outgoing = self.first.take()?;
        self.first = self.rest.pop_front();
        if let Frame::Message(message) = &outgoing.frame {
            self.bytes = self.bytes.saturating_sub(message.len());
        }
        Some(outgoing)
    }

    /// Tells the tenant's account how much waits here, if that has changed.
    pub(super) fn settle(&mut self) {
        if self.bytes != self.settled {
            self.tenant.recount(Limit::WaitingBytes, self.settled, self.bytes);
            self.settled = self.bytes;
        }
    }

    /// How many bytes wait.
    pub(super) fn size(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Forgets the messages that wait, and keeps the Close frame if there is one: there will be no other.
    pub(super) fn clear_messages(&mut self) {
        // Nothing follows a Close frame, so it is the last.
        let last = self.rest.pop_back().or_else(|| self.first.take());
        self.clear();
        self.first = last.filter(|outgoing| matches!(outgoing.frame, Frame::Close(_)));
    }

    /// Forgets what waits. Those who wait for it to be written are told that it will not be.
    pub(super) fn clear(&mut self) {
        self.first = None;
        self.rest = VecDeque::new();
        self.bytes = 0;
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.tenant.recount(Limit::WaitingBytes, self.settled, 0);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn outbox(limit: usize) -> Outbox {
        Outbox::new(limit, Tenant::of_the_host())
    }

    fn message(size: usize) -> Message {
        Message::Binary(Bytes::from(vec![0; size]))
    }

    #[test]
    fn past_the_bound_it_is_overloaded_until_something_left() {
        let mut outbox = outbox(10);
        assert_eq!(outbox.push(message(6), None), Ok(()));
        assert_eq!(outbox.push(message(5), None), Err(Overloaded));
        assert_eq!(outbox.push(message(4), None), Ok(()));
        outbox.pop();
        assert_eq!(outbox.push(message(5), None), Ok(()));
    }

    #[test]
    fn empty_messages_are_bounded_too() {
        let mut outbox = outbox(1);
        let taken = (0..MAX_FRAMES * 2).take_while(|_| outbox.push(message(0), None).is_ok()).count();
        assert_eq!(taken, MAX_FRAMES);
    }

    #[test]
    fn one_message_fits_into_an_empty_outbox_whatever_its_size() {
        let mut outbox = outbox(10);
        assert_eq!(outbox.push(message(11), None), Ok(()));
        assert_eq!(outbox.push(message(0), None), Err(Overloaded));
    }
}
