//! Why a store cannot be opened, and why it does not do what it was asked for.

use std::path::{Path, PathBuf};

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nobody says where it is.
    #[error("there is no folder for the store: neither XDG_STATE_HOME nor HOME is set")]
    NoHome,
    /// A folder or a file cannot be used.
    #[error("the store in {path} cannot be used: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Somebody else owns the folder.
    #[error("the store in {path} is not trusted: it belongs to user {owner} and not to user {user}", path = path.display())]
    Foreign {
        /// Which.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who this process is.
        user: u32,
    },
    /// Others may look into it or change it.
    #[error("the store in {path} is not private: others may read it or write to it", path = path.display())]
    Shared {
        /// Which.
        path: PathBuf,
    },
    /// Another host has it.
    #[error("another host has the store in {path}", path = path.display())]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// Its file is not what was written.
    #[error("the store {path} is damaged: {why}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The thread that writes could not be started.
    #[error("the thread that writes to the store could not be started: {0}")]
    Thread(std::io::Error),
}

impl OpenError {
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoHome => Some("name one with `folder` under [store]".to_owned()),
            Self::Io { .. } => Some("name another one with `folder` under [store]".to_owned()),
            Self::Foreign { .. } => {
                Some("run the host as its owner, or name another one with `folder` under [store]".to_owned())
            }
            Self::Shared { path } => Some(format!("`chmod go-rwx {}` makes it private", path.display())),
            Self::InUse { .. } => {
                Some("stop the other host, or give this one a folder of its own with `folder` under [store]".to_owned())
            }
            Self::Damaged { path, .. } => Some(format!(
                "put a copy of it in its place, or move {} away: the host then starts with an empty store",
                path.display()
            )),
            Self::Thread(_) => None,
        }
    }
}

/// Why the store does not do what it was asked for. Nothing has changed when it comes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk, or what this user may have of it, is full.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The operating system refuses.
    #[error("the store cannot be read or written: {0}")]
    Io(String),
    /// Its file is not what was written.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// Whoever was at it has ended before it was done.
    #[error("the store was interrupted")]
    Interrupted,
    /// A tenant would have more bytes than it may.
    #[error("more than the {limit} bytes that the tenant may keep")]
    QuotaExceeded {
        /// How many it may have.
        limit: u64,
    },
    /// A name, a key, a value or all of a batch is too large.
    #[error("{what} has {size}, and {limit} is the most")]
    TooLarge {
        /// What.
        what: &'static str,
        /// Its size in bytes, or their count.
        size: usize,
        /// The largest that it may have.
        limit: usize,
    },
    /// A key without a byte.
    #[error("a key has one byte at least")]
    EmptyKey,
    /// What is to be incremented is no number, or would be too large for one.
    #[error("the value is not a whole number of 64 bits, or would not be one any more")]
    NotANumber,
    /// A value was changed by another since it was looked at.
    #[error("the value has changed")]
    Changed,
    /// A record is not what its reader expects.
    #[error("the record {kind}/{key} cannot be understood: {why}")]
    Record {
        /// Its kind.
        kind: String,
        /// Its key.
        key: String,
        /// What is wrong with it.
        why: String,
    },
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::Full(error.to_string())
            }
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => Self::Damaged(error.to_string()),
            _ => Self::Io(error.to_string()),
        }
    }
}

impl From<redb::Error> for StoreError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(error) => error.into(),
            redb::Error::Corrupted(why) => Self::Damaged(why),
            other => Self::Io(other.to_string()),
        }
    }
}

/// Each operation of redb has an error of its own, and all of them end here.
macro_rules! from {
    ($($error:ty),+) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                redb::Error::from(error).into()
            }
        }
    )+};
}
from!(redb::StorageError, redb::TableError, redb::TransactionError, redb::CommitError, redb::DatabaseError);

impl StoreError {
    /// True if it is the store's trouble, and not what it was asked for.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        matches!(self, Self::Full(_) | Self::Io(_) | Self::Damaged(_) | Self::Interrupted)
    }
}
