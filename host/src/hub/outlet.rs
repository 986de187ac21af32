//! The way out to a client past the task of its connection, for a message to many: to wake a thousand tasks, each of which then looks
//! for all that it could have to do, takes longer than to write what they would write.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use super::connection::{Connection, wake};
use super::error::ReplyError;
use super::outbox::Overloaded;
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

impl Connection {
    /// The task has written all frames that it has taken, or they are where those of the outlet go.
    pub fn has_written(&self) {
        self.has_frames.store(false, Ordering::Release);
    }

    /// Opens a way out past the task, which is the one that calls, or shuts it.
    pub fn set_outlet(&self, outlet: Option<Arc<dyn Outlet>>) {
        self.state.lock().outlet = outlet;
    }

    /// Sends a message that answers nobody (a broadcast), held or not.
    pub(super) fn publish(&self, message: &Message) -> Result<(), ReplyError> {
        let mut state = self.state.lock();
        if !state.is_open() {
            return Err(ReplyError::Closed);
        }
        let is_clear = state.outbox.is_empty() && !self.has_frames.load(Ordering::Acquire);
        if let (Some(outlet), Some(task), true) = (&state.outlet, &state.task, is_clear) {
            match outlet.take(self.id(), message, task) {
                Taken::No => {}
                Taken::WithOthers => return Ok(()),
                Taken::Yes => {
                    let outlet = Arc::clone(outlet);
                    drop(state);
                    outlet.write();
                    return Ok(());
                }
            }
        }
        state.outbox.push(message.clone(), None).map_err(|Overloaded| ReplyError::Overloaded)?;
        state.outbox.settle();
        wake(state);
        Ok(())
    }
}
