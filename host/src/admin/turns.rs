//! Who changes a tenant or a plugin, one at a time. Those who change different ones do not wait for each other.

use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashMap;
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// The locks of what is being changed. One is there for as long as somebody has it or waits for it, so no name that somebody makes up
/// costs memory for longer.
#[derive(Default)]
pub(super) struct Turns {
    // Held for writing by who changes the tenant as a whole, so that nothing is made in one that goes.
    tenants: Locks<String, RwLock<()>>,
    plugins: Locks<(String, String), Mutex<()>>,
}

type Locks<K, L> = DashMap<K, Arc<L>>;

/// Somebody's interest in a lock.
struct Interest<'a, K: Eq + Hash, L> {
    locks: &'a Locks<K, L>,
    key: K,
}

/// The turn of one who changes something in a tenant. Each lock is given back before the interest in it ends.
pub(super) struct Turn<'a> {
    _plugin: OwnedMutexGuard<()>,
    _in_plugin: Interest<'a, (String, String), Mutex<()>>,
    _tenant: OwnedRwLockReadGuard<()>,
    _in_tenant: Interest<'a, String, RwLock<()>>,
}

/// The turn of one who changes a tenant as a whole.
pub(super) struct Alone<'a> {
    _tenant: OwnedRwLockWriteGuard<()>,
    _in_tenant: Interest<'a, String, RwLock<()>>,
}

impl Turns {
    /// For something in a tenant.
    pub(super) async fn of(&self, tenant: &str, name: &str) -> Turn<'_> {
        let (_in_tenant, lock) = Interest::new(&self.tenants, tenant.to_owned());
        let _tenant = lock.read_owned().await;
        let (_in_plugin, lock) = Interest::new(&self.plugins, (tenant.to_owned(), name.to_owned()));
        let _plugin = lock.lock_owned().await;
        Turn { _plugin, _in_plugin, _tenant, _in_tenant }
    }

    /// For a tenant as a whole.
    pub(super) async fn alone(&self, tenant: &str) -> Alone<'_> {
        let (_in_tenant, lock) = Interest::new(&self.tenants, tenant.to_owned());
        Alone { _tenant: lock.write_owned().await, _in_tenant }
    }
}

impl<'a, K: Clone + Eq + Hash, L: Default> Interest<'a, K, L> {
    fn new(locks: &'a Locks<K, L>, key: K) -> (Self, Arc<L>) {
        let lock = Arc::clone(&locks.entry(key.clone()).or_default());
        (Self { locks, key }, lock)
    }
}

impl<K: Eq + Hash, L> Drop for Interest<'_, K, L> {
    fn drop(&mut self) {
        // Whoever has it or waits for it has a share of it, and gets that under the lock of the map, as this is.
        self.locks.remove_if(&self.key, |_, lock| Arc::strong_count(lock) == 1);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn count(turns: &Turns) -> (usize, usize) {
        (turns.tenants.len(), turns.plugins.len())
    }

    #[test]
    fn only_those_who_change_the_same_wait_for_each_other() {
        let turns = Turns::default();
        let now = |tenant: &str, name: &str| turns.of(tenant, name).now_or_never();
        let mut held: Vec<_> = (0..1000).map(|name| now("a", &name.to_string()).expect("nobody has it")).collect();
        held.push(now("b", "0").expect("another tenant's"));
        assert!(now("a", "7").is_none() && turns.alone("a").now_or_never().is_none());
        let alone = turns.alone("c").now_or_never().expect("nobody is in it");
        assert!(now("c", "0").is_none());
        assert_eq!(count(&turns), (3, 1001));
        drop(alone);
        drop(held);
        assert_eq!(count(&turns), (0, 0), "those that nobody has are forgotten");
        assert!(now("a", "7").is_some());
    }

    #[test]
    fn who_gives_up_waiting_leaves_nothing_behind() {
        let turns = Turns::default();
        let first = turns.of("a", "x").now_or_never().expect("nobody has it");
        let mut second = Box::pin(turns.of("a", "x"));
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        assert_eq!(count(&turns), (1, 1), "somebody waits for it");
        drop(second);
        assert_eq!(count(&turns), (0, 0));
    }
}
