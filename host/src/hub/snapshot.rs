//! How a connection is at one moment, and messages to it that answer nobody, for whoever operates the host. One look takes the
//! connection's lock once.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::Hub;
use super::connection::{Connection, wake};
use super::delayed::Told;
use super::error::ReplyError;
use super::outbox::Overloaded;
use crate::ids::{DeliveryId, TenantId, WebSocketHandle};
use crate::message::Message;

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It waits for a message.
    Idle,
    /// Its plugin handles an event.
    Handling,
    /// It is held.
    Held,
    /// A Close was said, or the client has gone.
    Closing,
}

/// A connection at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What it does.
    pub doing: Doing,
    /// Its retention, if it is held.
    pub held: Option<HeldSnapshot>,
    /// When it was accepted, to the second.
    pub opened: SystemTime,
    /// How long the client took to answer the last ping, if it has answered one, to the microsecond.
    pub round_trip: Option<Duration>,
    /// What waits to be written to the client, in bytes.
    pub outbox: usize,
    /// Messages of the client that wait for their turn.
    pub inbox: u32,
    /// The size of the plugin's own bytes.
    pub attachment: usize,
}

/// A retention at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldSnapshot {
    /// What it is answered by.
    pub handle: WebSocketHandle,
    /// How long it has lasted.
    pub age: Duration,
    /// How long it will last at most from now on.
    pub left: Duration,
    /// The delivery that has taken the handle over.
    pub delivery: Option<DeliveryId>,
}

impl Connection {
    /// How it is now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let now = Instant::now();
        let state = self.state.lock();
        let held = state.retention.as_deref().filter(|_| state.is_open()).map(|held| HeldSnapshot {
            handle: held.handle,
            age: held.age(now),
            left: held.deadline.saturating_duration_since(now),
            delivery: held.delivery.map(|(id, _)| id),
        });
        let doing = if !state.is_open() {
            Doing::Closing
        } else if state.event.is_some() {
            Doing::Handling
        } else if held.is_some() {
            Doing::Held
        } else {
            Doing::Idle
        };
        Snapshot {
            doing,
            held,
            opened: UNIX_EPOCH + Duration::from_secs(self.opened.into()),
            round_trip: NonZeroU32::new(self.round_trip.load(Ordering::Relaxed))
                .map(|micros| Duration::from_micros(micros.get().into())),
            outbox: state.outbox.size(),
            inbox: self.waiting.load(Ordering::Relaxed),
            attachment: state.attachment.len(),
        }
    }

    /// Tells those who look at it how many messages of the client wait for their turn.
    pub fn waits(&self, messages: usize) {
        self.waiting.store(u32::try_from(messages).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// The client took this long to answer a ping.
    pub fn round_trip(&self, took: Duration) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        self.round_trip.store(micros.max(1), Ordering::Relaxed);
    }

    /// Sends a message behind all that waits, whether the connection is held or not; `told` hears when it is written.
    ///
    /// # Errors
    /// `TooLarge`, `Closed`, `Overloaded`.
    pub fn post(&self, message: Message, told: Option<Told>) -> Result<(), ReplyError> {
        if message.len() > self.message_size() {
            return Err(ReplyError::TooLarge);
        }
        let mut state = self.lock();
        if !state.is_open() {
            return Err(ReplyError::Closed);
        }
        state.outbox.push(message, told).map_err(|Overloaded| ReplyError::Overloaded)?;
        state.outbox.settle();
        wake(state);
        Ok(())
    }
}

impl Hub {
    /// The connections of a tenant that are held, those first that have been for the longest time.
    #[must_use]
    pub fn held_of(&self, tenant: TenantId) -> Vec<(Arc<Connection>, HeldSnapshot)> {
        let mut all = Vec::new();
        self.for_each_of(tenant, |connection| {
            if let Some(held) = connection.snapshot().held {
                all.push((Arc::clone(connection), held));
            }
        });
        all.sort_by_key(|(_, held)| std::cmp::Reverse(held.age));
        all
    }
}

/// The time of day in whole seconds since 1970, which is enough until 2106.
pub(super) fn seconds_now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}
