//! Which connection a handle means. Handles are a counter behind a keyed permutation: no two are ever the same, and without the
//! key, which is made anew at each start, none can be guessed from another.
//!
//! The permutation is a balanced Feistel network over 44 bits whose round function is SipHash-1-3 under a random key. Four rounds
//! of a good round function cannot be told from a random permutation even by one who may also ask for inverses (Luby and
//! Rackoff, 1988); six leave a margin.

use std::hash::Hasher;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use dashmap::DashMap;
use siphasher::sip::SipHasher13;
use tokio::sync::Notify;

use super::connection::Connection;
use crate::ids::{NODE_BITS, NodeId, TenantId, WebSocketHandle};
use crate::tenant::{Limit, Tenant};

const HALF_BITS: u32 = (53 - NODE_BITS) / 2;
const HALF_MASK: u64 = (1 << HALF_BITS) - 1;
const ROUNDS: u8 = 6;

pub(super) struct Handles {
    node: NodeId,
    key: [u8; 16],
    last: AtomicU64,
    entries: DashMap<WebSocketHandle, Entry>,
    live: AtomicUsize,
    // Whoever waits for the last live handle to go.
    none_live: Notify,
}

/// What a handle leads to.
#[derive(Clone)]
pub(super) enum Entry {
    Live(Arc<Connection>),
    /// The connection is gone, and the handle says `closed` until its deadline.
    Closed(TenantId),
}

impl Handles {
    pub(super) fn new(node: NodeId) -> Result<Self, getrandom::Error> {
        let mut key = [0; 16];
        getrandom::fill(&mut key)?;
        Ok(Self {
            node,
            key,
            last: AtomicU64::new(0),
            entries: DashMap::new(),
            live: AtomicUsize::new(0),
            none_live: Notify::new(),
        })
    }

    /// A handle that was never given out before. It leads nowhere yet. 2^44 of them are there, more than a host that retains a
    /// million times a second gives out in half a year without a restart; then there are none.
    pub(super) fn mint(&self) -> Option<WebSocketHandle> {
        loop {
            let count = self.last.fetch_add(1, Ordering::Relaxed);
            if count >> (2 * HALF_BITS) != 0 {
                return None;
            }
            let number = (u64::from(self.node.get()) << (2 * HALF_BITS)) | self.permute(count);
            // On node 0 one count is turned into 0, which is no handle.
            if let Some(handle) = WebSocketHandle::new(number) {
                return Some(handle);
            }
        }
    }

    /// Counts one more live handle, unless the host or the tenant has as many as there may be. It is to be inserted then.
    pub(super) fn reserve(&self, limit: usize, tenant: &Tenant) -> bool {
        if !tenant.take(Limit::HeldConnections, 1) {
            return false;
        }
        let one_more = |live| (live < limit).then_some(live + 1);
        let reserved = self.live.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok();
        if !reserved {
            tenant.give_back(Limit::HeldConnections, 1);
        }
        reserved
    }

    pub(super) fn insert(&self, handle: WebSocketHandle, connection: Arc<Connection>) {
        self.entries.insert(handle, Entry::Live(connection));
    }

    pub(super) fn get(&self, handle: WebSocketHandle) -> Option<Entry> {
        self.entries.get(&handle).map(|entry| entry.value().clone())
    }

    pub(super) fn remove(&self, handle: WebSocketHandle) {
        if let Some((_, Entry::Live(connection))) = self.entries.remove(&handle) {
            self.one_less(connection.owner());
        }
    }

    /// The connection of this handle is gone. False if the handle was used meanwhile.
    pub(super) fn bury(&self, handle: WebSocketHandle, tenant: TenantId) -> bool {
        let Some(mut entry) = self.entries.get_mut(&handle) else { return false };
        if let Entry::Live(connection) = &*entry {
            self.one_less(connection.owner());
        }
        *entry = Entry::Closed(tenant);
        true
    }

    /// How many handles lead to a connection.
    pub(super) fn live(&self) -> usize {
        self.live.load(Ordering::Acquire)
    }

    /// Waits until no handle leads to a connection.
    pub(super) async fn none_live(&self) {
        loop {
            let mut notified = pin!(self.none_live.notified());
            // From here on no change is missed.
            notified.as_mut().enable();
            if self.live() == 0 {
                return;
            }
            notified.await;
        }
    }

    fn one_less(&self, tenant: &Tenant) {
        tenant.give_back(Limit::HeldConnections, 1);
        if self.live.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.none_live.notify_waiters();
        }
    }

    fn permute(&self, count: u64) -> u64 {
        let (mut left, mut right) = (count >> HALF_BITS, count & HALF_MASK);
        for round in 0..ROUNDS {
            let mut hasher = SipHasher13::new_with_key(&self.key);
            hasher.write_u64((right << 8) | u64::from(round));
            (left, right) = (right, left ^ (hasher.finish() & HALF_MASK));
        }
        (left << HALF_BITS) | right
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_handle_is_given_out_twice() {
        let handles = Handles::new(NodeId::default()).expect("random numbers");
        let given: HashSet<_> = (0..200_000).map(|_| handles.mint().expect("a handle")).collect();
        assert_eq!(given.len(), 200_000);
    }

    #[test]
    fn a_handle_tells_its_node_and_nothing_else() {
        let node = NodeId::new(300).expect("a node");
        let handles = Handles::new(node).expect("random numbers");
        let other = Handles::new(node).expect("random numbers");
        let numbers: Vec<u64> = (0..1000).map(|_| handles.mint().expect("a handle").get()).collect();
        assert!(numbers.iter().all(|number| number >> 44 == 300));
        // Neighbours are far apart: the mean distance of two random numbers below 2^44 is a third of that.
        let far = numbers.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) > 1 << 34).count();
        assert!(far > 950, "{far}");
        assert_ne!(numbers.first().copied(), other.mint().map(WebSocketHandle::get));
    }

    #[test]
    fn handles_end_when_they_would_repeat() {
        let handles = Handles::new(NodeId::default()).expect("random numbers");
        handles.last.store(1 << 44, Ordering::Relaxed);
        assert_eq!(handles.mint(), None);
    }
}
