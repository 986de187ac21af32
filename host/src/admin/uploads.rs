//! Places for components that are being taken in: each of them may be as large as its tenant's limit, and is in memory until it is
//! compiled.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::fault::Fault;
use crate::ids::TenantId;

/// So long one waits for a place.
const WAIT: Duration = Duration::from_secs(30);

/// The places.
pub(super) struct Uploads {
    all: Arc<Semaphore>,
    // Of each tenant that has ever had one: one that sends slowly leaves places for others.
    tenants: DashMap<TenantId, Arc<Semaphore>>,
    of_one: usize,
}

/// A place, until it is dropped.
pub(super) struct Place {
    _own: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Uploads {
    pub(super) fn new(count: usize) -> Self {
        let count = count.clamp(1, Semaphore::MAX_PERMITS);
        Self { all: Arc::new(Semaphore::new(count)), tenants: DashMap::new(), of_one: count.div_ceil(2) }
    }

    /// A place, when there is one.
    pub(super) async fn place(&self, tenant: TenantId) -> Result<Place, Fault> {
        let new = || Arc::new(Semaphore::new(self.of_one));
        let own = Arc::clone(self.tenants.entry(tenant).or_insert_with(new).value());
        let both = async {
            let own = own.acquire_owned().await.ok()?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Place { _own: own, _of_all: of_all })
        };
        let place = timeout(WAIT, both).await.ok().flatten();
        place.ok_or_else(|| Fault::overloaded("the host takes in as many components as it can"))
    }

    /// The tenant has gone.
    pub(super) fn forget(&self, tenant: TenantId) {
        self.tenants.remove(&tenant);
    }
}
