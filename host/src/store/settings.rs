//! Where the store is kept.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

/// `[store]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Where it is kept.
    pub folder: StorePlace,
}

/// Where the store is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StorePlace {
    /// `true`: `holdline` in the user's folder of state.
    #[default]
    User,
    /// `false`: in memory, for as long as the host runs.
    Memory,
    /// A path: this folder.
    Folder(PathBuf),
}

impl<'de> Deserialize<'de> for StorePlace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StorePlaceVisitor)
    }
}

struct StorePlaceVisitor;

impl Visitor<'_> for StorePlaceVisitor {
    type Value = StorePlace;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the path of a folder, true or false")
    }

    fn visit_bool<E: Error>(self, kept: bool) -> Result<StorePlace, E> {
        Ok(if kept { StorePlace::User } else { StorePlace::Memory })
    }

    fn visit_str<E: Error>(self, path: &str) -> Result<StorePlace, E> {
        Ok(StorePlace::Folder(path.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_is_in_its_usual_place_in_a_folder_or_in_memory() {
        let place = |text| toml::from_str::<Settings>(text).expect("settings").folder;
        assert_eq!(place(""), StorePlace::User);
        assert_eq!(place("folder = true"), StorePlace::User);
        assert_eq!(place("folder = false"), StorePlace::Memory);
        assert_eq!(place("folder = \"here\""), StorePlace::Folder("here".into()));
        assert!(toml::from_str::<Settings>("folder = 1").is_err());
    }
}
