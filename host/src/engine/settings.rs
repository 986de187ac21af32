//! The engine's limits and defaults.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

/// What one host gives to all its guests.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// How many instances may be alive at once: those that handle an event, wait in one, or are kept warm, and workers.
    pub instances: u32,
    /// The most memory that an instance of any plugin can be given.
    pub memory: ByteSize,
    /// How often a guest that computes gives way and is looked at.
    #[serde(deserialize_with = "crate::duration::positive")]
    pub tick: Duration,
    /// The largest component that is compiled.
    pub component_size: ByteSize,
    /// How long a component may be compiled.
    #[serde(deserialize_with = "crate::duration::positive")]
    pub compile_timeout: Duration,
    /// How much memory that may take.
    pub compile_memory: ByteSize,
    /// Where compiled components are kept.
    pub cache: CachePlace,
    /// How much of them is kept. Those that were not used for the longest time make room.
    pub cache_size: ByteSize,
    /// The program that compiles in a process of its own; none means that this process does. It is no key: it is this program itself.
    #[serde(skip)]
    pub compiler: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            instances: 1000,
            memory: ByteSize::mib(256),
            tick: Duration::from_millis(1),
            component_size: ByteSize::mib(64),
            compile_timeout: Duration::from_secs(30),
            compile_memory: ByteSize::gib(2),
            cache: CachePlace::User,
            cache_size: ByteSize::gib(1),
            compiler: None,
        }
    }
}

impl Settings {
    /// Has components compiled by this program, which has to be the one that runs.
    pub fn compile_with(&mut self, program: PathBuf) {
        self.compiler = Some(program);
    }
}

/// Where compiled components are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CachePlace {
    /// `true`: `holdline` in the user's folder of caches.
    User,
    /// `false`: each start compiles them.
    Nowhere,
    /// A path: this folder.
    Folder(PathBuf),
}

impl<'de> Deserialize<'de> for CachePlace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CachePlaceVisitor)
    }
}

struct CachePlaceVisitor;

impl Visitor<'_> for CachePlaceVisitor {
    type Value = CachePlace;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the path of a folder, true or false")
    }

    fn visit_bool<E: Error>(self, kept: bool) -> Result<CachePlace, E> {
        Ok(if kept { CachePlace::User } else { CachePlace::Nowhere })
    }

    fn visit_str<E: Error>(self, path: &str) -> Result<CachePlace, E> {
        Ok(CachePlace::Folder(path.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_somewhere_in_its_usual_place_or_nowhere() {
        let place = |text| toml::from_str::<Settings>(text).expect("settings").cache;
        assert_eq!(place(""), CachePlace::User);
        assert_eq!(place("cache = true"), CachePlace::User);
        assert_eq!(place("cache = false"), CachePlace::Nowhere);
        assert_eq!(place("cache = \"here\""), CachePlace::Folder("here".into()));
        let error = toml::from_str::<Settings>("cache = 1").expect_err("a number is no place").to_string();
        assert!(error.contains("the path of a folder, true or false"), "{error}");
    }
}
