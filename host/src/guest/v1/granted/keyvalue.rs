//! `wasi:keyvalue`: buckets of the tenant in the host's store.

use std::sync::Arc;

use wasmtime::component::Resource;

use super::bindings::wasi::keyvalue::atomics::{self, CasError};
use super::bindings::wasi::keyvalue::batch;
use super::bindings::wasi::keyvalue::store::{self, Error, KeyResponse};
use crate::guest::v1::state::State;
use crate::store::{MAX_BUCKET, Rest, Space, StoreError};
use crate::tenant::Limit;

/// The bucket that is meant by no name.
const DEFAULT: &str = "default";

/// An open bucket.
#[allow(unreachable_pub, reason = "the generated bindings export it")]
pub struct Bucket {
    name: Arc<str>,
}

/// A value that was looked at.
#[allow(unreachable_pub, reason = "the generated bindings export it")]
pub struct Cas {
    bucket: Arc<str>,
    key: String,
    revision: u64,
    value: Option<Vec<u8>>,
}

type Answer<T, E = Error> = wasmtime::Result<Result<T, E>>;

impl State {
    fn bucket(&self, bucket: &Resource<Bucket>) -> wasmtime::Result<Arc<str>> {
        Ok(Arc::clone(&self.table.get(bucket)?.name))
    }

    /// Waits for the store, with the tenant's space and its limit.
    async fn at_space<T>(&mut self, work: impl AsyncFnOnce(&Space, u64) -> Result<T, StoreError>) -> Result<T, Error> {
        let owner = Arc::clone(&self.owner);
        let capabilities = owner.granted.now();
        let Some(space) = capabilities.space() else { return Err(Error::AccessDenied) };
        let quota = owner.tenant.limits().keyvalue_size.as_u64();
        let outcome = self.waiting(work(space, quota)).await;
        if matches!(outcome, Err(StoreError::QuotaExceeded { .. })) {
            owner.tenant.refuse(Limit::KeyValueBytes);
        }
        outcome.map_err(|error| self.refusal(&error))
    }

    /// What the guest is told. The host's own trouble is in the log once, from the store itself: a disk that is full would fill it.
    fn refusal(&self, error: &StoreError) -> Error {
        if error.is_trouble() {
            let plugin = &*self.owner.name;
            tracing::debug!(target: "plugin", plugin, "the store failed: {error}");
            return Error::Other(match error {
                StoreError::Full(_) => "the host's disk is full".to_owned(),
                _ => "internal".to_owned(),
            });
        }
        Error::Other(match error {
            StoreError::QuotaExceeded { .. } => "quota-exceeded".to_owned(),
            other => other.to_string(),
        })
    }

    async fn look(&mut self, bucket: Arc<str>, key: String) -> Result<Cas, Error> {
        let seen = self.at_space(async |space, _| space.get(&bucket, &key).await).await?;
        Ok(Cas { bucket, key, revision: seen.revision, value: seen.value })
    }
}

impl store::Host for State {
    fn open(&mut self, identifier: String) -> Answer<Resource<Bucket>> {
        if identifier.len() > MAX_BUCKET {
            return Ok(Err(Error::NoSuchStore));
        }
        let name = if identifier.is_empty() { DEFAULT.into() } else { identifier.into() };
        Ok(Ok(self.table.push(Bucket { name })?))
    }
}

impl store::HostBucket for State {
    async fn get(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<Option<Vec<u8>>> {
        let bucket = self.bucket(&bucket)?;
        Ok(self.at_space(async |space, _| space.get(&bucket, &key).await.map(|found| found.value)).await)
    }

    async fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> Answer<()> {
        let bucket = self.bucket(&bucket)?;
        Ok(self.at_space(async |space, quota| space.set(&bucket, &key, value, quota).await).await)
    }

    async fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<()> {
        let bucket = self.bucket(&bucket)?;
        Ok(self.at_space(async |space, _| space.delete(&bucket, vec![key]).await).await)
    }

    async fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<bool> {
        let bucket = self.bucket(&bucket)?;
        Ok(self.at_space(async |space, _| space.exists(&bucket, &key).await).await)
    }

    async fn list_keys(&mut self, bucket: Resource<Bucket>, cursor: Option<String>) -> Answer<KeyResponse> {
        let bucket = self.bucket(&bucket)?;
        let page = self.at_space(async |space, _| space.keys(&bucket, cursor).await).await;
        Ok(page.map(|page| {
            // The last key that was told is where the next page begins, whatever happens in between.
            let cursor = page.keys.last().filter(|_| page.rest == Rest::More).cloned();
            KeyResponse { keys: page.keys, cursor }
        }))
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for State {
    async fn increment(&mut self, bucket: Resource<Bucket>, key: String, delta: i64) -> Answer<i64> {
        let bucket = self.bucket(&bucket)?;
        Ok(self.at_space(async |space, quota| space.increment(&bucket, &key, delta, quota).await).await)
    }

    async fn swap(&mut self, cas: Resource<Cas>, value: Vec<u8>) -> Answer<(), CasError> {
        let Cas { bucket, key, revision, .. } = self.table.delete(cas)?;
        // An outcome of its own, because having come too late is no failure.
        let swapped = self
            .at_space(async |space, quota| match space.swap(&bucket, &key, revision, value, quota).await {
                Err(StoreError::Changed) => Ok(Swap::TooLate),
                swapped => swapped.map(|()| Swap::Done),
            })
            .await;
        let seen = match swapped {
            Ok(Swap::Done) => return Ok(Ok(())),
            Ok(Swap::TooLate) => self.look(bucket, key).await,
            Err(error) => Err(error),
        };
        Ok(Err(match seen {
            Ok(seen) => CasError::CasFailed(self.table.push(seen)?),
            Err(error) => CasError::StoreError(error),
        }))
    }
}

enum Swap {
    Done,
    TooLate,
}

impl atomics::HostCas for State {
    async fn new(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<Resource<Cas>> {
        let bucket = self.bucket(&bucket)?;
        match self.look(bucket, key).await {
            Ok(seen) => Ok(Ok(self.table.push(seen)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn current(&mut self, cas: Resource<Cas>) -> Answer<Option<Vec<u8>>> {
        Ok(Ok(self.table.get(&cas)?.value.clone()))
    }

    async fn drop(&mut self, cas: Resource<Cas>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}

impl batch::Host for State {
    async fn get_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Answer<Vec<(String, Option<Vec<u8>>)>> {
        let bucket = self.bucket(&bucket)?;
        Ok(self.at_space(async |space, _| space.get_many(&bucket, keys).await).await)
    }

    async fn set_many(&mut self, bucket: Resource<Bucket>, key_values: Vec<(String, Vec<u8>)>) -> Answer<()> {
        let bucket = self.bucket(&bucket)?;
        Ok(self.at_space(async |space, quota| space.set_many(&bucket, key_values, quota).await).await)
    }

    async fn delete_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Answer<()> {
        let bucket = self.bucket(&bucket)?;
        Ok(self.at_space(async |space, _| space.delete(&bucket, keys).await).await)
    }
}
