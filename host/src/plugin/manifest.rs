//! `plugin.toml`: what a plugin says of itself. `holdline build` puts it into the component, in a custom section, so that one
//! file is the whole plugin.

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::gate::OriginPattern;
use crate::gate::jwt::Jwt;
use crate::toolchain::Language;

/// The file's name in a plugin's folder.
pub const MANIFEST_FILE: &str = "plugin.toml";

/// The custom section of a component that has the text of the manifest.
const SECTION: &str = "holdline:plugin";

/// How long instances live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// A fresh one for every event.
    #[default]
    Event,
    /// One is used for many events, of any connections.
    Pooled,
    /// One for the life of a connection.
    Connection,
}

/// What becomes of open connections when a version takes the place of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Swap {
    /// Each gets it from its next event on.
    #[default]
    NextEvent,
    /// They stay with the one before until they end or the drain time is over.
    NewConnections,
}

/// A plugin's own settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Its name, in logs and messages.
    pub name: String,
    /// The language that it is built from.
    pub language: Option<Language>,
    /// How long its instances live.
    #[serde(default)]
    pub isolation: Isolation,
    /// What becomes of open connections when this version takes the place of another.
    #[serde(default)]
    pub swap: Swap,
    /// With `new-connections`: how long connections may stay with the version before.
    #[serde(default = "swap_drain", deserialize_with = "crate::duration::any")]
    pub swap_drain: Duration,
    /// The pages that may connect.
    pub origins: Option<Vec<OriginPattern>>,
    /// The tokens that let a client connect.
    pub jwt: Option<Jwt>,
    /// What its instances may use.
    #[serde(default)]
    pub limits: Limits,
    /// How it retains.
    #[serde(default)]
    pub retain: Retain,
    /// The workers that run as long as the host does.
    #[serde(default, rename = "worker")]
    pub workers: Vec<Worker>,
    /// The channels that are open from the start, and whose items its channel handler gets.
    #[serde(default, rename = "channel")]
    pub channels: Vec<Channel>,
}

/// What an instance may use.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Linear memory.
    pub memory: ByteSize,
    /// Computing time of an event; waiting does not count. Workers have none.
    #[serde(deserialize_with = "crate::duration::positive")]
    pub cpu: Duration,
    /// Time of an event from its call to its return, waiting included. Workers have none.
    #[serde(deserialize_with = "crate::duration::positive")]
    pub timeout: Duration,
    /// How many idle instances are kept when the isolation is `pooled`.
    pub warm: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: ByteSize::mib(64), cpu: Duration::from_secs(1), timeout: Duration::from_secs(60), warm: 64 }
    }
}

/// How it retains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Retain {
    /// How long a retention lasts when the handler does not say; without it the host's default.
    #[serde(deserialize_with = "crate::duration::optional")]
    pub deadline: Option<Duration>,
}

/// A resident worker.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Worker {
    /// What its `run` is given.
    pub name: String,
    /// In how many instances it runs.
    #[serde(default = "one")]
    pub instances: usize,
    /// What its `run` is given.
    #[serde(default)]
    pub argument: String,
}

/// A channel that is open from the start.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// How many items it can hold.
    pub capacity: u32,
    /// How many items the channel handler is given at once.
    #[serde(default = "one")]
    pub concurrency: usize,
}

fn one() -> usize {
    1
}

fn swap_drain() -> Duration {
    Duration::from_secs(600)
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The text is not what a manifest is.
    #[error("{origin}: {source}")]
    Invalid {
        /// Where it is from.
        origin: String,
        /// What is wrong and in which line.
        source: Box<toml::de::Error>,
    },
    /// The file cannot be read.
    #[error("{path} cannot be read", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The component's section is not text, or the component is cut off.
    #[error("the manifest in the component is damaged")]
    Damaged,
}

impl Manifest {
    /// Reads the text of a manifest; `origin` is named in errors.
    ///
    /// # Errors
    /// Says what is wrong and in which line.
    pub fn parse(text: &str, origin: &str) -> Result<Self, ManifestError> {
        toml::from_str(text)
            .map_err(|source| ManifestError::Invalid { origin: origin.to_owned(), source: Box::new(source) })
    }

    /// What holds for a component without a manifest: the defaults, and one worker of the plugin's name if it exports one.
    #[must_use]
    pub fn bare(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            language: None,
            isolation: Isolation::default(),
            swap: Swap::default(),
            swap_drain: swap_drain(),
            origins: None,
            jwt: None,
            limits: Limits::default(),
            retain: Retain::default(),
            workers: vec![Worker { name: name.to_owned(), instances: 1, argument: String::new() }],
            channels: Vec::new(),
        }
    }

    /// The manifest that a component carries, if it carries one.
    ///
    /// # Errors
    /// It is damaged, or not a manifest.
    pub fn of_component(component: &[u8], origin: &str) -> Result<Option<Self>, ManifestError> {
        let Some(text) = section(component)? else { return Ok(None) };
        Self::parse(text, &format!("the manifest in {origin}")).map(Some)
    }
}

/// The component with the text of its manifest in it.
#[must_use]
pub fn embed(component: &[u8], manifest: &str) -> Vec<u8> {
    use wasm_encoder::{ComponentSection as _, CustomSection};
    let section = CustomSection { name: SECTION.into(), data: manifest.as_bytes().into() };
    let mut whole = component.to_vec();
    section.append_to_component(&mut whole);
    whole
}

fn section(component: &[u8]) -> Result<Option<&str>, ManifestError> {
    let mut depth = 0_u32;
    let mut found = None;
    for payload in wasmparser::Parser::new(0).parse_all(component) {
        match payload {
            Ok(wasmparser::Payload::ModuleSection { .. } | wasmparser::Payload::ComponentSection { .. }) => depth += 1,
            Ok(wasmparser::Payload::End(_)) => depth = depth.saturating_sub(1),
            Ok(wasmparser::Payload::CustomSection(section)) if depth == 0 && section.name() == SECTION => {
                found = Some(std::str::from_utf8(section.data()).map_err(|_| ManifestError::Damaged)?);
            }
            Ok(_) => {}
            // What is broken here is told by the compiler, which knows better.
            Err(_) => break,
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

    #[test]
    fn a_component_carries_its_manifest() {
        let text = "name = \"here\"\nisolation = \"pooled\"\n[[worker]]\nname = \"w\"\n";
        let whole = embed(&EMPTY, text);
        let manifest = Manifest::of_component(&whole, "x.wasm").expect("a manifest").expect("one is there");
        assert_eq!(manifest.name, "here");
        assert_eq!(manifest.isolation, Isolation::Pooled);
        assert_eq!(manifest.workers.first().map(|worker| worker.instances), Some(1));
        assert!(Manifest::of_component(&EMPTY, "x.wasm").expect("no error").is_none());
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_line() {
        let error =
            Manifest::parse("name = \"x\"\n\nisolatoin = \"event\"\n", "plugin.toml").expect_err("a misspelt key");
        let text = error.to_string();
        assert!(text.contains("line 3") && text.contains("isolatoin") && text.starts_with("plugin.toml"), "{text}");
    }

    #[test]
    fn values_have_units() {
        let text = "name = \"x\"\n[limits]\nmemory = \"32MiB\"\ncpu = \"250ms\"\n[retain]\ndeadline = \"5s\"\n";
        let manifest = Manifest::parse(text, "plugin.toml").expect("a manifest");
        assert_eq!(manifest.limits.memory, ByteSize::mib(32));
        assert_eq!(manifest.limits.cpu, Duration::from_millis(250));
        assert_eq!(manifest.retain.deadline, Some(Duration::from_secs(5)));
    }
}
