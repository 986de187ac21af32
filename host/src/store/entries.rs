//! Entries of the key-value space within a transaction, and the count of their bytes, which is kept in the same transaction: a limit on
//! it is exact.

use std::ops::Bound;
use std::sync::Arc;

use redb::ReadableTable;

use super::error::StoreError;
use super::tables::{Reading, Tables};

/// What an entry counts beside its bucket, its key and its value: about what the database needs for it beside them. Without it
/// millions of empty values would count nearly nothing.
const ENTRY: usize = 32;

/// Where an entry is.
pub(super) struct Place {
    tenant: Arc<str>,
    bucket: Box<str>,
    key: Box<str>,
}

impl Place {
    pub(super) fn new(tenant: &Arc<str>, bucket: &str, key: &str) -> Self {
        Self { tenant: Arc::clone(tenant), bucket: bucket.into(), key: key.into() }
    }

    pub(super) fn key(&self) -> (&str, &str, &str) {
        (&self.tenant, &self.bucket, &self.key)
    }

    /// What an entry here counts.
    fn size(&self, value: usize) -> u64 {
        (ENTRY + self.bucket.len() + self.key.len() + value) as u64
    }
}

/// Refuses what is too large.
pub(super) fn check(what: &'static str, size: usize, limit: usize) -> Result<(), StoreError> {
    if size > limit {
        return Err(StoreError::TooLarge { what, size, limit });
    }
    Ok(())
}

/// The number that a value is.
pub(super) fn number(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Sets the values of these places, which are all of one tenant and each there once. More than the limit is refused, unless it is less
/// than before: a limit that was lowered does not keep a tenant from making room.
pub(super) fn put(tables: &mut Tables<'_>, entries: &[(Place, Vec<u8>)], limit: u64) -> Result<(), StoreError> {
    let Some((Place { tenant, .. }, _)) = entries.first() else { return Ok(()) };
    let (mut old, mut new) = (0, 0);
    for (place, value) in entries {
        old += tables.values.get(place.key())?.map_or(0, |found| place.size(found.value().1.len()));
        new += place.size(value.len());
    }
    let after = (size(tables, tenant)? + new).saturating_sub(old);
    if after > limit && new > old {
        return Err(StoreError::QuotaExceeded { limit });
    }
    for (place, value) in entries {
        let revision = tables.next_revision();
        tables.values.insert(place.key(), (revision, value.as_slice()))?;
    }
    tables.sizes.insert(&**tenant, after)?;
    Ok(())
}

/// Removes what is at these places, which are all of one tenant.
pub(super) fn remove(tables: &mut Tables<'_>, places: &[Place]) -> Result<(), StoreError> {
    let Some(Place { tenant, .. }) = places.first() else { return Ok(()) };
    let mut freed = 0;
    for place in places {
        let removed = tables.values.remove(place.key())?;
        freed += removed.map_or(0, |removed| place.size(removed.value().1.len()));
    }
    let after = size(tables, tenant)?.saturating_sub(freed);
    if after == 0 {
        tables.sizes.remove(&**tenant)?;
    } else {
        tables.sizes.insert(&**tenant, after)?;
    }
    Ok(())
}

/// At most so many of a tenant's places.
pub(super) fn places(reading: &Reading, tenant: &Arc<str>, most: usize) -> Result<Vec<Place>, StoreError> {
    let values = reading.values()?;
    let mut found = Vec::new();
    for entry in values.range::<(&str, &str, &str)>((Bound::Included((&**tenant, "", "")), Bound::Unbounded))? {
        let (place, _) = entry?;
        let (owner, bucket, key) = place.value();
        if owner != &**tenant || found.len() == most {
            break;
        }
        found.push(Place::new(tenant, bucket, key));
    }
    Ok(found)
}

fn size(tables: &Tables<'_>, tenant: &str) -> Result<u64, StoreError> {
    Ok(tables.sizes.get(tenant)?.map_or(0, |size| size.value()))
}

#[cfg(test)]
mod tests {
    use super::super::{Keys, Rest, Space, Store};
    use super::*;

    const ENOUGH: u64 = 1 << 30;

    fn space() -> Space {
        Store::in_memory().expect("a store").space("a")
    }

    #[tokio::test]
    async fn a_key_has_the_last_value_until_it_is_deleted() {
        let space = space();
        assert_eq!(space.get("b", "k").await.map(|found| found.value), Ok(None));
        for value in [b"one".to_vec(), Vec::new(), vec![0xff; 5]] {
            space.set("b", "k", value.clone(), ENOUGH).await.expect("room");
            assert_eq!(space.get("b", "k").await.map(|found| found.value), Ok(Some(value)));
        }
        assert_eq!(space.exists("b", "k").await, Ok(true));
        space.delete("b", vec!["k".to_owned(), "none".to_owned()]).await.expect("deleted");
        assert_eq!(space.exists("b", "k").await, Ok(false));
    }

    #[tokio::test]
    async fn tenants_and_buckets_see_nothing_of_each_other() {
        let store = Store::in_memory().expect("a store");
        let places = [("a", "b"), ("a", "bc"), ("ab", ""), ("ab", "b"), ("ab", "c")];
        for (tenant, bucket) in places {
            let value = format!("{tenant}/{bucket}").into_bytes();
            store.space(tenant).set(bucket, "k", value, ENOUGH).await.expect("room");
        }
        for (tenant, bucket) in places {
            let value = store.space(tenant).get(bucket, "k").await.expect("a value").value;
            assert_eq!(value, Some(format!("{tenant}/{bucket}").into_bytes()));
            let keys = store.space(tenant).keys(bucket, None).await;
            assert_eq!(keys, Ok(Keys { keys: vec!["k".to_owned()], rest: Rest::Nothing }));
        }
        store.space("a").clear().await.expect("deleted");
        assert_eq!(store.space("a").size().await, Ok(0));
        assert_eq!(store.space("ab").keys("", None).await.map(|page| page.keys.len()), Ok(1));
    }

    #[tokio::test]
    async fn the_count_of_bytes_is_exact_whatever_is_done() {
        let space = space();
        let size = |value: usize| (ENTRY + 1 + 1 + value) as u64;
        space.set("b", "k", vec![0; 10], ENOUGH).await.expect("room");
        space.set("b", "k", vec![0; 4], ENOUGH).await.expect("room");
        assert_eq!(space.size().await, Ok(size(4)));
        let entries = ["k", "l", "l"].map(|key| (key.to_owned(), vec![0; 7])).to_vec();
        space.set_many("b", entries, ENOUGH).await.expect("room");
        assert_eq!(space.size().await, Ok(2 * size(7)));
        space.increment("b", "m", 1234, ENOUGH).await.expect("a number");
        assert_eq!(space.size().await, Ok(2 * size(7) + size(4)));
        let all = ["k", "k", "l", "m", "n"].map(str::to_owned).to_vec();
        space.delete("b", all).await.expect("deleted");
        assert_eq!(space.size().await, Ok(0));
    }

    #[tokio::test]
    async fn a_limit_is_reached_to_the_byte_and_passed_by_nothing() {
        let space = space();
        let limit = (ENTRY + 1 + 1 + 100) as u64;
        space.set("b", "k", vec![0; 100], limit).await.expect("just enough");
        let refused = Err(StoreError::QuotaExceeded { limit });
        assert_eq!(space.set("b", "k", vec![0; 101], limit).await, refused);
        assert_eq!(space.set("b", "l", Vec::new(), limit).await, refused);
        assert_eq!(space.increment("b", "l", 1, limit).await, Err(StoreError::QuotaExceeded { limit }));
        let entries = ["k", "l"].map(|key| (key.to_owned(), vec![1; 50])).to_vec();
        assert_eq!(space.set_many("b", entries, limit).await, refused);
        assert_eq!(space.get("b", "k").await.map(|found| found.value), Ok(Some(vec![0; 100])), "nothing has changed");
        // A limit that was lowered leaves room for less.
        space.set("b", "k", vec![0; 99], 10).await.expect("less than before");
    }

    #[tokio::test]
    async fn what_is_written_at_once_is_counted_as_if_it_were_one_after_the_other() {
        let space = space();
        let each = (ENTRY + 1 + 2 + 10) as u64;
        let keys: Vec<String> = (10..99).map(|number| number.to_string()).collect();
        let writes = keys.iter().map(|key| space.set("b", key, vec![0; 10], 40 * each));
        let written = futures_util::future::join_all(writes).await;
        assert_eq!(written.iter().filter(|written| written.is_ok()).count(), 40);
        assert_eq!(space.size().await, Ok(40 * each));
        let adds = (0..200).map(|_| space.increment("b", "10", 1, ENOUGH));
        space.delete("b", vec!["10".to_owned()]).await.expect("deleted");
        let mut sums: Vec<_> = futures_util::future::join_all(adds).await.into_iter().flatten().collect();
        sums.sort_unstable();
        assert_eq!(sums, (1..=200).collect::<Vec<i64>>());
    }

    #[tokio::test]
    async fn a_number_is_decimal_and_does_not_wrap() {
        let space = space();
        assert_eq!(space.increment("b", "n", -3, ENOUGH).await, Ok(-3));
        assert_eq!(space.get("b", "n").await.map(|found| found.value), Ok(Some(b"-3".to_vec())));
        space.set("b", "n", i64::MAX.to_string().into_bytes(), ENOUGH).await.expect("room");
        assert_eq!(space.increment("b", "n", 1, ENOUGH).await, Err(StoreError::NotANumber));
        space.set("b", "n", b"many".to_vec(), ENOUGH).await.expect("room");
        assert_eq!(space.increment("b", "n", 1, ENOUGH).await, Err(StoreError::NotANumber));
    }

    #[tokio::test]
    async fn a_swap_sees_a_value_that_was_changed_and_changed_back() {
        let space = space();
        space.swap("b", "k", 0, b"one".to_vec(), ENOUGH).await.expect("there was none");
        let seen = space.get("b", "k").await.expect("a value").revision;
        space.set("b", "k", b"two".to_vec(), ENOUGH).await.expect("room");
        space.set("b", "k", b"one".to_vec(), ENOUGH).await.expect("room");
        assert_eq!(space.swap("b", "k", seen, b"three".to_vec(), ENOUGH).await, Err(StoreError::Changed));
        assert_eq!(space.swap("b", "k", 0, b"three".to_vec(), ENOUGH).await, Err(StoreError::Changed));
        let seen = space.get("b", "k").await.expect("a value").revision;
        space.swap("b", "k", seen, b"three".to_vec(), ENOUGH).await.expect("nobody was there");
    }

    #[tokio::test]
    async fn keys_come_in_pages_and_each_once() {
        let space = space();
        let all: Vec<String> = (0..2500).map(|number| format!("{number:04}")).collect();
        for keys in all.chunks(super::super::MAX_KEYS) {
            let entries = keys.iter().map(|key| (key.clone(), Vec::new())).collect();
            space.set_many("b", entries, ENOUGH).await.expect("room");
        }
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = space.keys("b", after).await.expect("keys");
            found.extend(page.keys);
            if page.rest == Rest::Nothing {
                break;
            }
            after = found.last().cloned();
        }
        assert_eq!(found, all);
    }

    #[tokio::test]
    async fn what_is_too_large_or_has_no_name_is_refused() {
        let space = space();
        let long = "k".repeat(1025);
        assert!(matches!(space.get("b", &long).await, Err(StoreError::TooLarge { .. })));
        assert!(matches!(space.get(&long, "k").await, Err(StoreError::TooLarge { .. })));
        assert!(matches!(space.set("b", "k", vec![0; (1 << 20) + 1], ENOUGH).await, Err(StoreError::TooLarge { .. })));
        assert_eq!(space.get("b", "").await, Err(StoreError::EmptyKey));
        let many = vec!["k".to_owned(); 1001];
        assert!(matches!(space.get_many("b", many).await, Err(StoreError::TooLarge { .. })));
        for key in ["0", "1", "2", "3", "4"] {
            space.set("b", key, vec![0; 1 << 20], ENOUGH).await.expect("room");
        }
        let five = ["0", "1", "2", "3", "4"].map(str::to_owned).to_vec();
        assert!(matches!(space.get_many("b", five).await, Err(StoreError::TooLarge { .. })));
    }
}
