//! All tenants of this host, by name.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use super::{Limits, Tenant, TenantName};
use crate::ids::TenantId;

/// There is a tenant of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is a tenant `{0}` already")]
pub struct TenantExists(pub TenantName);

/// All tenants of this host. The one of the host itself is always there.
#[derive(Debug)]
pub struct Tenants {
    tenants: DashMap<TenantName, Arc<Tenant>>,
    last: AtomicU32,
}

impl Tenants {
    /// Only the host's own, with these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let own = Tenant::of_the_host();
        own.set_limits(limits);
        let tenants = DashMap::new();
        tenants.insert(TenantName::default(), own);
        Self { tenants, last: AtomicU32::new(TenantId::default().0) }
    }

    /// Takes in one more.
    ///
    /// # Errors
    /// There is one of this name.
    pub fn add(&self, name: TenantName, hosts: Vec<String>, limits: Limits) -> Result<Arc<Tenant>, TenantExists> {
        match self.tenants.entry(name.clone()) {
            Entry::Occupied(_) => Err(TenantExists(name)),
            Entry::Vacant(vacant) => {
                // A number is never given out twice: what is left of a tenant that has gone is not that of the next.
                let id = TenantId(self.last.fetch_add(1, Ordering::Relaxed) + 1);
                let tenant = Tenant::new(id, name, hosts, limits);
                vacant.insert(Arc::clone(&tenant));
                Ok(tenant)
            }
        }
    }

    /// Forgets one. What it still has goes on.
    #[must_use]
    pub fn remove(&self, name: &str) -> Option<Arc<Tenant>> {
        let name = name.parse().ok()?;
        self.tenants.remove(&name).map(|(_, tenant)| tenant)
    }

    /// The one of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Tenant>> {
        let name = name.parse().ok()?;
        self.tenants.get(&name).map(|tenant| Arc::clone(tenant.value()))
    }

    /// All of them, by name.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Tenant>> {
        let mut all: Vec<_> = self.tenants.iter().map(|tenant| Arc::clone(tenant.value())).collect();
        all.sort_by(|one, other| one.name().cmp(other.name()));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_given_once_and_numbers_for_ever() {
        let tenants = Tenants::new(Limits::unlimited());
        let acme = || tenants.add("acme".parse().expect("a name"), Vec::new(), Limits::default());
        let first = acme().expect("a new one").id();
        assert_eq!(acme().map(|tenant| tenant.id()), Err(TenantExists("acme".parse().expect("a name"))));
        assert!(tenants.remove("acme").is_some() && tenants.get("acme").is_none());
        assert_ne!(acme().expect("the name is free again").id(), first);
        assert_eq!(tenants.all().iter().map(|tenant| tenant.name()).collect::<Vec<_>>(), ["acme", "default"]);
    }
}
