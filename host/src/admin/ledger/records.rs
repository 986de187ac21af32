//! What is written of tenants, plugins and secrets. A field that is new has a default, so that an older store can be read.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::digest::Digest;
use crate::guest::v1::Grants;
use crate::plugin::{CanaryRules, Isolation, KEPT, Record, Swap};

/// A tenant that was made over the API.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::admin) struct TenantRecord {
    pub(in crate::admin) hosts: Vec<String>,
    /// Only those limits that are not the default.
    pub(in crate::admin) limits: Map<String, Value>,
    pub(in crate::admin) grants: Grants,
    pub(in crate::admin) config: BTreeMap<String, String>,
    pub(in crate::admin) created: Timestamp,
}

/// A plugin that was deployed over the API.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::admin) struct PluginRecord {
    pub(in crate::admin) route: Option<String>,
    pub(in crate::admin) swap: Option<Swap>,
    /// The first one serves, and the others are those that did, the latest first.
    pub(in crate::admin) versions: Vec<VersionRecord>,
    /// The one that is tried, or the last that was.
    pub(in crate::admin) canary: Option<CanaryRecord>,
}

/// A version of a plugin.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::admin) struct VersionRecord {
    pub(in crate::admin) digest: String,
    pub(in crate::admin) at: Timestamp,
    pub(in crate::admin) by: String,
    pub(in crate::admin) size: usize,
    pub(in crate::admin) language: Option<String>,
    pub(in crate::admin) note: Option<String>,
    /// What was said at the deploy, if anything was, in place of what its manifest says.
    pub(in crate::admin) isolation: Option<Isolation>,
}

/// A version that is tried, or was.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::admin) struct CanaryRecord {
    pub(in crate::admin) version: VersionRecord,
    pub(in crate::admin) previous: String,
    pub(in crate::admin) since: Timestamp,
    pub(in crate::admin) rules: CanaryRules,
    /// Why it was taken back, and how it had done.
    pub(in crate::admin) taken_back: Option<(String, Record)>,
}

/// Whether a record has come to name fewer components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Dropped {
    Nothing,
    Something,
}

impl From<Option<CanaryRecord>> for Dropped {
    fn from(canary: Option<CanaryRecord>) -> Self {
        if canary.is_some() { Self::Something } else { Self::Nothing }
    }
}

/// A secret of a tenant.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::admin) struct SecretRecord {
    pub(in crate::admin) value: String,
    pub(in crate::admin) changed: Timestamp,
    pub(in crate::admin) by: String,
}

/// Without the value: what is printed ends in logs.
impl fmt::Debug for SecretRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretRecord").field("changed", &self.changed).field("by", &self.by).finish_non_exhaustive()
    }
}

impl PluginRecord {
    /// The version serves from now on, and the one before it is the first of those that are kept. A canary ends.
    pub(in crate::admin) fn serve(&mut self, version: VersionRecord) -> Dropped {
        let is_full = self.versions.len() > KEPT;
        self.versions.retain(|other| other.digest != version.digest);
        self.versions.insert(0, version);
        self.versions.truncate(1 + KEPT);
        let canary = self.canary.take();
        if is_full { Dropped::Something } else { canary.into() }
    }

    /// The version that serves.
    pub(in crate::admin) fn serving(&self) -> Option<&VersionRecord> {
        self.versions.first()
    }

    /// The canary, if it was not taken back.
    pub(in crate::admin) fn running(&self) -> Option<&CanaryRecord> {
        self.canary.as_ref().filter(|canary| canary.taken_back.is_none())
    }

    /// The components that it needs.
    pub(in crate::admin) fn digests(&self) -> impl Iterator<Item = Digest> + '_ {
        let tried = self.running().map(|canary| &canary.version);
        self.versions.iter().chain(tried).filter_map(|version| version.digest.parse().ok())
    }
}
