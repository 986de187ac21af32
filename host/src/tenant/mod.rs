//! Who a tenant is, what it may use, and what it uses. Every room counts what it gives to a tenant here and asks here first; this room
//! knows none of them.

mod counts;
mod lease;
mod limits;
mod name;
mod printed;
mod rate;
mod tenants;
mod usage;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::Notify;

pub use lease::Lease;
pub use limits::{AtRate, Limits};
pub use name::{InvalidName, TenantName};
pub use rate::Pace;
pub use tenants::{TenantExists, Tenants};
pub use usage::{Counter, Limit, Usage};

use crate::ids::TenantId;
use printed::Printed;
use rate::Rates;

/// One tenant. Nothing of it is shared with another one or visible to it.
#[derive(Debug)]
pub struct Tenant {
    id: TenantId,
    name: TenantName,
    hosts: ArcSwap<Vec<String>>,
    limits: ArcSwap<Limits>,
    // The same as plain numbers: they are asked for at every message, and this is a single read.
    most: [AtomicUsize; Limit::ALL.len()],
    // Read at every message: readers write nothing that they share.
    rates: ArcSwap<Rates>,
    printed: Printed,
    usage: Usage,
    // Whoever waits for an instance to end.
    instance_ended: Notify,
}

impl Tenant {
    /// A tenant that uses nothing yet.
    #[must_use]
    pub fn new(id: TenantId, name: TenantName, hosts: Vec<String>, limits: Limits) -> Arc<Self> {
        let rates = ArcSwap::from_pointee(Rates::new(&limits));
        let most = Limit::ALL.map(|limit| AtomicUsize::new(limits.most(limit)));
        Arc::new(Self {
            id,
            name,
            hosts: ArcSwap::from_pointee(hosts),
            limits: ArcSwap::from_pointee(limits),
            most,
            rates,
            printed: Printed::default(),
            usage: Usage::default(),
            instance_ended: Notify::new(),
        })
    }

    /// The tenant to whom everything belongs that names no other. Only the host's own bounds hold for it.
    #[must_use]
    pub fn of_the_host() -> Arc<Self> {
        Self::new(TenantId::default(), TenantName::default(), Vec::new(), Limits::unlimited())
    }

    /// Its number on this host.
    #[must_use]
    pub fn id(&self) -> TenantId {
        self.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The host names that lead to it and to nobody else; without any, all that are nobody's.
    #[must_use]
    pub fn hosts(&self) -> Arc<Vec<String>> {
        self.hosts.load_full()
    }

    /// Gives it other host names. Whoever keeps routes has to look at them anew.
    pub fn set_hosts(&self, hosts: Vec<String>) {
        self.hosts.store(Arc::new(hosts));
    }

    /// What it may use.
    #[must_use]
    pub fn limits(&self) -> Guard<Arc<Limits>> {
        self.limits.load()
    }

    /// Gives it other limits, from now on. What it has beyond them it keeps.
    pub fn set_limits(&self, limits: Limits) {
        self.rates.store(Arc::new(Rates::new(&limits)));
        for (limit, most) in Limit::ALL.into_iter().zip(&self.most) {
            most.store(limits.most(limit), Ordering::Relaxed);
        }
        self.limits.store(Arc::new(limits));
    }

    /// What it uses.
    #[must_use]
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Takes so much more of something, if the limit allows it. It has to be given back.
    #[must_use]
    pub fn take(&self, limit: Limit, amount: usize) -> bool {
        let taken = self.usage.take(limit, amount, self.most(limit));
        if !taken {
            self.refuse(limit);
        }
        taken
    }

    /// Gives back what was taken.
    pub fn give_back(&self, limit: Limit, amount: usize) {
        self.usage.give_back(limit, amount);
        if limit == Limit::Instances {
            self.instance_ended.notify_one();
        }
    }

    /// Leave to have one instance more; waits while there are as many as there may be.
    pub async fn instance(self: &Arc<Self>) -> Lease {
        loop {
            let mut ended = pin!(self.instance_ended.notified());
            // From here on no end is missed.
            ended.as_mut().enable();
            if let Some(lease) = self.lease(Limit::Instances) {
                return lease;
            }
            ended.await;
        }
    }

    /// Takes one more of something, if the limit allows it; it is given back when the lease goes.
    #[must_use]
    pub fn lease(self: &Arc<Self>, limit: Limit) -> Option<Lease> {
        self.take(limit, 1).then(|| Lease::new(Arc::clone(self), limit, 1))
    }

    /// Takes so much more of something, whether the limit allows it or not: for what is there already.
    #[must_use]
    pub fn lease_anyway(self: &Arc<Self>, limit: Limit, amount: u32) -> Lease {
        self.recount(limit, 0, usize::try_from(amount).unwrap_or(usize::MAX));
        Lease::new(Arc::clone(self), limit, amount)
    }

    /// Counts that something was refused, or slowed down, because of this limit. The first time is in the log; how often it was is in
    /// the usage.
    pub fn refuse(&self, limit: Limit) {
        if self.usage.count_refusal(limit) == 1 {
            let (tenant, limit, most) = (self.name(), limit.name(), self.most(limit));
            tracing::warn!(tenant, limit, most, "a tenant has reached a limit");
        }
    }

    /// Whether a message of this size that came from a client may be handled now.
    #[must_use]
    pub fn pace(&self, size: usize) -> Pace {
        if self.most(Limit::MessageRate) == usize::MAX && self.most(Limit::ByteRate) == usize::MAX {
            return Pace::Kept;
        }
        let pace = self.rates.load().pace(size);
        if let Pace::TooFast { limit, .. } = pace {
            self.refuse(limit);
        }
        pace
    }

    /// True if one of its plugins may print so many bytes now. What may be printed is counted.
    #[must_use]
    pub fn may_print(&self, bytes: usize) -> bool {
        let may = self.printed.take(bytes, self.limits.load().most(Limit::Log), Instant::now());
        if !may {
            self.refuse(Limit::Log);
        }
        may
    }

    /// How many bytes its plugins have printed since the host started.
    #[must_use]
    pub fn printed(&self) -> u64 {
        self.printed.in_all()
    }

    /// True if so much more could be taken now.
    #[must_use]
    pub fn has_room(&self, limit: Limit, amount: usize) -> bool {
        self.usage.used(limit).saturating_add(amount) <= self.most(limit)
    }

    /// Counts something anew that was counted as `before`: a size that goes up and down, beyond its limit, too, because it is already
    /// there.
    pub fn recount(&self, limit: Limit, before: usize, after: usize) {
        self.usage.recount(limit, before, after);
    }

    fn most(&self, limit: Limit) -> usize {
        self.most.get(limit as usize).map_or(0, |most| most.load(Ordering::Relaxed))
    }
}
