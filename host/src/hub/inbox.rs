//! The messages of one client that wait for their turn. Bounded: while it is full the door reads nothing more, and TCP pushes back
//! on the client. Nothing is dropped.

use std::collections::VecDeque;
use std::sync::Arc;

use super::settings::Settings;
use crate::message::Message;
use crate::tenant::{Limit, Tenant};

/// Messages that came, in order. It has one owner, the connection's own task.
#[derive(Debug)]
pub struct Inbox {
    messages: VecDeque<Message>,
    bytes: usize,
    // Small numbers, because every connection has them.
    max_messages: u32,
    max_bytes: u32,
    tenant: Arc<Tenant>,
    // What the tenant's account knows of.
    settled: usize,
}

impl Inbox {
    /// An empty one.
    #[must_use]
    pub fn new(limits: &Settings, tenant: Arc<Tenant>) -> Self {
        Self {
            messages: VecDeque::new(),
            bytes: 0,
            max_messages: u32::try_from(limits.inbox_messages.max(1)).unwrap_or(u32::MAX),
            max_bytes: u32::try_from(limits.inbox_size.as_u64()).unwrap_or(u32::MAX),
            tenant,
            settled: 0,
        }
    }

    /// Puts a message in. A message may go beyond the bound in bytes; the next one must wait outside.
    pub fn push(&mut self, message: Message) {
        self.bytes = self.bytes.saturating_add(message.len());
        self.messages.push_back(message);
    }

    /// Takes the message out that came first.
    pub fn pop(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.bytes = self.bytes.saturating_sub(message.len());
        if self.messages.is_empty() && self.messages.capacity() > 16 {
            // A burst is over; an idle connection pays for no room that it does not use.
            self.messages = VecDeque::new();
        }
        Some(message)
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// True if no further message may be read. One message of each client is read in any case: were it not, clients whose tenant has
    /// too much waiting could wait for each other.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.messages.len() >= to_usize(self.max_messages)
            || self.bytes >= to_usize(self.max_bytes)
            || (self.bytes > 0 && !self.tenant.has_room(Limit::WaitingBytes, 0))
    }

    /// Tells the tenant's account how much waits here, if that has changed.
    pub fn settle(&mut self) {
        if self.bytes != self.settled {
            self.tenant.recount(Limit::WaitingBytes, self.settled, self.bytes);
            self.settled = self.bytes;
        }
    }

    /// True if no message waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Forgets what waits.
    pub fn clear(&mut self) {
        self.messages = VecDeque::new();
        self.bytes = 0;
    }
}

fn to_usize(most: u32) -> usize {
    usize::try_from(most).unwrap_or(usize::MAX)
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.tenant.recount(Limit::WaitingBytes, self.settled, 0);
    }
}
