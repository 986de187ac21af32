//! What a tenant lets its plugins import beside the interfaces of the contract, and which import needs which grant.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};

use crate::outgoing::{Allowlist, Client, HostPattern, Trust};
use crate::store::Space;

/// `[grants]`: what the plugins of a tenant may import. Nothing unless it is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Grants {
    /// The hosts that they may send HTTP requests to.
    pub http: Vec<HostPattern>,
    /// Whether they may keep keys and values.
    pub keyvalue: bool,
    /// Whether they may read the tenant's configuration.
    pub config: bool,
    /// The names of the secrets that they may read.
    pub secrets: Vec<String>,
}

/// One thing that can be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// `http`.
    Http,
    /// `keyvalue`.
    Keyvalue,
    /// `config`, or `secrets`.
    Config,
}

impl Grant {
    /// The grant that an import needs, if it needs one.
    #[must_use]
    pub fn of_import(import: &str) -> Option<Self> {
        match import.split_once('/')?.0 {
            "wasi:http" => Some(Self::Http),
            "wasi:keyvalue" => Some(Self::Keyvalue),
            "wasi:config" => Some(Self::Config),
            _ => None,
        }
    }

    /// The line of the configuration that gives it.
    #[must_use]
    pub fn line(self) -> &'static str {
        match self {
            Self::Http => "http = [\"api.example\"]",
            Self::Keyvalue => "keyvalue = true",
            Self::Config => "config = true",
        }
    }

    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Http => {
                "if it may, name the hosts that it needs: `http = [\"api.example\"]` under [grants] in holdline.toml; \
                 `holdline run` and `dev` have --http for it"
            }
            Self::Keyvalue => {
                "if it may, say `keyvalue = true` under [grants] in holdline.toml; `holdline run` and `dev` have --keyvalue for it"
            }
            Self::Config => {
                "if it may, say `config = true` under [grants] in holdline.toml, or `secrets = [\"name\"]` for secrets alone; \
                 `holdline run` and `dev` have --set for it"
            }
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Keyvalue => "keyvalue",
            Self::Config => "config",
        })
    }
}

impl Grants {
    /// All that can be granted. For looking at a component, and not for running it.
    #[must_use]
    pub fn all() -> Self {
        let http = "*:*".parse().into_iter().collect();
        Self { http, keyvalue: true, config: true, secrets: Vec::new() }
    }

    /// True if this is granted.
    #[must_use]
    pub fn has(&self, grant: Grant) -> bool {
        match grant {
            Grant::Http => !self.http.is_empty(),
            Grant::Keyvalue => self.keyvalue,
            Grant::Config => self.config || !self.secrets.is_empty(),
        }
    }
}

/// A value that nobody but the plugins it is for is shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }
}

/// Without the value: what is printed ends in logs.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What a tenant has for its plugins. What is not granted is not in here.
pub struct Capabilities {
    grants: Grants,
    client: Client,
    space: Option<Space>,
    config: BTreeMap<String, String>,
    secrets: BTreeMap<String, Secret>,
    // Granted or not: the host checks tokens with them.
    keys: BTreeMap<String, Secret>,
    trust: Trust,
}

impl Capabilities {
    /// What these grants give of what the tenant has. Its requests go to those who are trusted.
    #[must_use]
    pub fn new(
        grants: Grants,
        space: Space,
        mut config: BTreeMap<String, String>,
        mut secrets: BTreeMap<String, Secret>,
        trust: Trust,
    ) -> Self {
        if !grants.config {
            config.clear();
        }
        let keys = secrets.clone();
        secrets.retain(|name, _| grants.secrets.contains(name));
        let client = Client::new(Allowlist::new(grants.http.clone()), trust.clone());
        let space = grants.keyvalue.then_some(space);
        Self { grants, client, space, config, secrets, keys, trust }
    }

    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        let (grants, client) = (Grants::default(), Client::new(Allowlist::default(), Trust::nobody()));
        Self {
            grants,
            client,
            space: None,
            config: BTreeMap::new(),
            secrets: BTreeMap::new(),
            keys: BTreeMap::new(),
            trust: Trust::nobody(),
        }
    }

    /// What may be imported.
    #[must_use]
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// A secret of the tenant for the host itself, which need not be granted to its plugins.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<String> {
        self.keys.get(name).map(|secret| secret.0.clone())
    }

    /// Whom the host believes when it asks others for its tenant.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn space(&self) -> Option<&Space> {
        self.space.as_ref()
    }

    pub(super) fn config(&self) -> &BTreeMap<String, String> {
        &self.config
    }

    pub(super) fn secret(&self, name: &str) -> Option<String> {
        self.secrets.get(name).map(|secret| secret.0.clone())
    }
}

/// The capabilities of a tenant, which can change while its plugins run.
pub struct Granted(ArcSwap<Capabilities>);

impl Granted {
    /// These, until they change.
    #[must_use]
    pub fn new(capabilities: Capabilities) -> Self {
        Self(ArcSwap::from_pointee(capabilities))
    }

    /// Those of now.
    #[must_use]
    pub fn now(&self) -> Arc<Capabilities> {
        self.0.load_full()
    }

    /// Others, from now on.
    pub fn set(&self, capabilities: Capabilities) {
        self.0.store(Arc::new(capabilities));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_granted_unless_it_is_said() {
        let grants: Grants = toml::from_str("").expect("grants");
        for grant in [Grant::Http, Grant::Keyvalue, Grant::Config] {
            assert!(!grants.has(grant), "{grant}");
            assert!(Grants::all().has(grant), "{grant}");
            let grants: Grants = toml::from_str(grant.line()).expect("the line that gives it");
            assert!(grants.has(grant), "{grant}");
        }
        let text = "http = [\"api.example\", \"[::1]:80\"]\nkeyvalue = true\nsecrets = [\"token\"]";
        let grants: Grants = toml::from_str(text).expect("grants");
        let json = serde_json::to_string(&grants).expect("JSON");
        assert_eq!(serde_json::from_str::<Grants>(&json).expect("the same"), grants);
        assert!(toml::from_str::<Grants>("files = true").is_err());
        assert!(toml::from_str::<Grants>("http = [\"https://api.example\"]").is_err());
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret: Secret = toml::Value::from("hunter2").try_into().expect("a secret");
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
