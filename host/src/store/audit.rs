//! The audit log: entries by number, and for each tenant the numbers of its own, so that a page of them is read and nothing else.

use std::ops::Bound;

use redb::{ReadableTable, ReadableTableMetadata};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Store;
use super::error::StoreError;
use super::records::parse;
use super::tables::{Reading, Tables};

/// How many entries of the audit log are kept. The oldest make room.
pub const AUDIT_KEPT: u64 = 100_000;

impl Store {
    /// At most so many entries after this number, with their own; 0 is before the first. Those of a tenant, or all.
    ///
    /// # Errors
    /// One of them is not what its reader expects, or the store is in trouble.
    pub async fn audit<T: DeserializeOwned>(
        &self,
        tenant: Option<&str>,
        after: u64,
        most: usize,
    ) -> Result<Vec<(u64, T)>, StoreError> {
        let tenant = tenant.map(str::to_owned);
        let found = self
            .read(move |reading| {
                let numbers: Vec<u64> = match &tenant {
                    Some(tenant) => {
                        let own = reading.audit_of()?;
                        let range = (Bound::Excluded((&**tenant, after)), Bound::Included((&**tenant, u64::MAX)));
                        let range = own.range::<(&str, u64)>(range)?;
                        range.take(most).map(|entry| Ok(entry?.0.value().1)).collect::<Result<_, StoreError>>()?
                    }
                    None => {
                        let all = reading.audit()?;
                        let range = all.range::<u64>((Bound::Excluded(after), Bound::Unbounded))?;
                        range.take(most).map(|entry| Ok(entry?.0.value())).collect::<Result<_, StoreError>>()?
                    }
                };
                entries(reading, &numbers)
            })
            .await?;
        found.into_iter().map(read).collect()
    }

    /// The newest entries, the oldest of them first. Those of a tenant, or all.
    ///
    /// # Errors
    /// Those of [`Store::audit`].
    pub async fn audit_end<T: DeserializeOwned>(
        &self,
        tenant: Option<&str>,
        most: usize,
    ) -> Result<Vec<(u64, T)>, StoreError> {
        let tenant = tenant.map(str::to_owned);
        let found = self
            .read(move |reading| {
                let mut numbers: Vec<u64> = match &tenant {
                    Some(tenant) => {
                        let own = reading.audit_of()?;
                        let range = own.range::<(&str, u64)>((&**tenant, 0)..=(&**tenant, u64::MAX))?;
                        range.rev().take(most).map(|entry| Ok(entry?.0.value().1)).collect::<Result<_, StoreError>>()?
                    }
                    None => {
                        let all = reading.audit()?;
                        let range = all.range::<u64>(..)?.rev();
                        range.take(most).map(|entry| Ok(entry?.0.value())).collect::<Result<_, StoreError>>()?
                    }
                };
                numbers.reverse();
                entries(reading, &numbers)
            })
            .await?;
        found.into_iter().map(read).collect()
    }
}

fn entries(reading: &Reading, numbers: &[u64]) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let audit = reading.audit()?;
    let mut found = Vec::with_capacity(numbers.len());
    for &number in numbers {
        found.extend(audit.get(number)?.map(|json| (number, json.value().to_vec())));
    }
    Ok(found)
}

fn read<T: DeserializeOwned>((number, json): (u64, Vec<u8>)) -> Result<(u64, T), StoreError> {
    parse("audit", &number.to_string(), &json).map(|entry| (number, entry))
}

/// Adds entries, and returns the number of the last one.
pub(super) fn add(tables: &mut Tables<'_>, entries: &[Vec<u8>]) -> Result<Option<u64>, StoreError> {
    if entries.is_empty() {
        return Ok(None);
    }
    // The newest is never removed, so no number is given twice.
    let mut number = tables.audit.last()?.map_or(0, |(number, _)| number.value());
    for entry in entries {
        number += 1;
        tables.audit.insert(number, entry.as_slice())?;
        if let Some(tenant) = tenant_of(entry) {
            tables.audit_of.insert((&*tenant, number), ())?;
        }
    }
    while tables.audit.len()? > AUDIT_KEPT {
        let Some((number, entry)) = tables.audit.pop_first()? else { break };
        if let Some(tenant) = tenant_of(entry.value()) {
            tables.audit_of.remove((&*tenant, number.value()))?;
        }
    }
    Ok(Some(number))
}

/// The entries of this tenant are nobody's any more: they were those of an earlier one of its name.
pub(super) fn begin(tables: &mut Tables<'_>, tenant: &str) -> Result<(), StoreError> {
    tables.audit_of.retain_in::<(&str, u64), _>((tenant, 0)..=(tenant, u64::MAX), |_, ()| false)?;
    Ok(())
}

/// Finds the tenants of all entries: a store that was made before there was an index has none.
pub(super) fn index(tables: &mut Tables<'_>) -> Result<(), StoreError> {
    for entry in tables.audit.iter()? {
        let (number, json) = entry?;
        if let Some(tenant) = tenant_of(json.value()) {
            tables.audit_of.insert((&*tenant, number.value()), ())?;
        }
    }
    Ok(())
}

fn tenant_of(entry: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Whose {
        tenant: Option<String>,
    }
    serde_json::from_slice::<Whose>(entry).ok()?.tenant
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::store::Batch;
    use crate::store::tables::AUDIT_OF;

    /// Entries of these tenants, each in its turn.
    fn of(tenants: &[&str], count: usize) -> Batch {
        let mut names = tenants.iter().cycle();
        let entry = |batch: Batch, number| batch.audit(&json!({ "tenant": names.next(), "what": number }));
        (0..count).try_fold(Batch::new(), entry).expect("JSON")
    }

    async fn numbers(store: &Store, tenant: &str, after: u64, most: usize) -> Vec<u64> {
        let page: Vec<(u64, Value)> = store.audit(Some(tenant), after, most).await.expect("entries");
        assert!(page.iter().all(|(_, entry)| entry["tenant"] == tenant), "{page:?}");
        page.into_iter().map(|(number, _)| number).collect()
    }

    #[tokio::test]
    async fn it_counts_on_and_forgets_the_oldest() {
        let store = Store::in_memory().expect("a store");
        assert_eq!(store.commit(Batch::new()).await, Ok(None));
        let entries = |count: u64| (0..count).try_fold(Batch::new(), |batch, entry| batch.audit(&entry)).expect("JSON");
        assert_eq!(store.commit(entries(3)).await, Ok(Some(3)));
        assert_eq!(store.commit(entries(AUDIT_KEPT)).await, Ok(Some(AUDIT_KEPT + 3)));
        let page: Vec<(u64, u64)> = store.audit(None, 0, 2).await.expect("entries");
        assert_eq!(page, [(4, 0), (5, 1)]);
        let page: Vec<(u64, u64)> = store.audit(None, AUDIT_KEPT + 2, 2).await.expect("entries");
        assert_eq!(page, [(AUDIT_KEPT + 3, AUDIT_KEPT - 1)]);
        let page: Vec<(u64, u64)> = store.audit_end(None, 1).await.expect("entries");
        assert_eq!(page, [(AUDIT_KEPT + 3, AUDIT_KEPT - 1)]);
    }

    #[tokio::test]
    async fn a_tenant_finds_its_own_entries_and_no_others() {
        let store = Store::in_memory().expect("a store");
        store.commit(of(&["a", "b", "ab"], 9)).await.expect("written");
        assert_eq!(numbers(&store, "a", 0, 2).await, [1, 4]);
        assert_eq!(numbers(&store, "a", 4, 2).await, [7]);
        assert_eq!(numbers(&store, "ab", 3, 9).await, [6, 9]);
        assert!(numbers(&store, "c", 0, 9).await.is_empty());
        let end: Vec<(u64, Value)> = store.audit_end(Some("b"), 2).await.expect("entries");
        assert_eq!(end.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [5, 8]);
        store.commit(Batch::new().new_tenant("a").audit(&json!({ "tenant": "a" })).expect("JSON")).await.expect("a");
        assert_eq!(numbers(&store, "a", 0, 9).await, [10], "the earlier ones were another one's");
        assert_eq!(numbers(&store, "ab", 0, 9).await, [3, 6, 9]);
    }

    #[tokio::test]
    async fn what_is_forgotten_is_in_no_index() {
        let store = Store::in_memory().expect("a store");
        let kept = usize::try_from(AUDIT_KEPT).expect("a number");
        store.commit(of(&["a", "b"], 4)).await.expect("written");
        store.commit(of(&["b"], kept - 1)).await.expect("written");
        assert!(numbers(&store, "a", 0, 9).await.is_empty(), "1 and 3 have gone");
        assert_eq!(numbers(&store, "b", 0, 2).await, [4, 5]);
        let indexed = store.read(|reading| Ok(reading.audit_of()?.len()?)).await;
        assert_eq!(indexed, Ok(AUDIT_KEPT));
    }

    #[tokio::test]
    async fn a_store_without_an_index_gets_one() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("it");
        let store = Store::open(&folder).expect("it opens");
        store.commit(of(&["a", "b"], 4)).await.expect("written");
        drop(store);
        let older = redb::Database::open(folder.join("holdline.redb")).expect("the database");
        let transaction = older.begin_write().expect("a transaction");
        transaction.delete_table(AUDIT_OF).expect("it was there");
        transaction.commit().expect("written");
        drop(older);
        assert_eq!(numbers(&Store::open(&folder).expect("it opens"), "b", 0, 9).await, [2, 4]);
    }
}
