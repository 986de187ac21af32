//! `[jwt]` of `plugin.toml`, and `[plugin.jwt]`: which tokens let a client connect.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::carrier::Carrier;

/// Which tokens let a client connect.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Jwt {
    /// The name of the tenant's secret with which tokens are signed by HS256.
    pub secret: Option<String>,
    /// The public keys in PEM, or the path of a file of them.
    pub public_keys: Option<String>,
    /// The URL or the path of a set of public keys (RFC 7517).
    pub jwks: Option<String>,
    /// Where the token is looked for.
    #[serde(default = "from_authorization")]
    pub from: Vec<Carrier>,
    /// Who has to have issued it.
    pub issuer: Option<String>,
    /// Whom it has to be for: one of these.
    #[serde(default)]
    pub audience: Vec<String>,
    /// By how much the clocks of the issuer and of the host may differ.
    #[serde(default = "half_a_minute", deserialize_with = "crate::duration::any")]
    pub leeway: Duration,
    /// The claims that it has to have.
    #[serde(default = "expiry")]
    pub required: Vec<String>,
    /// What becomes of a connection whose token expires.
    #[serde(default)]
    pub at_expiry: AtExpiry,
    #[serde(skip)]
    author: Author,
}

/// What becomes of a connection whose token expires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AtExpiry {
    /// It goes on: the token was good when it came.
    #[default]
    Stay,
    /// It is closed with 1008.
    Close,
}

/// Who has written the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Author {
    /// Whoever has deployed the plugin: the host's files and its own network are none of its business.
    #[default]
    Plugin,
    /// Whoever operates the host. Paths are relative to this folder.
    Operator(PathBuf),
}

impl Jwt {
    /// The same, written by whoever operates the host. Paths are relative to this folder.
    #[must_use]
    pub fn of_operator(mut self, folder: &Path) -> Self {
        self.author = Author::Operator(folder.to_owned());
        self
    }

    pub(super) fn author(&self) -> &Author {
        &self.author
    }
}

fn from_authorization() -> Vec<Carrier> {
    vec![Carrier::Authorization]
}

fn half_a_minute() -> Duration {
    Duration::from_secs(30)
}

fn expiry() -> Vec<String> {
    vec!["exp".to_owned()]
}
