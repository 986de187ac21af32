//! `holdline.toml`: the settings of every room, and the plugins. It only puts together what the rooms define.

mod quotable;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use quotable::Shown;

use crate::engine::CachePlace;
use crate::guest::v1::{Grants, Secret};
use crate::plugin::Isolation;
use crate::store::StorePlace;
use crate::tenant::{Limit, TenantName};
use crate::{admin, engine, hub, outgoing, socket, store, telemetry, tenant};

/// The file that `holdline serve` reads when none is named.
pub const CONFIG_FILE: &str = "holdline.toml";

/// All settings of a host.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// `[log]`: what is logged and how.
    pub log: telemetry::Settings,
    /// `[listen]`: where the host listens and how it treats clients.
    pub listen: socket::Settings,
    /// `[engine]`: what all guests together may use.
    pub engine: engine::Settings,
    /// `[hub]`: limits of connections, retentions and channels.
    pub hub: hub::Settings,
    /// `[store]`: where what outlives a restart is kept.
    pub store: store::Settings,
    /// `[admin]`: where the host is operated.
    pub admin: admin::Settings,
    /// `[grants]`: what plugins may import.
    pub grants: Grants,
    /// `[outgoing]`: their requests to the outside.
    pub outgoing: outgoing::Settings,
    /// `[config]`: values for plugins.
    pub config: BTreeMap<String, String>,
    /// `[secrets]`: values for the plugins that they are granted to.
    pub secrets: BTreeMap<String, Secret>,
    /// How long held connections may wait for their delivery when the host stops.
    #[serde(deserialize_with = "crate::duration::any")]
    pub drain: Duration,
    /// `[limits]`: what the plugins of the host itself may use. Without it only the host's own bounds hold for them.
    pub limits: Option<tenant::Limits>,
    /// `[[tenant]]`: others, and their plugins.
    #[serde(rename = "tenant")]
    pub tenants: Vec<TenantEntry>,
    /// A folder whose components are plugins of the host itself, too.
    pub folder: Option<PathBuf>,
    /// `[[plugin]]`: the plugins of the host itself.
    #[serde(rename = "plugin")]
    pub plugins: Vec<PluginEntry>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            log: telemetry::Settings::default(),
            listen: socket::Settings::default(),
            engine: engine::Settings::default(),
            hub: hub::Settings::default(),
            store: store::Settings::default(),
            admin: admin::Settings::default(),
            grants: Grants::default(),
            outgoing: outgoing::Settings::default(),
            config: BTreeMap::new(),
            secrets: BTreeMap::new(),
            drain: Duration::from_secs(10),
            limits: None,
            tenants: Vec::new(),
            folder: None,
            plugins: Vec::new(),
        }
    }
}

/// One tenant: nothing of it is visible to another.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TenantEntry {
    /// Its name.
    pub name: TenantName,
    /// The host names that lead to its plugins and to no others; without any, all that are nobody's.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// What it may use.
    #[serde(default)]
    pub limits: tenant::Limits,
    /// What its plugins may import.
    #[serde(default)]
    pub grants: Grants,
    /// Values for its plugins.
    #[serde(default)]
    pub config: BTreeMap<String, String>,
    /// Values for those of its plugins that they are granted to.
    #[serde(default)]
    pub secrets: BTreeMap<String, Secret>,
    /// A folder whose components are plugins of its, too. Relative to the configuration file.
    pub folder: Option<PathBuf>,
    /// Its plugins.
    #[serde(default, rename = "plugin")]
    pub plugins: Vec<PluginEntry>,
}

/// One plugin and its place.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PluginEntry {
    /// A component, or the folder of a plugin, which is built first. Relative to the configuration file.
    pub source: PathBuf,
    /// Overrides what its manifest says.
    pub name: Option<String>,
    /// The path that leads to it; none if it handles no connections.
    pub route: Option<String>,
    /// Overrides what its manifest says.
    pub isolation: Option<Isolation>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{path} cannot be read", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The same, in a line that may have a secret in it: neither that line nor what is found there is shown.
    #[error("{path}: {line} is wrong, and is not shown because there may be a secret in it; a secret is a text, as in key = \"text\"", path = path.display())]
    Secret {
        /// Which.
        path: PathBuf,
        /// The line, or that some line is meant.
        line: String,
    },
    /// It has an unknown key or a bad value.
    #[error("{path}: {source}", path = path.display())]
    Invalid {
        /// Which.
        path: PathBuf,
        /// What and in which line.
        source: Box<toml::de::Error>,
    },
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// Names the file, and the key and the line if it is one of them that is wrong.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let mut config = Self::parse(&text, path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let of_tenants = config.tenants.iter_mut().flat_map(|tenant| &mut tenant.plugins);
        for plugin in config.plugins.iter_mut().chain(of_tenants) {
            plugin.source = folder.join(&plugin.source);
        }
        for path in
            config.folder.iter_mut().chain(config.tenants.iter_mut().filter_map(|tenant| tenant.folder.as_mut()))
        {
            *path = folder.join(&*path);
        }
        if let CachePlace::Folder(cache) = &mut config.engine.cache {
            *cache = folder.join(&*cache);
        }
        if let StorePlace::Folder(store) = &mut config.store.folder {
            *store = folder.join(&*store);
        }
        config.outgoing.roots = config.outgoing.roots.map(|it| folder.join(it));
        config.listen.static_folder = config.listen.static_folder.map(|it| folder.join(it));
        Ok(config)
    }

    /// Tells in the log if the tenants together may have more than the host has, with the sums: it is allowed, because not all use all
    /// that they may.
    pub fn warn_of_overcommitment(&self) {
        let instances = usize::try_from(self.engine.instances).unwrap_or(usize::MAX);
        let memory = usize::try_from(self.engine.memory.as_u64()).unwrap_or(usize::MAX);
        for (limit, bound, most) in [
            (Limit::Connections, "listen.connections", self.listen.connections),
            (Limit::HeldConnections, "hub.held-connections", self.hub.held_connections),
            (Limit::Timers, "hub.timers", self.hub.timers),
            (Limit::Instances, "engine.instances", instances),
            (Limit::Memory, "engine.instances x engine.memory", instances.saturating_mul(memory)),
        ] {
            let limits = self.tenants.iter().map(|tenant| &tenant.limits).chain(&self.limits);
            let sum = limits.fold(0_usize, |sum, it| sum.saturating_add(it.most(limit)));
            if sum > most {
                let limit = limit.name();
                tracing::warn!(
                    limit,
                    sum,
                    bound,
                    most,
                    "the limits of all tenants together are more than the host has"
                );
            }
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|source| {
            let path = path.to_owned();
            let line = match quotable::shown(text, &source) {
                Shown::Yes => return ConfigError::Invalid { path, source: Box::new(source) },
                Shown::No(line) => line.map_or_else(|| "a line".to_owned(), |line| format!("line {line}")),
            };
            ConfigError::Secret { path, line }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::parse(text, Path::new("holdline.toml")).expect_err("a bad configuration").to_string()
    }

    #[test]
    fn an_unknown_key_names_file_line_and_key() {
        let text = error("drain = \"5s\"\n[listen]\nadress = \"127.0.0.1:1\"\n");
        assert!(text.starts_with("holdline.toml") && text.contains("line 3") && text.contains("adress"), "{text}");
    }

    #[test]
    fn a_bad_value_names_its_line() {
        for bad in [
            "drain = \"soon\"",
            "[hub]\nmessage-size = \"many\"",
            "[listen]\naddress = \"here\"",
            "[engine]\ncache = 5",
        ] {
            let text = error(bad);
            assert!(text.contains("line"), "{text}");
        }
    }

    #[test]
    fn an_empty_configuration_is_the_defaults() {
        let config = Config::parse("", Path::new("holdline.toml")).expect("the defaults");
        assert_eq!(config.drain, Duration::from_secs(10));
        assert!(config.plugins.is_empty());
    }
}
