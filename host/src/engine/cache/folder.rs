//! A folder of files that nobody but this process's user can write to, bounded in size: the files that were not read for the
//! longest time make room.
//!
//! Any number of processes may use it at once and be killed at any time, without a lock: a file is written under a name that nobody
//! reads and then renamed, so that whoever opens it sees all of it or none, and one that is removed while it is read is still read
//! to its end. It does not know what is in the files.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytesize::ByteSize;
use rustix::process::geteuid;

/// How the name of a file begins that is being written.
const UNFINISHED: &str = ".unfinished-";

/// An unfinished file this old belongs to a process that was killed: writing takes moments.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Why a folder or a file in it is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    #[error(
        "there is no folder for them: neither XDG_CACHE_HOME nor HOME is set; name one with `cache` under [engine]"
    )]
    NoHome,
    #[error("{path} cannot be used: {source}", path = path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{path} is not trusted: it belongs to user {owner} and not to user {user}", path = path.display())]
    Foreign { path: PathBuf, owner: u32, user: u32 },
    #[error("{path} is not trusted: others may write to it (`chmod go-w` ends that)", path = path.display())]
    Shared { path: PathBuf },
    #[error("it has {length}, more than the {most} of `cache-size` under [engine]")]
    TooLarge { length: ByteSize, most: ByteSize },
}

/// One such folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    // Files with another ending are somebody else's: they are not counted and not removed.
    ending: &'static str,
    size: ByteSize,
}

impl Folder {
    /// The folder at this path, made if it is not there.
    pub(super) fn open(path: PathBuf, ending: &'static str, size: ByteSize) -> Result<Self, FolderError> {
        private_folder(&path)?;
        Ok(Self { path, ending, size })
    }

    /// Where the file of this name is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// What is in a file, which counts as used now; none if it is not there.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, FolderError> {
        let path = self.path(name);
        let failed = |source| FolderError::Io { path: path.clone(), source };
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        // Of the open file and not of its name: what is checked is what is read. The folder may once have been open to others.
        let metadata = file.metadata().map_err(failed)?;
        check_private(&path, &metadata)?;
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
        file.read_to_end(&mut bytes).map_err(failed)?;
        // Not every file system keeps the time of the last read. On one that is read-only nothing is ever removed either.
        let _only_for_the_order = file.set_modified(SystemTime::now());
        Ok(Some(bytes))
    }

    /// Writes a file, whole or not at all, in the place of one that has its name. It is not forced to the disk: what a crash of the
    /// machine leaves behind is the reader's to check.
    pub(super) fn write(&self, name: &str, parts: &[&[u8]]) -> Result<(), FolderError> {
        let length = ByteSize::b(parts.iter().map(|part| part.len() as u64).sum());
        if length > self.size {
            return Err(FolderError::TooLarge { length, most: self.size });
        }
        // Somebody may have cleaned up since it was opened.
        private_folder(&self.path)?;
        self.make_room(length);
        let path = self.path(name);
        self.replace(&path, parts).map_err(|source| FolderError::Io { path, source })
    }

    /// Removes a file.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn replace(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
        // It is for this user alone, and is removed if what follows fails.
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.path)?;
        for part in parts {
            file.write_all(part)?;
        }
        file.persist(path)?;
        Ok(())
    }

    /// Removes the files that were not used for the longest time until there is room for one of this length, and what killed
    /// processes have left behind. Other processes may be doing the same: whose file is gone already has what it wanted.
    fn make_room(&self, length: ByteSize) {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let (Ok(metadata), name) = (entry.metadata(), entry.file_name()) else { continue };
            let (Ok(used), name) = (metadata.modified(), name.to_string_lossy()) else { continue };
            if name.ends_with(self.ending) {
                files.push((used, metadata.len(), entry.path()));
            } else if name.starts_with(UNFINISHED) && used.elapsed().is_ok_and(|age| age > ABANDONED) {
                let _gone = fs::remove_file(entry.path());
            }
        }
        files.sort_unstable();
        let mut total = length.as_u64() + files.iter().map(|(_, length, _)| length).sum::<u64>();
        for (_, length, path) in files {
            if total <= self.size.as_u64() {
                break;
            }
            let _gone = fs::remove_file(path);
            total -= length;
        }
    }
}

/// Makes the folder if it is not there, and sees whether others can put something into it.
fn private_folder(path: &Path) -> Result<(), FolderError> {
    let failed = |source| FolderError::Io { path: path.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    check_private(path, &fs::metadata(path).map_err(failed)?)
}

fn check_private(path: &Path, metadata: &Metadata) -> Result<(), FolderError> {
    let (owner, user) = (metadata.uid(), geteuid().as_raw());
    if owner != user {
        return Err(FolderError::Foreign { path: path.to_owned(), owner, user });
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(FolderError::Shared { path: path.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown};

    use super::*;

    fn folder(size: u64) -> (tempfile::TempDir, Folder) {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(place.path().join("made/here"), ".x", ByteSize::b(size)).expect("it is private");
        (place, folder)
    }

    fn names(folder: &Folder) -> Vec<String> {
        let entries = fs::read_dir(&folder.path).expect("a folder").flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn age(path: &Path, seconds: u64) {
        let then = SystemTime::now() - Duration::from_secs(seconds);
        File::open(path).and_then(|file| file.set_modified(then)).expect("a time in the past");
    }

    #[test]
    fn what_was_written_is_read_and_nothing_is_left_beside_it() {
        let (_place, folder) = folder(100);
        assert!(folder.read("a.x").expect("no error").is_none());
        for text in ["one", "another"] {
            folder.write("a.x", &[b"it is ", text.as_bytes()]).expect("room");
            assert_eq!(folder.read("a.x").expect("no error"), Some(format!("it is {text}").into_bytes()));
        }
        assert_eq!(names(&folder), ["a.x"]);
        assert_eq!(fs::metadata(&folder.path).expect("a folder").mode() & 0o777, 0o700);
    }

    #[test]
    fn what_was_not_used_for_the_longest_time_makes_room() {
        let (_place, folder) = folder(30);
        for (name, seconds) in [("a.x", 40), ("b.x", 30), ("c.x", 20)] {
            folder.write(name, &[&[0; 10]]).expect("room");
            age(&folder.path(name), seconds);
        }
        folder.read("a.x").expect("no error").expect("it is there");
        folder.write("d.x", &[&[0; 10]]).expect("room is made");
        assert_eq!(names(&folder), ["a.x", "c.x", "d.x"]);
        folder.write("e.x", &[&[0; 30]]).expect("room is made");
        assert_eq!(names(&folder), ["e.x"]);
    }

    #[test]
    fn what_fits_in_no_way_is_refused_and_removes_nothing() {
        let (_place, folder) = folder(10);
        folder.write("a.x", &[&[0; 10]]).expect("room");
        let error = folder.write("b.x", &[&[0; 11]]).expect_err("more than there may be");
        assert!(matches!(error, FolderError::TooLarge { .. }), "{error}");
        assert_eq!(names(&folder), ["a.x"]);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_belongs_to_others_stays() {
        let (_place, folder) = folder(10);
        for (name, seconds) in [(".unfinished-old", 4000), (".unfinished-new", 1), ("notes", 4000)] {
            fs::write(folder.path(name), [0; 20]).expect("it can be written");
            age(&folder.path(name), seconds);
        }
        folder.write("a.x", &[&[0; 10]]).expect("room");
        assert_eq!(names(&folder), [".unfinished-new", "a.x", "notes"]);
    }

    #[test]
    fn what_others_may_write_to_is_not_trusted() {
        let (_place, folder) = folder(100);
        folder.write("a.x", &[b"it"]).expect("room");
        for mode in [0o620, 0o602] {
            fs::set_permissions(folder.path("a.x"), Permissions::from_mode(mode)).expect("it is ours");
            assert!(matches!(folder.read("a.x"), Err(FolderError::Shared { .. })), "{mode:o}");
        }
        fs::set_permissions(&folder.path, Permissions::from_mode(0o770)).expect("it is ours");
        assert!(matches!(folder.write("b.x", &[b"it"]), Err(FolderError::Shared { .. })));
        let opened = Folder::open(folder.path.clone(), ".x", ByteSize::b(1));
        assert!(matches!(opened, Err(FolderError::Shared { .. })));
    }

    #[test]
    fn what_belongs_to_another_user_is_not_trusted() {
        let (_place, folder) = folder(100);
        // Only root can give a folder away, and only root does not have to: the root folder is another user's for all others.
        let path = if geteuid().is_root() { folder.path.clone() } else { PathBuf::from("/") };
        if geteuid().is_root() {
            chown(&path, Some(1), None).expect("root may");
        }
        assert!(matches!(Folder::open(path, ".x", ByteSize::b(1)), Err(FolderError::Foreign { .. })));
    }
}
