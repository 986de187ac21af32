//! The audit log: who did what, when, and what came of it.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Ledger;
use crate::admin::shapes::{AuditEntry, AuditOutcome};
use crate::store::{Batch, StoreError};

/// So many entries are read at once.
const PAGE: usize = 1_000;

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
    fn has(&self, entry: &Entry) -> bool {
        match self {
            Self::Host => true,
            Self::Tenant(name, since) => {
                entry.tenant.as_ref() == Some(name) && since.is_none_or(|since| entry.at >= since)
            }
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
            let page: Vec<(u64, Entry)> = self.store.audit(after, PAGE).await?;
            let is_last = page.len() < PAGE;
            for (sequence, entry) in page {
                after = sequence;
                if seen.has(&entry) {
                    if found.len() == most {
                        return Ok((found, true));
                    }
                    found.push(entry.numbered(sequence));
                }
            }
            if is_last {
                return Ok((found, false));
            }
        }
    }

    /// The newest entries.
    pub(in crate::admin) async fn last_entries(&self, seen: &Seen, most: usize) -> Result<Vec<AuditEntry>, StoreError> {
        let mut found = VecDeque::new();
        let mut after = 0;
        loop {
            let page: Vec<(u64, Entry)> = self.store.audit(after, PAGE).await?;
            let is_last = page.len() < PAGE;
            for (sequence, entry) in page {
                after = sequence;
                if seen.has(&entry) {
                    found.push_back(entry.numbered(sequence));
                    if found.len() > most {
                        found.pop_front();
                    }
                }
            }
            if is_last {
                return Ok(found.into());
            }
        }
    }
}
