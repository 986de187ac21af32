//! Who changes a tenant or a plugin, one at a time.

use std::hash::{BuildHasher, Hash, RandomState};

use tokio::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// So many locks there are for all tenants, and as many for all plugins: those that share one wait for each other, which costs time and
/// nothing else, and no name that somebody makes up costs memory.
const LOCKS: usize = 64;

/// Who changes something, one at a time for each plugin.
pub(super) struct Turns {
    hasher: RandomState,
    // Held for writing by who removes the tenant, so that nothing is made in one that goes.
    tenants: [RwLock<()>; LOCKS],
    plugins: [Mutex<()>; LOCKS],
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            tenants: std::array::from_fn(|_| RwLock::default()),
            plugins: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

/// The turn of one who changes a plugin.
pub(super) struct Turn<'a> {
    _tenant: Option<RwLockReadGuard<'a, ()>>,
    _plugin: Option<MutexGuard<'a, ()>>,
}

impl Turns {
    fn place(&self, name: impl Hash) -> usize {
        usize::try_from(self.hasher.hash_one(name) % LOCKS as u64).unwrap_or(0)
    }

    /// For something in a tenant.
    pub(super) async fn of(&self, tenant: &str, name: &str) -> Turn<'_> {
        let _tenant = match self.tenants.get(self.place(tenant)) {
            Some(lock) => Some(lock.read().await),
            None => None,
        };
        let _plugin = match self.plugins.get(self.place((tenant, name))) {
            Some(lock) => Some(lock.lock().await),
            None => None,
        };
        Turn { _tenant, _plugin }
    }

    /// For a tenant as a whole.
    pub(super) async fn alone(&self, tenant: &str) -> Option<RwLockWriteGuard<'_, ()>> {
        match self.tenants.get(self.place(tenant)) {
            Some(lock) => Some(lock.write().await),
            None => None,
        }
    }
}
