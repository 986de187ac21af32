//! What the API has changed and a restart has to find again: all of it goes through here into the store. A change and its entry in the
//! audit log are one transaction, and nobody is told of it before it is on the disk.

mod audit;
mod records;
mod tokens;

use std::collections::HashSet;
use std::sync::Arc;

use dashmap::DashMap;
use tokio::sync::{Mutex, RwLock};

pub(super) use audit::{Entry, Seen};
pub(super) use records::{CanaryRecord, Dropped, PluginRecord, SecretRecord, TenantRecord, VersionRecord};
pub(super) use tokens::{Holder, NotDeleted};

use crate::digest::Digest;
use crate::store::{Batch, Store, StoreError};
use crate::token::TokenId;

const TENANT: &str = "tenant";
const PLUGIN: &str = "plugin";
const SECRET: &str = "secret";
const TOKEN: &str = "token";

/// What the store has of the API.
pub(super) struct Ledger {
    store: Store,
    // Asked at every request.
    tokens: DashMap<TokenId, Arc<Holder>>,
    // Tokens are written one at a time: the note of a token's use must not bring a deleted one back.
    writing_tokens: Mutex<()>,
    // Held for reading from the moment in which a component is kept until a record names it, and for writing by who removes those that
    // no record names.
    components: RwLock<()>,
}

impl Ledger {
    /// With the tokens of the store.
    pub(super) async fn open(store: Store) -> Result<Self, StoreError> {
        let tokens = DashMap::new();
        for (_, record) in store.records(TOKEN, "").await? {
            let holder = Holder::new(record);
            tokens.insert(holder.id(), Arc::new(holder));
        }
        Ok(Self { store, tokens, writing_tokens: Mutex::default(), components: RwLock::default() })
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// Makes a change and its entry, or nothing.
    pub(super) async fn commit(&self, batch: Batch, entry: &Entry) -> Result<(), StoreError> {
        self.store.commit(batch.audit(entry)?).await?;
        Ok(())
    }

    pub(super) async fn tenants(&self) -> Result<Vec<(String, TenantRecord)>, StoreError> {
        self.store.records(TENANT, "").await
    }

    pub(super) async fn tenant(&self, name: &str) -> Result<Option<TenantRecord>, StoreError> {
        self.store.record(TENANT, name).await
    }

    pub(super) fn put_tenant(batch: Batch, name: &str, record: &TenantRecord) -> Result<Batch, StoreError> {
        batch.put(TENANT, name, record)
    }

    /// A tenant goes with all that it has.
    pub(super) async fn delete_tenant(&self, name: &str, entry: &Entry) -> Result<(), StoreError> {
        let _writing = self.writing_tokens.lock().await;
        let mut batch = Batch::new().delete(TENANT, name);
        for (plugin, _) in self.plugins(name).await? {
            batch = batch.delete(PLUGIN, &below(name, &plugin));
        }
        for (secret, _) in self.secrets(name).await? {
            batch = batch.delete(SECRET, &below(name, &secret));
        }
        let tokens = self.tokens_of(name);
        for token in &tokens {
            batch = batch.delete(TOKEN, &token.to_string());
        }
        self.commit(batch, entry).await?;
        for token in tokens {
            self.forget_token(&token);
        }
        self.store.space(name).clear().await
    }

    /// The plugins of a tenant, by name.
    pub(super) async fn plugins(&self, tenant: &str) -> Result<Vec<(String, PluginRecord)>, StoreError> {
        self.below(PLUGIN, tenant).await
    }

    /// The plugins of all tenants: with each its tenant and its name.
    pub(super) async fn all_plugins(&self) -> Result<Vec<((String, String), PluginRecord)>, StoreError> {
        let all: Vec<(String, PluginRecord)> = self.store.records(PLUGIN, "").await?;
        let split = |(key, record): (String, _)| {
            let (tenant, plugin) = key.split_once('/')?;
            Some(((tenant.to_owned(), plugin.to_owned()), record))
        };
        Ok(all.into_iter().filter_map(split).collect())
    }

    pub(super) async fn plugin(&self, tenant: &str, plugin: &str) -> Result<Option<PluginRecord>, StoreError> {
        self.store.record(PLUGIN, &below(tenant, plugin)).await
    }

    pub(super) async fn put_plugin(
        &self,
        tenant: &str,
        plugin: &str,
        record: &PluginRecord,
        entry: &Entry,
    ) -> Result<(), StoreError> {
        self.commit(Batch::new().put(PLUGIN, &below(tenant, plugin), record)?, entry).await
    }

    pub(super) async fn delete_plugin(&self, tenant: &str, plugin: &str, entry: &Entry) -> Result<(), StoreError> {
        self.commit(Batch::new().delete(PLUGIN, &below(tenant, plugin)), entry).await
    }

    /// The secrets of a tenant, by name.
    pub(super) async fn secrets(&self, tenant: &str) -> Result<Vec<(String, SecretRecord)>, StoreError> {
        self.below(SECRET, tenant).await
    }

    pub(super) async fn put_secret(
        &self,
        tenant: &str,
        name: &str,
        record: &SecretRecord,
        entry: &Entry,
    ) -> Result<(), StoreError> {
        self.commit(Batch::new().put(SECRET, &below(tenant, name), record)?, entry).await
    }

    pub(super) async fn delete_secret(&self, tenant: &str, name: &str, entry: &Entry) -> Result<(), StoreError> {
        self.commit(Batch::new().delete(SECRET, &below(tenant, name)), entry).await
    }

    /// Whoever keeps a component holds this until a record names it.
    pub(super) async fn keeping(&self) -> tokio::sync::RwLockReadGuard<'_, ()> {
        self.components.read().await
    }

    /// Removes the components that no record names.
    pub(super) async fn sweep(&self) -> Result<(), StoreError> {
        let _nobody_keeps_one = self.components.write().await;
        let records = self.all_plugins().await?;
        let named: HashSet<Digest> = records.iter().flat_map(|(_, record)| record.digests()).collect();
        for digest in self.store.components().await? {
            if !named.contains(&digest) {
                self.store.remove_component(digest).await?;
            }
        }
        Ok(())
    }

    /// The same in a while, if a record names fewer than before. Nobody waits for it.
    pub(super) fn sweep_later(self: &Arc<Self>, dropped: Dropped) {
        if dropped == Dropped::Nothing {
            return;
        }
        let ledger = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = ledger.sweep().await {
                tracing::warn!(%error, "components that nothing needs stay until the next start");
            }
        });
    }

    async fn below<T: serde::de::DeserializeOwned>(
        &self,
        kind: &str,
        tenant: &str,
    ) -> Result<Vec<(String, T)>, StoreError> {
        let prefix = below(tenant, "");
        let records = self.store.records(kind, &prefix).await?;
        let strip = |key: String| key.strip_prefix(&prefix).unwrap_or(&key).to_owned();
        Ok(records.into_iter().map(|(key, record)| (strip(key), record)).collect())
    }
}

/// The key of something of a tenant. A tenant's name has no slash in it.
fn below(tenant: &str, name: &str) -> String {
    format!("{tenant}/{name}")
}
