//! `holdline.toml`: the settings of every room, and the plugins. It only puts together what the rooms define.

mod quotable;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use quotable::Shown;

use crate::engine::CachePlace;
use crate::gate::OriginPattern;
use crate::gate::jwt::Jwt;
use crate::guest::v1::{Grants, Secret};
use crate::plugin::Isolation;
use crate::store::StorePlace;
use crate::tenant::{Limit, TenantName};
use crate::{admin, engine, hub, outgoing, socket, store, telemetry, tenant};

/// The file that `holdline serve` reads when none is named.
pub const CONFIG_FILE: &str = "holdline.toml";

/// All settings of a host.
#[derive(Clone, Debug, Default, Deserialize)]
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
    /// `[drain]`: how the host parts from its connections when it stops.
    pub drain: hub::Drain,
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
    /// Overrides what its manifest says.
    pub origins: Option<Vec<OriginPattern>>,
    /// Overrides what its manifest says, as a whole. Paths are relative to the configuration file.
    pub jwt: Option<Jwt>,
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
            plugin.jwt = plugin.jwt.take().map(|jwt| jwt.of_operator(folder));
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
        for path in config.listen.tls.iter_mut().flat_map(socket::TlsSettings::files_mut) {
            *path = folder.join(&*path);
        }
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

    /// Reads the text of a file, whose path is only named: relative paths stay as they are.
    ///
    /// # Errors
    /// Those of [`Config::read`], but that the file is there.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
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
        let text = error("[drain]\n[listen]\nadress = \"127.0.0.1:1\"\n");
        assert!(text.starts_with("holdline.toml") && text.contains("line 3") && text.contains("adress"), "{text}");
    }

    #[test]
    fn a_bad_value_names_its_line() {
        for bad in [
            "[drain]\ntimeout = \"soon\"",
            "[drain]\nrate = 0",
            "[drain]\ncode = 1000",
            "[hub]\nmessage-size = \"many\"",
            "[listen]\naddress = \"here\"",
            "[engine]\ncache = 5",
        ] {
            let text = error(bad);
            assert!(text.contains("line"), "{text}");
        }
    }

    #[test]
    fn who_may_connect_is_said_for_each_plugin() {
        let text = "[listen.proxies]\ntrust = [\"10.0.0.0/8\"]\nprotocol = \"required\"\n[[plugin]]\nsource = \"a\"\n\
                    origins = [\"https://app.example\"]\n[plugin.jwt]\njwks = \"keys.json\"\nfrom = [\"cookie:id\"]\n";
        let config = Config::parse(text, Path::new("holdline.toml")).expect("a configuration");
        let plugin = config.plugins.first().expect("a plugin");
        assert_eq!(plugin.origins.as_ref().map(Vec::len), Some(1));
        assert!(plugin.jwt.as_ref().is_some_and(|jwt| jwt.jwks.as_deref() == Some("keys.json")));
        for bad in [
            "[listen.proxies]\ntrust = [\"0.0.0.0/0\"]",
            "[listen]\nconnections-per-address = 0",
            "[listen]\nidle-timeout = \"0s\"",
            "[[plugin]]\nsource = \"a\"\norigins = [\"app.example\"]",
            "[[plugin]]\nsource = \"a\"\njwt = { from = [\"header\"] }",
        ] {
            let text = error(bad);
            assert!(text.contains("line"), "{text}");
        }
    }

    #[test]
    fn an_empty_configuration_is_the_defaults() {
        let config = Config::parse("", Path::new("holdline.toml")).expect("the defaults");
        assert_eq!(config.drain.timeout, std::time::Duration::from_secs(10));
        assert!(config.plugins.is_empty());
    }
}
