//! The user's folders, as the XDG Base Directory Specification has them. A relative path in its variables is to be ignored.

use std::env;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use siphasher::sip::SipHasher13;

use super::error::Error;

/// Where tools and SDKs are kept.
pub(super) fn data() -> Result<PathBuf, Error> {
    folder("XDG_DATA_HOME", ".local/share")
}

/// Where the build of a plugin's folder leaves what it made. It lies outside of the folder, so that sources stay sources.
pub(super) fn build(plugin: &Path) -> Result<PathBuf, Error> {
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

fn folder(variable: &'static str, below_home: &str) -> Result<PathBuf, Error> {
    let named = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || Some(env::home_dir().filter(|home| home.is_absolute())?.join(below_home));
    Ok(named.or_else(home).ok_or(Error::NoHome { variable })?.join("holdline"))
}
