//! Records of the host, such as its tenants, plugins and tokens, and the audit log. What goes together is changed together: all
//! of it is on the disk, or none.

use std::ops::Bound;

use redb::{ReadableTable, ReadableTableMetadata};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Store;
use super::error::StoreError;
use super::tables::Tables;

/// How many entries of the audit log are kept. The oldest make room.
pub const AUDIT_KEPT: u64 = 100_000;

/// Changes of records that go together.
#[derive(Debug, Default)]
pub struct Batch {
    changes: Vec<Change>,
    audit: Vec<Vec<u8>>,
}

struct Change {
    kind: String,
    key: String,
    // None if it is deleted.
    json: Option<Vec<u8>>,
}

/// Without what is in it: a record may be a secret.
impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}/{}", if self.json.is_some() { "put" } else { "delete" }, self.kind, self.key)
    }
}

impl Batch {
    /// No changes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a record, in the place of one that is there.
    ///
    /// # Errors
    /// It cannot be JSON.
    pub fn put(mut self, kind: &str, key: &str, record: &impl Serialize) -> Result<Self, StoreError> {
        let json = serde_json::to_vec(record).map_err(|error| misread(kind, key, &error))?;
        self.changes.push(Change { kind: kind.to_owned(), key: key.to_owned(), json: Some(json) });
        Ok(self)
    }

    /// Deletes a record, if it is there.
    #[must_use]
    pub fn delete(mut self, kind: &str, key: &str) -> Self {
        self.changes.push(Change { kind: kind.to_owned(), key: key.to_owned(), json: None });
        self
    }

    /// Adds an entry to the audit log.
    ///
    /// # Errors
    /// It cannot be JSON.
    pub fn audit(mut self, entry: &impl Serialize) -> Result<Self, StoreError> {
        self.audit.push(serde_json::to_vec(entry).map_err(|error| misread("audit", "", &error))?);
        Ok(self)
    }
}

impl Store {
    /// Makes these changes. They are on the disk when this returns. The number of the last entry of the audit log that was added.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn commit(&self, batch: Batch) -> Result<Option<u64>, StoreError> {
        self.write(move |tables| apply(tables, &batch)).await
    }

    /// A record, if it is there.
    ///
    /// # Errors
    /// It is not what its reader expects, or the store is in trouble.
    pub async fn record<T: DeserializeOwned>(&self, kind: &str, key: &str) -> Result<Option<T>, StoreError> {
        let place = (kind.to_owned(), key.to_owned());
        let json = self
            .read(move |reading| {
                let found = reading.records()?.get((&*place.0, &*place.1))?.map(|json| json.value().to_vec());
                Ok(found)
            })
            .await?;
        json.map(|json| parse(kind, key, &json)).transpose()
    }

    /// All records of a kind whose keys begin with this, in the order of their keys.
    ///
    /// # Errors
    /// One of them is not what its reader expects, or the store is in trouble.
    pub async fn records<T: DeserializeOwned>(&self, kind: &str, prefix: &str) -> Result<Vec<(String, T)>, StoreError> {
        let (of, from) = (kind.to_owned(), prefix.to_owned());
        let found = self
            .read(move |reading| {
                let records = reading.records()?;
                let mut found = Vec::new();
                for entry in records.range::<(&str, &str)>((Bound::Included((&*of, &*from)), Bound::Unbounded))? {
                    let (place, json) = entry?;
                    let (kind, key) = place.value();
                    if kind != of || !key.starts_with(&from) {
                        break;
                    }
                    found.push((key.to_owned(), json.value().to_vec()));
                }
                Ok(found)
            })
            .await?;
        found.into_iter().map(|(key, json)| parse(kind, &key, &json).map(|record| (key, record))).collect()
    }

    /// At most so many entries of the audit log after this number, with their own; 0 is before the first.
    ///
    /// # Errors
    /// One of them is not what its reader expects, or the store is in trouble.
    pub async fn audit<T: DeserializeOwned>(&self, after: u64, most: usize) -> Result<Vec<(u64, T)>, StoreError> {
        let found = self
            .read(move |reading| {
                let audit = reading.audit()?;
                let range = audit.range::<u64>((Bound::Excluded(after), Bound::Unbounded))?;
                let entry = |entry: Result<(redb::AccessGuard<'_, u64>, redb::AccessGuard<'_, &[u8]>), _>| {
                    let (number, json) = entry?;
                    Ok((number.value(), json.value().to_vec()))
                };
                range.take(most).map(entry).collect::<Result<Vec<_>, StoreError>>()
            })
            .await?;
        found
            .into_iter()
            .map(|(number, json)| parse("audit", &number.to_string(), &json).map(|entry| (number, entry)))
            .collect()
    }
}

fn apply(tables: &mut Tables<'_>, batch: &Batch) -> Result<Option<u64>, StoreError> {
    for Change { kind, key, json } in &batch.changes {
        match json {
            Some(json) => tables.records.insert((&**kind, &**key), json.as_slice())?,
            None => tables.records.remove((&**kind, &**key))?,
        };
    }
    if batch.audit.is_empty() {
        return Ok(None);
    }
    // The newest is never removed, so no number is given twice.
    let mut number = tables.audit.last()?.map_or(0, |(number, _)| number.value());
    for entry in &batch.audit {
        number += 1;
        tables.audit.insert(number, entry.as_slice())?;
    }
    while tables.audit.len()? > AUDIT_KEPT {
        tables.audit.pop_first()?;
    }
    Ok(Some(number))
}

fn parse<T: DeserializeOwned>(kind: &str, key: &str, json: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(json).map_err(|error| misread(kind, key, &error))
}

/// Without the record's own text: it may be a secret. serde's errors quote values, so only their place is told.
fn misread(kind: &str, key: &str, error: &serde_json::Error) -> StoreError {
    let why = format!("{:?} at line {}, column {}", error.classify(), error.line(), error.column());
    StoreError::Record { kind: kind.to_owned(), key: key.to_owned(), why: why.to_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn records_are_found_by_kind_and_by_what_their_keys_begin_with() {
        let store = Store::in_memory().expect("a store");
        let mut batch = Batch::new();
        for (kind, key) in [("plugin", "a/x"), ("plugin", "a/y"), ("plugin", "ab/x"), ("plugins", "a/x"), ("p", "a/x")]
        {
            batch = batch.put(kind, key, &format!("{kind} {key}")).expect("JSON");
        }
        store.commit(batch.delete("plugin", "none")).await.expect("written");
        let found: Vec<(String, String)> = store.records("plugin", "a/").await.expect("records");
        let wanted = ["a/x", "a/y"].map(|key| (key.to_owned(), format!("plugin {key}")));
        assert_eq!(found, wanted);
        store.commit(Batch::new().delete("plugin", "a/x")).await.expect("deleted");
        assert_eq!(store.record::<String>("plugin", "a/x").await, Ok(None));
        assert_eq!(store.record::<String>("plugins", "a/x").await, Ok(Some("plugins a/x".to_owned())));
    }

    #[tokio::test]
    async fn a_record_that_is_something_else_is_named_and_not_shown() {
        let store = Store::in_memory().expect("a store");
        let batch = Batch::new().put("secret", "key", &"hunter2").expect("JSON");
        assert!(!format!("{batch:?}").contains("hunter2"));
        store.commit(batch).await.expect("written");
        let error = store.record::<u64>("secret", "key").await.expect_err("it is a text").to_string();
        assert!(error.contains("secret/key") && !error.contains("hunter2"), "{error}");
    }

    #[tokio::test]
    async fn the_audit_log_counts_on_and_forgets_the_oldest() {
        let store = Store::in_memory().expect("a store");
        assert_eq!(store.commit(Batch::new()).await, Ok(None));
        let entries = |count: u64| (0..count).try_fold(Batch::new(), |batch, entry| batch.audit(&entry)).expect("JSON");
        assert_eq!(store.commit(entries(3)).await, Ok(Some(3)));
        assert_eq!(store.commit(entries(AUDIT_KEPT)).await, Ok(Some(AUDIT_KEPT + 3)));
        let page: Vec<(u64, u64)> = store.audit(0, 2).await.expect("entries");
        assert_eq!(page, [(4, 0), (5, 1)]);
        let page: Vec<(u64, u64)> = store.audit(AUDIT_KEPT + 2, 2).await.expect("entries");
        assert_eq!(page, [(AUDIT_KEPT + 3, AUDIT_KEPT - 1)]);
    }
}
