//! `holdline.toml`: the settings of every room, and the plugins. It only puts together what the rooms define.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::engine::CachePlace;
use crate::plugin::Isolation;
use crate::{engine, hub, socket, telemetry};

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
    /// How long held connections may wait for their delivery when the host stops.
    #[serde(deserialize_with = "crate::duration::any")]
    pub drain: Duration,
    /// `[[plugin]]`: the plugins.
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
            drain: Duration::from_secs(10),
            plugins: Vec::new(),
        }
    }
}

/// One plugin and its place.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PluginEntry {
    /// A component, or the folder of a plugin, which is built first. Relative to the configuration file.
    pub source: PathBuf,
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
        for plugin in &mut config.plugins {
            plugin.source = folder.join(&plugin.source);
        }
        if let CachePlace::Folder(cache) = &mut config.engine.cache {
            *cache = folder.join(&*cache);
        }
        config.listen.static_folder = config.listen.static_folder.map(|it| folder.join(it));
        Ok(config)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|source| ConfigError::Invalid { path: path.to_owned(), source: Box::new(source) })
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
