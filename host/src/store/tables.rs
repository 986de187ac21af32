//! What is in the database: its tables, and what one transaction may do with them.

use redb::{ReadTransaction, ReadableTable, Table, TableDefinition, WriteTransaction};

use super::error::StoreError;

/// Tenant, bucket and key.
type Place = (&'static str, &'static str, &'static str);
/// The revision of a value, and the value.
type Value = (u64, &'static [u8]);

/// Values of tenants.
pub(super) const VALUES: TableDefinition<'_, Place, Value> = TableDefinition::new("values");
/// How many bytes each tenant keeps.
pub(super) const SIZES: TableDefinition<'_, &str, u64> = TableDefinition::new("sizes");
/// Records of the host: kind and key to JSON.
pub(super) const RECORDS: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("records");
/// The audit log: number to JSON.
pub(super) const AUDIT: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("audit");
/// Which entries of the audit log are whose: tenant and number.
pub(super) const AUDIT_OF: TableDefinition<'_, (&str, u64), ()> = TableDefinition::new("audit-of");
/// Counters of the store itself.
const COUNTERS: TableDefinition<'_, &str, u64> = TableDefinition::new("counters");
/// The counter of revisions: no two values ever have the same one, so that a value that was changed and changed back is seen.
const REVISION: &str = "revision";

/// The tables of a transaction that writes.
pub(super) struct Tables<'t> {
    pub(super) values: Table<'t, Place, Value>,
    pub(super) sizes: Table<'t, &'static str, u64>,
    pub(super) records: Table<'t, (&'static str, &'static str), &'static [u8]>,
    pub(super) audit: Table<'t, u64, &'static [u8]>,
    pub(super) audit_of: Table<'t, (&'static str, u64), ()>,
    counters: Table<'t, &'static str, u64>,
    revision: u64,
}

impl<'t> Tables<'t> {
    /// Makes those that are not there yet.
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        let counters = transaction.open_table(COUNTERS)?;
        let revision = counters.get(REVISION)?.map_or(0, |revision| revision.value());
        Ok(Self {
            values: transaction.open_table(VALUES)?,
            sizes: transaction.open_table(SIZES)?,
            records: transaction.open_table(RECORDS)?,
            audit: transaction.open_table(AUDIT)?,
            audit_of: transaction.open_table(AUDIT_OF)?,
            counters,
            revision,
        })
    }

    /// A revision that no value has had.
    pub(super) fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }

    /// Keeps the counters. To be called before the transaction is committed.
    pub(super) fn finish(mut self) -> Result<(), StoreError> {
        self.counters.insert(REVISION, self.revision)?;
        Ok(())
    }
}

/// A moment of the store, for reading.
pub(super) struct Reading(pub(super) ReadTransaction);

impl Reading {
    /// True if all tables are there.
    pub(super) fn is_complete(&self) -> bool {
        // It is the one that is not in every store that has any.
        self.0.open_table(AUDIT_OF).is_ok()
    }

    pub(super) fn values(&self) -> Result<impl ReadableTable<Place, Value>, StoreError> {
        Ok(self.0.open_table(VALUES)?)
    }

    pub(super) fn sizes(&self) -> Result<impl ReadableTable<&'static str, u64>, StoreError> {
        Ok(self.0.open_table(SIZES)?)
    }

    pub(super) fn records(
        &self,
    ) -> Result<impl ReadableTable<(&'static str, &'static str), &'static [u8]>, StoreError> {
        Ok(self.0.open_table(RECORDS)?)
    }

    pub(super) fn audit(&self) -> Result<impl ReadableTable<u64, &'static [u8]>, StoreError> {
        Ok(self.0.open_table(AUDIT)?)
    }

    pub(super) fn audit_of(&self) -> Result<impl ReadableTable<(&'static str, u64), ()>, StoreError> {
        Ok(self.0.open_table(AUDIT_OF)?)
    }
}
