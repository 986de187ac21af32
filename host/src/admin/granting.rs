//! What tenants grant their plugins: what the configuration or the ledger says, with the secrets that were put over the API. It holds from
//! the moment when it is written.

use std::collections::BTreeMap;

use super::Api;
use crate::guest::v1::{Capabilities, Grants, Secret};
use crate::store::StoreError;
use crate::tenant::Tenant;

/// What a tenant grants, and the values for it.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// What its plugins may import.
    pub grants: Grants,
    /// Values for its plugins.
    pub config: BTreeMap<String, String>,
    /// Values for those of its plugins that they are granted to.
    pub secrets: BTreeMap<String, Secret>,
}

impl Api {
    /// What a tenant grants now, without the secrets that were put over the API.
    pub(super) async fn given(&self, tenant: &Tenant) -> Result<Given, StoreError> {
        if let Some(given) = self.declared.tenants.get(tenant.name()) {
            return Ok(given.clone());
        }
        let record = self.ledger.tenant(tenant.name()).await?;
        let given = |record| {
            let super::ledger::TenantRecord { grants, config, .. } = record;
            Given { grants, config, secrets: BTreeMap::new() }
        };
        Ok(record.map(given).unwrap_or_default())
    }

    /// Lets the plugins of a tenant have what it grants now.
    pub(super) async fn grant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        let Given { grants, config, mut secrets } = self.given(tenant).await?;
        for (name, record) in self.ledger.secrets(tenant.name()).await? {
            secrets.insert(name, Secret::new(record.value));
        }
        let space = self.ledger.store().space(tenant.name());
        self.registry.grant(tenant, Capabilities::new(grants, space, config, secrets, self.trust.clone()));
        Ok(())
    }
}
