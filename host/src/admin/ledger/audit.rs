//! The audit log: who did what, when, and what came of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Ledger;
use crate::admin::shapes::{AuditEntry, AuditOutcome};
use crate::store::{Batch, StoreError};

/// Who makes the entries of what nobody asked for.
const HOST: &str = "host";

/// Who makes the entries of what a folder has changed.
const FOLDER: &str = "folder";

/// An entry before it has its number.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::admin) struct Entry {
    at: Timestamp,
    who: String,
    what: String,
    tenant: Option<String>,
    subject: Option<String>,
    details: BTreeMap<String, Value>,
    outcome: AuditOutcome,
}

impl Entry {
    /// Something that this one has done.
    pub(in crate::admin) fn new(who: &str, what: &str) -> Self {
        Self {
            at: Timestamp::now(),
            who: who.to_owned(),
            what: what.to_owned(),
            tenant: None,
            subject: None,
            details: BTreeMap::new(),
            outcome: AuditOutcome::Ok,
        }
    }

    /// Something that the host has done by itself.
    pub(in crate::admin) fn of_the_host(what: &str) -> Self {
        Self::new(HOST, what)
    }

    /// Something that a change of a folder that is watched has done.
    pub(in crate::admin) fn of_a_folder(what: &str) -> Self {
        Self::new(FOLDER, what)
    }

    /// When it was done.
    pub(in crate::admin) fn at(&self) -> Timestamp {
        self.at
    }

    pub(in crate::admin) fn tenant(mut self, tenant: &str) -> Self {
        self.tenant = Some(tenant.to_owned());
        self
    }

    pub(in crate::admin) fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    pub(in crate::admin) fn detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    pub(in crate::admin) fn outcome(mut self, outcome: AuditOutcome) -> Self {
        self.outcome = outcome;
        self
    }

    fn numbered(self, sequence: u64) -> AuditEntry {
        let Self { at, who, what, tenant, subject, details, outcome } = self;
        AuditEntry { sequence, at, who, what, tenant, subject, details, outcome }
    }
}

/// Which entries somebody may see.
#[derive(Clone, Debug)]
pub(in crate::admin) enum Seen {
    /// All.
    Host,
    /// Those of a tenant since it is there: an earlier one of its name was somebody else.
    Tenant(String, Option<Timestamp>),
}

impl Seen {
    fn tenant(&self) -> Option<&str> {
        match self {
            Self::Host => None,
            Self::Tenant(name, _) => Some(name),
        }
    }

    fn has(&self, entry: &Entry) -> bool {
        match self {
            Self::Host | Self::Tenant(_, None) => true,
            Self::Tenant(_, Some(since)) => entry.at >= *since,
        }
    }
}

impl Ledger {
    /// Makes an entry that no change of a record goes with.
    pub(in crate::admin) async fn note(&self, entry: &Entry) -> Result<(), StoreError> {
        self.commit(Batch::new(), entry).await
    }

    /// At most so many entries after this number, and whether there are more.
    pub(in crate::admin) async fn entries(
        &self,
        seen: &Seen,
        mut after: u64,
        most: usize,
    ) -> Result<(Vec<AuditEntry>, bool), StoreError> {
        let mut found = Vec::new();
        loop {
            // One more than is wanted tells whether there are more.
            let wanted = (most + 1).saturating_sub(found.len());
            let page: Vec<(u64, Entry)> = self.store.audit(seen.tenant(), after, wanted).await?;
            let is_last = page.len() < wanted;
            for (sequence, entry) in page {
                after = sequence;
                if seen.has(&entry) {
                    found.push(entry.numbered(sequence));
                }
            }
            let is_more = found.len() > most;
            if is_last || is_more {
                found.truncate(most);
                return Ok((found, is_more));
            }
        }
    }

    /// The newest entries.
    pub(in crate::admin) async fn last_entries(&self, seen: &Seen, most: usize) -> Result<Vec<AuditEntry>, StoreError> {
        let page: Vec<(u64, Entry)> = self.store.audit_end(seen.tenant(), most).await?;
        let own = page.into_iter().filter(|(_, entry)| seen.has(entry));
        Ok(own.map(|(sequence, entry)| entry.numbered(sequence)).collect())
    }
}
