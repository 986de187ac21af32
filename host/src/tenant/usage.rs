//! What a tenant uses now, and what it has used since the host started.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use serde::{Serialize, Serializer};

use super::Tenant;
use super::counts::Counts;

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Limit {
    /// Connections that are open.
    Connections,
    /// Connections that are held.
    HeldConnections,
    /// Messages a second from its clients.
    MessageRate,
    /// Bytes a second from its clients.
    ByteRate,
    /// Bytes that wait to be written to its clients, or to be handled.
    WaitingBytes,
    /// Channels that are open.
    Channels,
    /// Bytes in all its channels.
    ChannelBytes,
    /// Timers and deliveries that are pending.
    Timers,
    /// Workers that run.
    Workers,
    /// Instances that are alive.
    Instances,
    /// Linear memory of all its instances, in bytes.
    Memory,
    /// Plugins.
    Plugins,
    /// The size of a component, in bytes.
    ComponentSize,
    /// Lines and bytes of log.
    Log,
    /// Bytes in its key-value space.
    KeyValueBytes,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Connections,
        Self::HeldConnections,
        Self::MessageRate,
        Self::ByteRate,
        Self::WaitingBytes,
        Self::Channels,
        Self::ChannelBytes,
        Self::Timers,
        Self::Workers,
        Self::Instances,
        Self::Memory,
        Self::Plugins,
        Self::ComponentSize,
        Self::Log,
        Self::KeyValueBytes,
    ];

    /// Its key in the configuration, and its name in the log, in metrics and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::HeldConnections => "held-connections",
            Self::MessageRate => "messages-per-second",
            Self::ByteRate => "bytes-per-second",
            Self::WaitingBytes => "waiting-size",
            Self::Channels => "channels",
            Self::ChannelBytes => "channel-size",
            Self::Timers => "timers",
            Self::Workers => "workers",
            Self::Instances => "instances",
            Self::Memory => "memory",
            Self::Plugins => "plugins",
            Self::ComponentSize => "component-size",
            Self::Log => "log-size-per-second",
            Self::KeyValueBytes => "keyvalue-size",
        }
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What is only counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Messages from clients.
    MessagesIn,
    /// Bytes of them.
    BytesIn,
    /// Messages to clients.
    MessagesOut,
    /// Bytes of them.
    BytesOut,
    /// Connections that were accepted.
    Accepted,
    /// Events that plugins were given.
    Events,
    /// Events that a plugin failed in.
    Failures,
    /// Retentions that ended by their deadline.
    Expired,
}

impl Counter {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::MessagesIn,
        Self::BytesIn,
        Self::MessagesOut,
        Self::BytesOut,
        Self::Accepted,
        Self::Events,
        Self::Failures,
        Self::Expired,
    ];

    /// Its name in metrics and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MessagesIn => "messages-in",
            Self::BytesIn => "bytes-in",
            Self::MessagesOut => "messages-out",
            Self::BytesOut => "bytes-out",
            Self::Accepted => "accepted",
            Self::Events => "events",
            Self::Failures => "failures",
            Self::Expired => "expired",
        }
    }
}

/// What a tenant uses and has used; or what one of its plugins does, which is a part of that.
#[derive(Debug, Default)]
pub struct Usage {
    used: [AtomicUsize; Limit::ALL.len()],
    refusals: [AtomicU64; Limit::ALL.len()],
    counted: Arc<Counts>,
    // What is counted in parts is counted there only, because some of it is counted at every message, and added up when it is asked for.
    parts: Mutex<Vec<Arc<Counts>>>,
    whole: Option<Arc<Tenant>>,
}

impl Usage {
    /// A part of what this tenant uses. Counters of a part are those of the tenant, too; all else is counted for both.
    #[must_use]
    pub fn part_of(tenant: &Arc<Tenant>) -> Arc<Self> {
        let mut part = Self::default();
        part.whole = Some(Arc::clone(tenant));
        tenant.usage().parts.lock().push(Arc::clone(&part.counted));
        Arc::new(part)
    }

    /// How much of something is used now. Rates and sizes of single things are not counted so.
    #[must_use]
    pub fn used(&self, limit: Limit) -> usize {
        self.used.get(limit as usize).map_or(0, |used| used.load(Ordering::Relaxed))
    }

    /// How often something was refused, or slowed down, because of this limit.
    #[must_use]
    pub fn refusals(&self, limit: Limit) -> u64 {
        self.refusals.get(limit as usize).map_or(0, |refusals| refusals.load(Ordering::Relaxed))
    }

    /// How much of something there was since the start.
    #[must_use]
    pub fn counted(&self, counter: Counter) -> u64 {
        // Under the lock, because what a part that goes leaves behind is to be counted once.
        let parts = self.parts.lock();
        self.counted.of(counter) + parts.iter().map(|part| part.of(counter)).sum::<u64>()
    }

    /// Counts so much more of something.
    pub fn count(&self, counter: Counter, amount: usize) {
        self.counted.count(counter, u64::try_from(amount).unwrap_or(u64::MAX));
    }

    pub(super) fn take(&self, limit: Limit, amount: usize, most: usize) -> bool {
        let Some(used) = self.used.get(limit as usize) else { return false };
        let more = |used: usize| used.checked_add(amount).filter(|after| *after <= most);
        used.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
    }

    pub(super) fn give_back(&self, limit: Limit, amount: usize) {
        if let Some(used) = self.used.get(limit as usize) {
            used.fetch_sub(amount, Ordering::AcqRel);
        }
    }

    /// Counts something anew that was counted as `before`.
    pub fn recount(&self, limit: Limit, before: usize, after: usize) {
        if let Some(used) = self.used.get(limit as usize) {
            // Wraps round and back: what is taken away was added before.
            used.fetch_add(after.wrapping_sub(before), Ordering::AcqRel);
        }
    }

    /// Counts a refusal and says which it is.
    pub(super) fn count_refusal(&self, limit: Limit) -> u64 {
        self.refusals.get(limit as usize).map_or(0, |refusals| refusals.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl Drop for Usage {
    fn drop(&mut self) {
        let Some(whole) = self.whole.as_ref().map(|tenant| tenant.usage()) else { return };
        let mut parts = whole.parts.lock();
        parts.retain(|part| !Arc::ptr_eq(part, &self.counted));
        for counter in Counter::ALL {
            whole.counted.count(counter, self.counted.of(counter));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_place_and_name() {
        for (place, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit as usize, place);
        }
        for (place, counter) in Counter::ALL.into_iter().enumerate() {
            assert_eq!(counter as usize, place);
        }
        let names: std::collections::HashSet<_> = Limit::ALL.into_iter().map(Limit::name).collect();
        assert_eq!(names.len(), Limit::ALL.len());
    }

    #[test]
    fn what_a_part_counted_is_the_tenants_and_stays_so_when_the_part_goes() {
        let tenant = Tenant::of_the_host();
        let [one, other] = [Usage::part_of(&tenant), Usage::part_of(&tenant)];
        one.count(Counter::Events, 2);
        other.count(Counter::Events, 3);
        tenant.usage().count(Counter::Events, 1);
        assert_eq!((one.counted(Counter::Events), tenant.usage().counted(Counter::Events)), (2, 6));
        drop(one);
        assert_eq!(tenant.usage().counted(Counter::Events), 6);
    }

    #[test]
    fn no_more_is_taken_than_there_may_be() {
        let usage = Usage::default();
        assert!(usage.take(Limit::Timers, 2, 3) && !usage.take(Limit::Timers, 2, 3));
        usage.give_back(Limit::Timers, 1);
        assert!(usage.take(Limit::Timers, 2, 3));
        assert_eq!(usage.used(Limit::Timers), 3);
    }
}
