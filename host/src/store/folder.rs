//! The folder of a store: where it is, that it is private, and that one host at a time has it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::geteuid;

use super::error::OpenError;

/// So long a lock is waited for that another one has: of a host that is about to end, or of a process that was just started by one and
/// has its files until it is what it is to be.
const PATIENCE: Duration = Duration::from_secs(1);

/// The folder of this user's host.
pub(super) fn of_user() -> Result<PathBuf, OpenError> {
    let given = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = given("XDG_STATE_HOME").or_else(|| given("HOME").map(|home| home.join(".local/state")));
    Ok(state.ok_or(OpenError::NoHome)?.join("holdline"))
}

/// Makes what is not there and locks the folder: the lock, the file of the database, and the folder of components. The lock is the
/// process's and ends with it, however it ends.
pub(super) fn prepare(folder: &Path) -> Result<(File, PathBuf, PathBuf), OpenError> {
    let (database, components) = (folder.join("holdline.redb"), folder.join("components"));
    private(folder)?;
    let path = folder.join("lock");
    let lock = private_file(&path)?;
    let begun = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => pause(),
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { path: folder.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(OpenError::Io { path, source }),
        }
    }
    private(&components)?;
    private_file(&database)?;
    Ok((lock, database, components))
}

#[allow(clippy::disallowed_methods, reason = "the thread that opens a store serves nobody")]
fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}

/// Forces the names in a folder to the disk, and its own.
pub(super) fn sync(folder: &Path) -> Result<(), OpenError> {
    for folder in [Some(folder), folder.parent()].into_iter().flatten().filter(|folder| !folder.as_os_str().is_empty())
    {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(OpenError::io(folder))?;
    }
    Ok(())
}

/// A folder that nobody but this user can look into.
fn private(path: &Path) -> Result<(), OpenError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(OpenError::io(path))?;
    let metadata = fs::metadata(path).map_err(OpenError::io(path))?;
    let (owner, user) = (metadata.uid(), geteuid().as_raw());
    if owner != user {
        return Err(OpenError::Foreign { path: path.to_owned(), owner, user });
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(OpenError::Shared { path: path.to_owned() });
    }
    Ok(())
}

fn private_file(path: &Path) -> Result<File, OpenError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map_err(OpenError::io(path))
}
