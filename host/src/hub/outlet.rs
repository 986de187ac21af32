//! The way out to a client past the task of its connection, for a message to many: to wake a thousand tasks, each of which then looks
//! for all that it could have to do, takes longer than to write what they would write.

use std::sync::Arc;
use std::task::Waker;

use crate::ids::ConnectionId;
use crate::message::Message;

/// What has become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It goes by the outbox.
    No,
    /// It has been put among what is to be written, after all that was there; [`Outlet::write`] has to be called.
    Yes,
    /// The same, and it has been called for what was there before.
    WithOthers,
}

/// Where messages go out.
pub trait Outlet: Send + Sync {
    /// Takes a message to this connection, unless something is in its way. If it cannot be written after all, the task is woken, and
    /// writes it.
    fn take(&self, connection: ConnectionId, message: &Message, task: &Waker) -> Taken;

    /// Has what was taken be written soon.
    fn write(self: Arc<Self>);
}
