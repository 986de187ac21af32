//! Tenants, their limits, what they use, their secrets.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Totals;

pub use crate::guest::v1::Grants;

/// A tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tenant {
    /// Its name.
    pub name: String,
    /// Host names whose requests are its own; none: requests to any name that no tenant has, if it is `default`.
    pub hosts: Vec<String>,
    /// What the configuration declares only the configuration changes.
    pub declared_in: Declared,
    /// What its plugins may import.
    pub grants: Grants,
    /// What wasi:config gives its plugins.
    pub config: BTreeMap<String, String>,
    /// How many it has.
    pub plugins: u64,
    /// What it does and has.
    pub totals: Totals,
}

/// A tenant to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NewTenant {
    /// Its name.
    pub name: String,
    /// Host names whose requests are its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
    /// What its plugins may import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Grants>,
    /// What wasi:config gives its plugins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<BTreeMap<String, String>>,
}

/// What is left out stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TenantChange {
    /// Host names whose requests are its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
    /// What its plugins may import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Grants>,
    /// What wasi:config gives its plugins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<BTreeMap<String, String>>,
}

/// One limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Limit {
    /// As under `[tenant.limits]` in the configuration.
    pub key: String,
    /// As in the configuration: a number, a size such as 64MiB, a duration such as 1s; null is no limit.
    pub value: Value,
    /// As in the configuration: a number, a size such as 64MiB, a duration such as 1s; null is no limit.
    pub default: Value,
    /// Whether the tenant has its own, or the default holds.
    pub is_set: bool,
}

/// One limited thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Usage {
    /// The key of its limit.
    pub key: String,
    /// How much is used now; of rates, in the last second.
    pub used: u64,
    /// The limit in the same unit; null is none.
    pub limit: Option<u64>,
    /// In what it is counted.
    pub unit: Unit,
    /// How often the limit was met since the host began.
    pub refused: u64,
}

/// A secret. Its value is never told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// When it was put.
    pub changed: Timestamp,
    /// The name of the token.
    pub by: String,
}

/// Where something is declared, which is where it is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Declared {
    /// In the configuration.
    Configuration,
    /// By a file in the folder that is watched.
    Folder,
    /// Over the admin API.
    Store,
}

/// In what a limited thing is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Pieces.
    Count,
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Ms,
    /// Pieces a second.
    PerSecond,
    /// Bytes a second.
    BytesPerSecond,
    /// Percent.
    Percent,
}
