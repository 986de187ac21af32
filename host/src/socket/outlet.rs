//! What goes out past the task of a connection: it waits to be written with what the task has.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use super::cork::{Cork, Put};
use super::waiting::{self, Writes};
use super::wire::TRAFFIC;
use super::writer::{LONGEST_HEAD, put_message};
use crate::hub::{Outlet, Taken};
use crate::ids::ConnectionId;
use crate::message::Message;
use crate::tenant::Counter;

impl Outlet for Cork {
    fn take(&self, connection: ConnectionId, message: &Message, task: &Waker) -> Taken {
        let size = message.len() + LONGEST_HEAD;
        let taken = match self.put(size, task, |waiting| put_message(waiting, message)) {
            Put::NoRoom => return Taken::No,
            Put::Listed => Taken::WithOthers,
            Put::ToBeListed => Taken::Yes,
        };
        tracing::trace!(target: TRAFFIC, connection = %connection, "out {message}");
        self.past.spoken.store(true, Ordering::Relaxed);
        self.past.usage.count(Counter::MessagesOut, 1);
        self.past.usage.count(Counter::BytesOut, message.len());
        taken
    }

    fn write(self: Arc<Self>) {
        waiting::list(self, Writes::Any);
    }
}
