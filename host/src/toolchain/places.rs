//! The user's folders, as the XDG Base Directory Specification has them. A relative path in its variables is to be ignored.

use std::env;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use siphasher::sip::SipHasher13;
use tempfile::TempDir;

use super::error::Error;

/// Where tools and SDKs are kept.
pub(super) fn data() -> Result<PathBuf, Error> {
    folder("XDG_DATA_HOME", ".local/share")
}

/// Where the build of a plugin's folder leaves what it made. It lies outside of the folder, so that sources stay sources.
fn build(plugin: &Path) -> Result<PathBuf, Error> {
    let whole = plugin.canonicalize().map_err(|source| Error::Unwritable { path: plugin.into(), source })?;
    let mut hasher = SipHasher13::new();
    whole.hash(&mut hasher);
    let name = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(builds()?.join(format!("{name}-{:016x}", hasher.finish())))
}

/// What builds keep for one another.
pub(super) fn builds() -> Result<PathBuf, Error> {
    Ok(folder("XDG_CACHE_HOME", ".cache")?.join("build"))
}

/// The folder of one build, and a new one in it for what nobody else is to see: two builds of one plugin may run at once.
pub(super) struct Work {
    folder: PathBuf,
    begun: TempDir,
}

impl Work {
    pub(super) fn begin(plugin: &Path) -> Result<Self, Error> {
        let folder = build(plugin)?;
        let failed = |source| Error::Unwritable { path: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        let begun = tempfile::tempdir_in(&folder).map_err(failed)?;
        Ok(Self { folder, begun })
    }

    /// A file that is gone when the build has ended.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.begun.path().join(name)
    }

    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<PathBuf, Error> {
        let path = self.file(name);
        fs::write(&path, bytes).map_err(|source| Error::Unwritable { path: path.clone(), source })?;
        Ok(path)
    }

    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        let path = self.file(name);
        fs::read(&path).map_err(|source| Error::Unwritable { path, source })
    }

    /// Keeps the component, whole, in the place of the one before.
    pub(super) fn keep(self, component: &Path) -> Result<PathBuf, Error> {
        let kept = self.folder.join("plugin.wasm");
        fs::rename(component, &kept).map_err(|source| Error::Unwritable { path: kept.clone(), source })?;
        Ok(kept)
    }
}

fn folder(variable: &'static str, below_home: &str) -> Result<PathBuf, Error> {
    let named = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || Some(env::home_dir().filter(|home| home.is_absolute())?.join(below_home));
    Ok(named.or_else(home).ok_or(Error::NoHome { variable })?.join("holdline"))
}
