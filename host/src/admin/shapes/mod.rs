//! What the admin API says and hears, as types: the schemas of `openapi.json`. The server makes them and the command line reads
//! them.
//!
//! Answers may have fields that this version does not know, since the host may be newer than who asks it; requests may not.

mod host;
mod live;
mod plugin;
mod tenant;
mod told;

use serde::{Deserialize, Serialize};

pub use host::{Host, HostState, Totals};
pub use live::{Channel, Close, Connection, ConnectionState, Held, Timer};
pub use plugin::{
    Canary, CanaryChange, CanaryState, Compiled, Deployment, Outcome, Plugin, Rollback, Version, VersionState,
};
pub use tenant::{Declared, Grants, Limit, NewTenant, Secret, Tenant, TenantChange, Unit, Usage};
pub use told::{AuditEntry, AuditOutcome, Level, LogLine, MadeToken, NewToken, Token};

/// Some of many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct List<T> {
    /// They.
    pub items: Vec<T>,
    /// What `after` is for the next page, of lists that come in pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Every answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What is wrong.
    pub error: Fault,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// For programs; in kebab-case.
    pub code: String,
    /// For people: lower case, names the value.
    pub message: String,
    /// What to do about it, where the host knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}
