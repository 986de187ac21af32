//! What the plugins of a tenant keep: buckets of keys and values, and how many bytes they are in all.
//!
//! Nobody else can come by them: every key in the database begins with the tenant's name.

use std::ops::Bound;
use std::sync::Arc;

use redb::ReadableTable;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Store;
use super::entries::{Place, check, number, places, put, remove};
use super::error::StoreError;
use super::tables::{Reading, Tables};

/// The longest name of a bucket.
pub const MAX_BUCKET: usize = 128;
/// The longest key.
pub const MAX_KEY: usize = 1024;
/// The largest value.
pub const MAX_VALUE: usize = 1 << 20;
/// How many keys can be asked for, set or deleted at once, and how many are listed at once.
pub const MAX_KEYS: usize = 1000;
/// The most bytes of keys and values that can be read or set at once.
pub const MAX_BATCH: usize = 4 << 20;

/// How many plugins of one tenant may be at the store at once; the others wait, so that no tenant fills the queue of all.
const TURNS: usize = 16;

/// Whose turn it is among those of one tenant.
pub(super) struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(TURNS)))
    }
}

/// A page of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// In the order of their bytes.
    pub keys: Vec<String>,
    /// Whether there are more after the last of them.
    pub rest: Rest,
}

/// What comes after a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// There is more.
    More,
    /// That was all.
    Nothing,
}

/// A value, and which of the values of its key it is. No other has the same revision; 0 is that of no value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versioned {
    /// Which.
    pub revision: u64,
    /// The value, if there is one.
    pub value: Option<Vec<u8>>,
}

/// What one tenant keeps.
pub struct Space {
    store: Store,
    tenant: Arc<str>,
    turns: Arc<Turns>,
}

impl Space {
    pub(super) fn new(store: Store, tenant: &str, turns: Arc<Turns>) -> Self {
        Self { store, tenant: tenant.into(), turns }
    }

    /// The value of a key, with its revision.
    ///
    /// # Errors
    /// The bucket or the key cannot be one, or the store is in trouble.
    pub async fn get(&self, bucket: &str, key: &str) -> Result<Versioned, StoreError> {
        let place = self.place(bucket, key)?;
        self.read(move |reading| {
            let values = reading.values()?;
            let found = values.get(place.key())?;
            Ok(found.map_or_else(Versioned::default, |found| {
                let (revision, value) = found.value();
                Versioned { revision, value: Some(value.to_vec()) }
            }))
        })
        .await
    }

    /// True if the key has a value.
    ///
    /// # Errors
    /// Those of [`Space::get`].
    pub async fn exists(&self, bucket: &str, key: &str) -> Result<bool, StoreError> {
        let place = self.place(bucket, key)?;
        self.read(move |reading| Ok(reading.values()?.get(place.key())?.is_some())).await
    }

    /// The values of these keys, in their order; none for those that have none.
    ///
    /// # Errors
    /// Those of [`Space::get`]; too many keys, or values that are too much for one answer.
    pub async fn get_many(
        &self,
        bucket: &str,
        keys: Vec<String>,
    ) -> Result<Vec<(String, Option<Vec<u8>>)>, StoreError> {
        let places = self.places(bucket, &keys)?;
        let values = self
            .read(move |reading| {
                let values = reading.values()?;
                let mut size = 0;
                let mut found = Vec::with_capacity(places.len());
                for place in &places {
                    let value = values.get(place.key())?.map(|value| value.value().1.to_vec());
                    size += value.as_ref().map_or(0, Vec::len);
                    check("all values together", size, MAX_BATCH)?;
                    found.push(value);
                }
                Ok(found)
            })
            .await?;
        Ok(keys.into_iter().zip(values).collect())
    }

    /// The keys of a bucket, after this one if there is one.
    ///
    /// # Errors
    /// Those of [`Space::get`].
    pub async fn keys(&self, bucket: &str, after: Option<String>) -> Result<Keys, StoreError> {
        check("the name of the bucket", bucket.len(), MAX_BUCKET)?;
        let (tenant, bucket) = (Arc::clone(&self.tenant), bucket.to_owned());
        self.read(move |reading| {
            let values = reading.values()?;
            let begin = (&*tenant, &*bucket, after.as_deref().unwrap_or_default());
            let range = (Bound::Excluded(begin), Bound::Unbounded);
            let mut keys = Vec::new();
            for entry in values.range::<(&str, &str, &str)>(range)? {
                let (place, _) = entry?;
                let place = place.value();
                if (place.0, place.1) != (&*tenant, &*bucket) {
                    return Ok(Keys { keys, rest: Rest::Nothing });
                }
                if keys.len() == MAX_KEYS {
                    return Ok(Keys { keys, rest: Rest::More });
                }
                keys.push(place.2.to_owned());
            }
            Ok(Keys { keys, rest: Rest::Nothing })
        })
        .await
    }

    /// How many bytes are kept: those of buckets, keys and values, and 32 for each entry.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn size(&self) -> Result<u64, StoreError> {
        let tenant = Arc::clone(&self.tenant);
        self.read(move |reading| Ok(reading.sizes()?.get(&*tenant)?.map_or(0, |size| size.value()))).await
    }

    /// Sets a value.
    ///
    /// # Errors
    /// Those of [`Space::get`]; more than `limit` bytes would be kept.
    pub async fn set(&self, bucket: &str, key: &str, value: Vec<u8>, limit: u64) -> Result<(), StoreError> {
        let place = self.place(bucket, key)?;
        check("the value", value.len(), MAX_VALUE)?;
        self.write(move |tables| put(tables, &[(place, value)], limit)).await
    }

    /// Sets many values, or none of them.
    ///
    /// # Errors
    /// Those of [`Space::set`]; too many of them at once.
    pub async fn set_many(&self, bucket: &str, entries: Vec<(String, Vec<u8>)>, limit: u64) -> Result<(), StoreError> {
        let (keys, values): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        let places = self.places(bucket, &keys)?;
        for value in &values {
            check("the value", value.len(), MAX_VALUE)?;
        }
        let size = keys.iter().map(String::len).chain(values.iter().map(Vec::len)).sum();
        check("all keys and values together", size, MAX_BATCH)?;
        // Each key once, with the last of its values, so that each is counted once.
        let mut entries: Vec<_> = places.into_iter().zip(values).rev().collect();
        entries.sort_by(|one, other| one.0.key().cmp(&other.0.key()));
        entries.dedup_by(|one, other| one.0.key() == other.0.key());
        self.write(move |tables| put(tables, &entries, limit)).await
    }

    /// Deletes keys; those that are not there stay so.
    ///
    /// # Errors
    /// Those of [`Space::get`]; too many of them at once.
    pub async fn delete(&self, bucket: &str, keys: Vec<String>) -> Result<(), StoreError> {
        let places = self.places(bucket, &keys)?;
        self.write(move |tables| remove(tables, &places)).await
    }

    /// Deletes all that the tenant keeps.
    ///
    /// # Errors
    /// The store is in trouble; some of it may be gone then.
    pub async fn clear(&self) -> Result<(), StoreError> {
        // Not all in one transaction: others would wait for it.
        loop {
            let tenant = Arc::clone(&self.tenant);
            let found = self.read(move |reading| places(reading, &tenant, MAX_KEYS)).await?;
            if found.is_empty() {
                self.store.forget(&self.tenant);
                return Ok(());
            }
            self.write(move |tables| remove(tables, &found)).await?;
        }
    }

    /// Adds to the number that the value is, in decimal digits; a key without a value is 0. The new number.
    ///
    /// # Errors
    /// Those of [`Space::set`]; the value is no number, or would be too large for one.
    pub async fn increment(&self, bucket: &str, key: &str, delta: i64, limit: u64) -> Result<i64, StoreError> {
        let place = self.place(bucket, key)?;
        self.write(move |tables| {
            let before = match tables.values.get(place.key())? {
                None => 0,
                Some(found) => number(found.value().1).ok_or(StoreError::NotANumber)?,
            };
            let after: i64 = before.checked_add(delta).ok_or(StoreError::NotANumber)?;
            put(tables, &[(place, after.to_string().into_bytes())], limit)?;
            Ok(after)
        })
        .await
    }

    /// Sets a value if the one that is there has this revision.
    ///
    /// # Errors
    /// Those of [`Space::set`]; it has another one.
    pub async fn swap(
        &self,
        bucket: &str,
        key: &str,
        revision: u64,
        value: Vec<u8>,
        limit: u64,
    ) -> Result<(), StoreError> {
        let place = self.place(bucket, key)?;
        check("the value", value.len(), MAX_VALUE)?;
        self.write(move |tables| {
            let found = tables.values.get(place.key())?.map_or(0, |found| found.value().0);
            if found != revision {
                return Err(StoreError::Changed);
            }
            put(tables, &[(place, value)], limit)
        })
        .await
    }

    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Reading) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = self.turn().await?;
        self.store.read(move |reading| Self::in_turn(turn, look(reading))).await
    }

    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = self.turn().await?;
        self.store.write(move |tables| Self::in_turn(turn, change(tables))).await
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        Arc::clone(&self.turns.0).acquire_owned().await.map_err(|_| StoreError::Interrupted)
    }

    /// What came of it. The turn lasts for as long as the work, also when whoever asked for it has gone.
    fn in_turn<T>(_turn: OwnedSemaphorePermit, outcome: T) -> T {
        outcome
    }

    fn place(&self, bucket: &str, key: &str) -> Result<Place, StoreError> {
        check("the name of the bucket", bucket.len(), MAX_BUCKET)?;
        check("the key", key.len(), MAX_KEY)?;
        if key.is_empty() {
            return Err(StoreError::EmptyKey);
        }
        Ok(Place::new(&self.tenant, bucket, key))
    }

    fn places(&self, bucket: &str, keys: &[String]) -> Result<Vec<Place>, StoreError> {
        check("the number of keys", keys.len(), MAX_KEYS)?;
        keys.iter().map(|key| self.place(bucket, key)).collect()
    }
}
