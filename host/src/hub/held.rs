//! What it is to be held: one retention of one connection, and what waits in the hub's schedule because of it.

use std::time::Duration;

use tokio::time::Instant;

use crate::ids::{DeliveryId, WebSocketHandle};
use crate::message::{CloseFrame, Message};
use crate::tenant::Lease;

/// What happens to a held connection at the deadline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expiry {
    /// It goes on.
    #[default]
    Resume,
    /// It is closed.
    Close(CloseFrame),
    /// It is sent this and goes on.
    Send(Message),
}

/// How to retain.
#[derive(Clone, Debug, Default)]
pub struct RetainOptions {
    /// How long; none means the hub's default. It is lowered to the hub's maximum.
    pub deadline: Option<Duration>,
    /// What happens then.
    pub expiry: Expiry,
}

/// One retention. It lives behind the lock of its connection, boxed, so that one that is not held pays a pointer for it.
pub(super) struct Retention {
    pub(super) handle: WebSocketHandle,
    pub(super) since: Instant,
    pub(super) deadline: Instant,
    pub(super) expiry: Expiry,
    // The host timer that has taken the handle over, and since when. Meanwhile the deadline does not count.
    pub(super) delivery: Option<(DeliveryId, Instant)>,
}

impl Retention {
    /// How long the connection has been held.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }
}

/// What waits in the hub's schedule.
pub(super) enum Due {
    Deliver {
        handle: WebSocketHandle,
        message: Message,
        #[allow(dead_code, reason = "it is given back when it is dropped")]
        lease: Lease,
    },
    /// The deadline of a handle whose connection is gone: from now on it is as if it had never been.
    Forget(WebSocketHandle),
}
