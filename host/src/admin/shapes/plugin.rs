//! Plugins, their versions and canaries.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Declared, Totals};
use crate::plugin::{Isolation, Swap};

/// A plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plugin {
    /// Its name, unique in its tenant.
    pub name: String,
    /// Whose it is.
    pub tenant: String,
    /// The path that leads to it, with all below it.
    pub route: Option<String>,
    /// How long its instances live.
    pub isolation: Isolation,
    /// When open connections get a new version.
    pub swap: Swap,
    /// Where it is declared.
    pub declared_in: Declared,
    /// The contract's exports that it has.
    pub exports: Vec<String>,
    /// The digest of the version that serves.
    pub serving: String,
    /// The digest of the version that is tried.
    pub canary: Option<String>,
    /// How many versions are kept, the serving one included.
    pub versions: u64,
    /// When the serving version was deployed.
    pub deployed_at: Timestamp,
    /// What it does and has.
    pub totals: Totals,
}

/// One version of a plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Version {
    /// SHA-256 of the component.
    pub digest: String,
    /// When it came.
    pub deployed_at: Timestamp,
    /// The name of the token, or `configuration` or `folder`.
    pub by: String,
    /// Bytes of the component.
    pub size: u64,
    /// `kept` can be rolled back to; `retired` still has connections and takes no new ones.
    pub state: VersionState,
    /// What it was written in.
    pub language: Option<String>,
    /// What was said at the deploy.
    pub note: Option<String>,
    /// Connections whose next event goes to it.
    pub connections: u64,
}

/// What serves now, and what changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Deployment {
    /// What came of it.
    pub outcome: Outcome,
    /// The plugin as it is now.
    pub plugin: Plugin,
    /// The version that serves.
    pub version: Version,
    /// The digest of what served before.
    pub previous: Option<String>,
    /// Whether it was compiled now, or the compiled form was kept from before.
    pub compiled: Compiled,
    /// From the whole upload to the first event that the version may get.
    pub ms: u64,
}

/// To which version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rollback {
    /// A digest, or the beginning of one with 8 digits at least; without it, the version that served before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// A version that is tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Canary {
    /// Whose it is.
    pub plugin: String,
    /// The version.
    pub digest: String,
    /// The version that serves the rest.
    pub previous: String,
    /// When it began.
    pub since: Timestamp,
    /// How it is.
    pub state: CanaryState,
    /// Why it was taken back.
    pub reason: Option<String>,
    /// Percent of new connections that get it.
    pub share: f64,
    /// Requests with this header get it, too: `name: value`.
    pub header: Option<String>,
    /// Percent of its events that may fail.
    pub max_failures: f64,
    /// Events slower than this are slow; more than one in a hundred takes it back.
    pub p99_ms: Option<u64>,
    /// Connections that have it.
    pub connections: u64,
    /// Its events.
    pub events: u64,
    /// Those that failed.
    pub failures: u64,
    /// Those that were slow.
    pub slow: u64,
}

/// What is left out stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CanaryChange {
    /// Percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// `name: value`; empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<f64>,
    /// 0 for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<u64>,
}

/// What becomes of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VersionState {
    /// It serves.
    Serving,
    /// It is tried.
    Canary,
    /// It can be rolled back to.
    Kept,
    /// It still has connections and takes no new ones.
    Retired,
}

/// What a deploy or a rollback came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The plugin is new.
    Created,
    /// Another version serves.
    Swapped,
    /// The same version serves as before.
    Unchanged,
}

/// Where the machine code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compiled {
    /// It was compiled now.
    Fresh,
    /// It was kept from before.
    Cache,
}

/// How a canary is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CanaryState {
    /// It is tried.
    Running,
    /// It was taken back; what served before serves all.
    TakenBack,
}
