//! Compiled components on disk, so that a host that starts again compiles nothing. An entry is checked before it is trusted, and
//! nothing that goes wrong here is more than a warning: what is not found is compiled.
//!
//! Several hosts may share a folder, and each may be killed at any time; see `folder`. The engine alone calls it. It does not know
//! what a component is for.

mod folder;

use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::Once;

use siphasher::sip128::{Hasher128, SipHasher13};
use wasmtime::component::Component;

use super::fuse::FORM;
use super::{CachePlace, Digest, Settings};
use folder::{Folder, FolderError};

/// How an entry begins. The number goes up when what follows it changes.
const MAGIC: [u8; 16] = *b"holdline cwasm 1";

/// The ending of an entry's name.
const ENDING: &str = ".cwasm";

/// Why an entry is not used.
#[derive(Debug, thiserror::Error)]
enum EntryError {
    #[error(transparent)]
    Unreadable(#[from] FolderError),
    #[error("it is damaged: its checksum is not that of its contents")]
    Damaged,
    #[error("the engine refuses it: {0:#}")]
    Refused(wasmtime::Error),
}

/// The compiled components of a user's hosts.
pub(super) struct Cache {
    folder: Folder,
    // What compiled code depends on beside the component: the engine's version, its settings, and the machine's processor.
    compatibility: u128,
    // A disk that is full stays full for a while: it is told once.
    told: Once,
}

impl Cache {
    /// The cache that the settings ask for; none, and a warning that says why, if its folder cannot be used.
    pub(super) fn open(settings: &Settings, engine: &wasmtime::Engine) -> Option<Self> {
        let path = match &settings.cache {
            CachePlace::Nowhere => return None,
            CachePlace::Folder(path) => Ok(path.clone()),
            CachePlace::User => users_folder().ok_or(FolderError::NoHome),
        };
        match path.and_then(|path| Folder::open(path, ENDING, settings.cache_size)) {
            Ok(folder) => Some(Self { folder, compatibility: compatibility(engine), told: Once::new() }),
            Err(error) => {
                tracing::warn!(%error, "compiled components are not kept, so every start compiles them");
                None
            }
        }
    }

    /// The component with this digest, if it is here and intact. What is broken is thrown away.
    pub(super) fn find(&self, engine: &wasmtime::Engine, digest: Digest) -> Option<Component> {
        let name = self.name(digest);
        match self.read(engine, &name) {
            Ok(found) => found,
            Err(error) => {
                let entry = self.folder.path(&name);
                tracing::warn!(entry = %entry.display(), %error, "a compiled component is thrown away");
                // If it cannot be removed, it is replaced when the component has been compiled.
                let _replaced_later = self.folder.remove(&name);
                None
            }
        }
    }

    /// Keeps a component that was compiled.
    pub(super) fn keep(&self, digest: Digest, component: &Component) {
        let name = self.name(digest);
        let Ok(code) = component.serialize() else { return };
        if let Err(error) = self.folder.write(&name, &[&MAGIC, &checksum(&name, &code), &code]) {
            self.told.call_once(|| {
                tracing::warn!(%digest, %error, "a compiled component is not kept; this is told once");
            });
        }
    }

    /// Other settings, another version of the engine, or another form that components are brought into first, look for another name
    /// and do not disturb each other.
    fn name(&self, digest: Digest) -> String {
        format!("{digest:x}-{:032x}{ENDING}", self.compatibility)
    }

    fn read(&self, engine: &wasmtime::Engine, name: &str) -> Result<Option<Component>, EntryError> {
        let Some(entry) = self.folder.read(name)? else { return Ok(None) };
        let code = intact(&entry, name).ok_or(EntryError::Damaged)?;
        revive(engine, code).map(Some).map_err(EntryError::Refused)
    }
}

/// The compiled code of an entry, if it is what was once written under this name.
fn intact<'a>(entry: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let (sum, code) = entry.strip_prefix(&MAGIC)?.split_first_chunk()?;
    (checksum(name, code) == *sum).then_some(code)
}

/// It finds accidents. It is no signature: who may write an entry may write its checksum, and `folder` sees to it that nobody else
/// may. SipHash is fast on every processor, and the name is in it, so that an entry under another's name is not intact.
fn checksum(name: &str, code: &[u8]) -> [u8; 16] {
    let mut hasher = SipHasher13::new();
    hasher.write(name.as_bytes());
    hasher.write(code);
    hasher.finish128().as_bytes()
}

#[allow(
    unsafe_code,
    reason = "machine code is run as it was written; this is the one place where it comes from a file"
)]
fn revive(engine: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` has to be what `Component::serialize` returned. Only `keep` writes entries, and it writes that. The file and its
    // folder belong to the user of this process and nobody else may write to them (`folder`), the checksum says that it is whole and
    // under its own name (`intact`), and it was read into memory of this process, so that it cannot change from now on.
    unsafe { Component::deserialize(engine, code) }
}

fn compatibility(engine: &wasmtime::Engine) -> u128 {
    let mut hasher = SipHasher13::new();
    MAGIC.hash(&mut hasher);
    FORM.hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish128().into()
}

/// Where the XDG Base Directory Specification wants what a user's programs can make again. A relative path is to be ignored.
fn users_folder() -> Option<PathBuf> {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let users = named.or_else(|| Some(std::env::home_dir().filter(|home| home.is_absolute())?.join(".cache")));
    Some(users?.join("holdline"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component with nothing in it.
    const EMPTY: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

    fn cache(engine: &wasmtime::Engine) -> (tempfile::TempDir, Cache) {
        let place = tempfile::tempdir().expect("a folder");
        let settings = Settings { cache: CachePlace::Folder(place.path().to_owned()), ..Settings::default() };
        let cache = Cache::open(&settings, engine).expect("the folder is private");
        (place, cache)
    }

    #[test]
    fn a_component_that_was_kept_is_found_by_its_digest() {
        let engine = wasmtime::Engine::default();
        let (_place, cache) = cache(&engine);
        let digest = Digest::of(&EMPTY);
        assert!(cache.find(&engine, digest).is_none());
        cache.keep(digest, &Component::new(&engine, EMPTY).expect("a component"));
        assert!(cache.find(&engine, digest).is_some());
        assert!(cache.find(&engine, Digest::of(b"another")).is_none());
    }

    #[test]
    fn what_is_damaged_is_thrown_away() {
        let engine = wasmtime::Engine::default();
        let (_place, cache) = cache(&engine);
        let digest = Digest::of(&EMPTY);
        let entry = cache.folder.path(&cache.name(digest));
        cache.keep(digest, &Component::new(&engine, EMPTY).expect("a component"));
        let mut bytes = std::fs::read(&entry).expect("an entry");
        bytes.pop();
        std::fs::write(&entry, bytes).expect("it is ours");
        assert!(cache.find(&engine, digest).is_none());
        assert!(!entry.exists());
    }

    #[test]
    fn what_the_engine_refuses_is_thrown_away() {
        let engine = wasmtime::Engine::default();
        let (_place, cache) = cache(&engine);
        let digest = Digest::of(&EMPTY);
        let name = cache.name(digest);
        let code = b"intact, and no machine code";
        cache.folder.write(&name, &[&MAGIC, &checksum(&name, code), code]).expect("room");
        assert!(cache.find(&engine, digest).is_none());
        assert!(!cache.folder.path(&name).exists());
    }

    #[test]
    fn an_entry_is_intact_only_whole_unchanged_and_under_its_name() {
        let code = [7; 100];
        let entry = [&MAGIC[..], &checksum("name", &code), &code].concat();
        assert_eq!(intact(&entry, "name"), Some(&code[..]));
        assert_eq!(intact(&entry, "other"), None);
        for place in 0..entry.len() {
            assert_eq!(intact(&entry[..place], "name"), None, "cut off at {place}");
            let mut changed = entry.clone();
            changed[place] ^= 1;
            assert_eq!(intact(&changed, "name"), None, "changed at {place}");
        }
    }

    #[test]
    fn an_engine_with_other_settings_looks_for_another_name() {
        let engine = wasmtime::Engine::default();
        let (_place, cache) = cache(&engine);
        let mut config = wasmtime::Config::new();
        config.epoch_interruption(true);
        let other = wasmtime::Engine::new(&config).expect("an engine");
        assert_eq!(compatibility(&engine), compatibility(&wasmtime::Engine::default()));
        assert_ne!(compatibility(&engine), compatibility(&other));
        cache.keep(Digest::of(&EMPTY), &Component::new(&engine, EMPTY).expect("a component"));
        let cache = Cache { compatibility: compatibility(&other), ..cache };
        assert!(cache.find(&other, Digest::of(&EMPTY)).is_none());
    }
}
