//! What goes out past the task of a connection: it waits to be written with what the task has.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use super::cork::{Cork, Put};
use super::wire::TRAFFIC;
use super::writer::{LONGEST_HEAD, put_message};
use crate::hub::{Outlet, Taken};
use crate::ids::ConnectionId;
use crate::message::Message;
use crate::tenant::{Counter, Usage};

/// The outlet of a connection whose messages are neither compressed nor encrypted: for that its task is needed.
pub(super) struct PastTheTask {
    cork: Arc<Cork>,
    usage: Arc<Usage>,
    // A message has gone out since the task last asked.
    spoken: AtomicBool,
}

impl PastTheTask {
    pub(super) fn new(cork: Arc<Cork>, usage: Arc<Usage>) -> Arc<Self> {
        Arc::new(Self { cork, usage, spoken: AtomicBool::new(false) })
    }

    /// Whether a message has gone out since this was last asked.
    pub(super) fn has_spoken(&self) -> bool {
        self.spoken.swap(false, Ordering::Relaxed)
    }
}

impl Outlet for PastTheTask {
    fn take(&self, connection: ConnectionId, message: &Message, task: &Waker) -> Taken {
        let size = message.len() + LONGEST_HEAD;
        let taken = match self.cork.put(size, task, |waiting| put_message(waiting, message)) {
            Put::NoRoom => return Taken::No,
            Put::Listed => Taken::WithOthers,
            Put::ToBeListed => Taken::Yes,
        };
        tracing::trace!(target: TRAFFIC, connection = %connection, "out {message}");
        self.spoken.store(true, Ordering::Relaxed);
        self.usage.count(Counter::MessagesOut, 1);
        self.usage.count(Counter::BytesOut, message.len());
        taken
    }

    fn write(self: Arc<Self>) {
        Arc::clone(&self.cork).list();
    }
}
