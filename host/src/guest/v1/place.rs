//! The right to have one instance alive: of the tenant, and of the host.

use super::state::Owner;
use crate::engine::Slot;
use crate::tenant::{Lease, Limit};

/// The right to have one instance alive.
pub(super) struct Place {
    _slot: Slot,
    _lease: Lease,
}

impl Place {
    /// Waits for one. The tenant's own leave comes first: who waits for that takes no place from others.
    pub(super) async fn of(owner: &Owner) -> Self {
        let lease = owner.tenant.instance().await;
        Self { _slot: owner.share.slot().await, _lease: lease }
    }

    /// One that can be had at once.
    pub(super) fn now(owner: &Owner) -> Option<Self> {
        let lease = owner.tenant.lease(Limit::Instances)?;
        Some(Self { _slot: owner.share.slot_now()?, _lease: lease })
    }
}
