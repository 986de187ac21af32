//! Tokens: in memory, because every request asks for one, and in the store.

use std::sync::Arc;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;

use super::{Entry, Ledger, TOKEN};
use crate::store::{Batch, StoreError};
use crate::token::{Record, Role, Scope, Token, TokenId};

/// So many refused requests of one token are in the audit log in a minute; the log has all. Else whoever has a token could wash out
/// what others did.
const REFUSALS: std::num::NonZeroU32 = std::num::NonZeroU32::MIN.saturating_add(59);

/// A token that is good.
pub(in crate::admin) struct Holder {
    record: RwLock<Record>,
    // Cancelled when it is deleted: streams that it has opened end.
    ended: CancellationToken,
    refusals: DefaultDirectRateLimiter,
}

impl Holder {
    pub(super) fn new(record: Record) -> Self {
        let refusals = RateLimiter::direct(Quota::per_minute(REFUSALS));
        Self { record: RwLock::new(record), ended: CancellationToken::new(), refusals }
    }

    pub(super) fn id(&self) -> TokenId {
        self.record.read().id.clone()
    }

    /// What is kept of it.
    pub(in crate::admin) fn record(&self) -> Record {
        self.record.read().clone()
    }

    /// Cancelled when it is deleted.
    pub(in crate::admin) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Whether one more of its requests that was refused may be in the audit log.
    pub(in crate::admin) fn may_be_noted(&self) -> bool {
        self.refusals.check().is_ok()
    }
}

/// Why a token was not deleted.
pub(in crate::admin) enum NotDeleted {
    /// It is not there.
    Unknown,
    /// Without it nobody could make another one.
    LastOwner,
    /// The store is in trouble.
    Store(StoreError),
}

impl Ledger {
    /// The token that this is, if it is one.
    pub(in crate::admin) fn holder(&self, token: &Token) -> Option<Arc<Holder>> {
        let holder = self.tokens.get(&token.id()).map(|holder| Arc::clone(holder.value()))?;
        let is_of = holder.record.read().is_of(token);
        is_of.then_some(holder)
    }

    /// All of them, the oldest first.
    pub(in crate::admin) fn tokens(&self) -> Vec<Record> {
        let mut all: Vec<_> = self.tokens.iter().map(|holder| holder.record()).collect();
        all.sort_by(|one, other| one.created.cmp(&other.created).then_with(|| one.id.cmp(&other.id)));
        all
    }

    pub(super) fn tokens_of(&self, tenant: &str) -> Vec<TokenId> {
        let is_its = |record: &Record| matches!(&record.scope, Scope::Tenant(own) if own == tenant);
        self.tokens().into_iter().filter(is_its).map(|record| record.id).collect()
    }

    pub(in crate::admin) async fn put_token(&self, record: Record, entry: &Entry) -> Result<(), StoreError> {
        let _writing = self.writing_tokens.lock().await;
        self.commit(Batch::new().put(TOKEN, &record.id.to_string(), &record)?, entry).await?;
        let holder = Holder::new(record);
        self.tokens.insert(holder.id(), Arc::new(holder));
        Ok(())
    }

    pub(in crate::admin) async fn delete_token(&self, id: &TokenId, entry: &Entry) -> Result<(), NotDeleted> {
        let _writing = self.writing_tokens.lock().await;
        let record = self.tokens.get(id).map(|holder| holder.record()).ok_or(NotDeleted::Unknown)?;
        let now = Timestamp::now();
        let owns = |record: &Record| {
            let is_good = record.expires.is_none_or(|expires| expires > now);
            record.role == Role::Owner && record.scope == Scope::Host && is_good
        };
        if owns(&record) && self.tokens().iter().filter(|record| owns(record)).count() == 1 {
            return Err(NotDeleted::LastOwner);
        }
        self.commit(Batch::new().delete(TOKEN, &id.to_string()), entry).await.map_err(NotDeleted::Store)?;
        self.forget_token(id);
        Ok(())
    }

    pub(super) fn forget_token(&self, id: &TokenId) {
        if let Some((_, holder)) = self.tokens.remove(id) {
            holder.ended.cancel();
        }
    }

    /// The token is used now. That is written once a minute, and nobody waits for it.
    pub(in crate::admin) fn touch(self: &Arc<Self>, holder: &Arc<Holder>) {
        if !holder.record.write().touch(Timestamp::now()) {
            return;
        }
        let (ledger, holder) = (Arc::clone(self), Arc::clone(holder));
        tokio::spawn(async move {
            let _writing = ledger.writing_tokens.lock().await;
            let record = holder.record();
            if !ledger.tokens.contains_key(&record.id) {
                return;
            }
            let batch = Batch::new().put(TOKEN, &record.id.to_string(), &record);
            let written = match batch {
                Ok(batch) => ledger.store.commit(batch).await.map(drop),
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                tracing::warn!(token = %record.id, %error, "the use of a token was not noted");
            }
        });
    }
}
