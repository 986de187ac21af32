//! The audit log, the log, tokens.

use std::collections::BTreeMap;

use clap::ValueEnum;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::token::{Role, TokenId};

/// Something that was done, or was tried. Entries are never changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AuditEntry {
    /// Grows by one from entry to entry of the host.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// The name of the token, or `host`, `configuration`, `folder`.
    pub who: String,
    /// What.
    pub what: String,
    /// Whose matter; null is the host's.
    pub tenant: Option<String>,
    /// The plugin, connection, secret, timer or token.
    pub subject: Option<String>,
    /// What else there is to say, such as digests; texts and numbers only. Never a secret's value.
    pub details: BTreeMap<String, Value>,
    /// What came of it.
    pub outcome: AuditOutcome,
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// How bad it is.
    pub level: Level,
    /// Which plugin said it or is meant.
    pub plugin: Option<String>,
    /// The digest of its version; null if the line is about none.
    pub version: Option<String>,
    /// The text.
    pub message: String,
}

/// A token, without what makes it one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Token {
    /// What it is called by; the token begins with it.
    pub id: TokenId,
    /// Who has it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Its scope; null is the whole host.
    pub tenant: Option<String>,
    /// When.
    pub created: Timestamp,
    /// When it ends to be good; null is never.
    pub expires: Option<Timestamp>,
    /// When, to the minute; null is never.
    pub last_used: Option<Timestamp>,
}

/// A token to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NewToken {
    /// Who will have it; 1 to 63 characters.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Its scope; null or nothing is the whole host. With a token of a tenant, that one is meant in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// When it ends to be good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// A new token. This answer is the only one that ever has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MadeToken {
    /// What it is called by; the token begins with it.
    pub id: TokenId,
    /// Who has it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Its scope; null is the whole host.
    pub tenant: Option<String>,
    /// When.
    pub created: Timestamp,
    /// When it ends to be good; null is never.
    pub expires: Option<Timestamp>,
    /// When, to the minute; null is never.
    pub last_used: Option<Timestamp>,
    /// To be sent as `Authorization: Bearer …`.
    pub token: String,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditOutcome {
    /// It was done.
    Ok,
    /// It was not allowed, or not right.
    Refused,
    /// The host could not.
    Failed,
}

/// How bad a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Something went wrong.
    Error,
    /// Something may go wrong.
    Warn,
    /// Something that is good to know.
    Info,
    /// For those who look for a fault.
    Debug,
    /// Everything.
    Trace,
}
