//! Records of the host, such as its tenants, plugins and tokens. What goes together is changed together, entries of the audit log
//! included: all of it is on the disk, or none.

use std::ops::Bound;

use redb::ReadableTable;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::StoreError;
use super::tables::Tables;
use super::{Store, audit};

/// Changes of records that go together.
#[derive(Debug, Default)]
pub struct Batch {
    changes: Vec<Change>,
    audit: Vec<Vec<u8>>,
    new_tenant: Option<String>,
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

    /// From now on the entries of this tenant are those of a new one: earlier ones are found among all, and not as its own.
    #[must_use]
    pub fn new_tenant(mut self, tenant: &str) -> Self {
        self.new_tenant = Some(tenant.to_owned());
        self
    }

    /// Adds an entry to the audit log. The tenant that it names in its field `tenant` is the one that it is found by.
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
}

fn apply(tables: &mut Tables<'_>, batch: &Batch) -> Result<Option<u64>, StoreError> {
    for Change { kind, key, json } in &batch.changes {
        match json {
            Some(json) => tables.records.insert((&**kind, &**key), json.as_slice())?,
            None => tables.records.remove((&**kind, &**key))?,
        };
    }
    if let Some(tenant) = &batch.new_tenant {
        audit::begin(tables, tenant)?;
    }
    audit::add(tables, &batch.audit)
}

pub(super) fn parse<T: DeserializeOwned>(kind: &str, key: &str, json: &[u8]) -> Result<T, StoreError> {
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
}
