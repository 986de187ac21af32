//! Something that a tenant has for now: it is given back when the lease goes.

use std::sync::Arc;

use super::Tenant;
use super::usage::Limit;

/// So much of something that a tenant has for now.
#[derive(Debug)]
pub struct Lease {
    tenant: Arc<Tenant>,
    limit: Limit,
    amount: u32,
}

impl Lease {
    /// What has been taken from the tenant's account.
    pub(super) fn new(tenant: Arc<Tenant>, limit: Limit, amount: u32) -> Self {
        Self { tenant, limit, amount }
    }

    /// Whose it is.
    #[must_use]
    pub fn tenant(&self) -> &Arc<Tenant> {
        &self.tenant
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.tenant.give_back(self.limit, usize::try_from(self.amount).unwrap_or(usize::MAX));
    }
}
