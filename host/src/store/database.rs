//! The database below: opening it, one transaction, and getting over a disk that is full. All of it blocks, and belongs on threads
//! that serve nobody.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use redb::backends::InMemoryBackend;
use redb::{DatabaseError, ReadableDatabase, StorageError};

use super::audit;
use super::error::{OpenError, StoreError};
use super::tables::{Reading, Tables};

/// How much of the file is kept in memory.
const CACHE: usize = 64 << 20;

/// A file of at most this size is read whole and checked when it is opened. That takes a fraction of a second; a larger one is
/// only checked after a crash.
const CHECKED: u64 = 256 << 20;

/// What is told when redb finds something that it holds to be impossible.
const IMPOSSIBLE: &str = "its structure makes no sense";

/// A database, in a file or in memory.
pub(super) struct Database {
    file: Option<PathBuf>,
    // After an error of the disk redb wants to be opened anew. None while that does not succeed; readers and the writer try.
    current: RwLock<Option<redb::Database>>,
    // So that a disk that is full fills no log.
    is_troubled: AtomicBool,
    // None while nothing is wrong.
    refusing: Mutex<Option<Refusing>>,
}

/// Writes are refused for a while after one has failed: opening a large file anew takes long, and nobody reads meanwhile.
struct Refusing {
    until: Instant,
    error: StoreError,
}

/// How long at least.
const SHORTEST: Duration = Duration::from_millis(100);
/// How many times as long as it took to open the file anew.
const SHARE: u32 = 10;

impl Database {
    /// Opens the file, which is made if it is not there; without one the database is in memory.
    pub(super) fn open(file: Option<PathBuf>) -> Result<Self, OpenError> {
        let opened = open(file.as_ref())?;
        let (is_troubled, refusing) = (AtomicBool::new(false), Mutex::new(None));
        Ok(Self { file, current: RwLock::new(Some(opened)), is_troubled, refusing })
    }

    /// Reads from one moment of the database.
    pub(super) fn read<T>(&self, look: impl FnOnce(&Reading) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.attempt(|database| look(&Reading(database.begin_read()?)))
    }

    /// Changes the database, durably or not at all.
    pub(super) fn write(
        &self,
        change: impl FnOnce(&mut Tables<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if let Some(refusing) = self.refusing.lock().as_ref()
            && Instant::now() < refusing.until
        {
            return Err(refusing.error.clone());
        }
        let written = self.attempt(|database| {
            // Its durability is that of a commit which is on the disk when it returns.
            let transaction = database.begin_write()?;
            let mut tables = Tables::open(&transaction)?;
            change(&mut tables)?;
            tables.finish()?;
            Ok(transaction.commit()?)
        });
        if written.is_ok() && self.is_troubled.swap(false, Ordering::Relaxed) {
            tracing::info!("the store can be written to again");
        }
        written
    }

    fn attempt<T>(&self, work: impl FnOnce(&redb::Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.current.read().is_none() {
            self.reopen()?;
        }
        let outcome = match self.current.read().as_ref() {
            Some(database) => catch_unwind(AssertUnwindSafe(|| work(database)))
                .unwrap_or_else(|_| Err(StoreError::Damaged(IMPOSSIBLE.to_owned()))),
            None => Err(StoreError::Interrupted),
        };
        if let Err(error) = &outcome
            && error.is_trouble()
        {
            if !self.is_troubled.swap(true, Ordering::Relaxed) {
                tracing::error!(%error, "the store is in trouble");
            }
            let begun = Instant::now();
            self.close();
            // What comes of it is seen by whoever is next.
            let _next = self.reopen();
            let until = Instant::now() + (begun.elapsed() * SHARE).max(SHORTEST);
            *self.refusing.lock() = Some(Refusing { until, error: error.clone() });
        }
        outcome
    }

    fn close(&self) {
        // What is in memory has no disk that could fail, and would be lost.
        if self.file.is_some() {
            *self.current.write() = None;
        }
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut current = self.current.write();
        if current.is_none() {
            *current = Some(open(self.file.as_ref()).map_err(|error| match error {
                OpenError::Io { source, .. } => source.into(),
                OpenError::Damaged { why, .. } => StoreError::Damaged(why),
                other => StoreError::Io(other.to_string()),
            })?);
        }
        Ok(())
    }
}

fn open(file: Option<&PathBuf>) -> Result<redb::Database, OpenError> {
    let mut builder = redb::Builder::new();
    builder.set_cache_size(CACHE);
    let Some(path) = file else {
        let failed = |error: DatabaseError| OpenError::Damaged { path: "in memory".into(), why: error.to_string() };
        let database = builder.create_with_backend(InMemoryBackend::new()).map_err(failed)?;
        return make_tables(database)
            .map_err(|why| OpenError::Damaged { path: "in memory".into(), why: why.to_string() });
    };
    let damaged = |why: String| OpenError::Damaged { path: path.clone(), why };
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    builder.set_check_integrity_on_open(0 < length && length <= CHECKED);
    let opened = catch_unwind(AssertUnwindSafe(|| builder.create(path).map_err(Into::into).and_then(make_tables)))
        .map_err(|_| damaged(IMPOSSIBLE.to_owned()))?;
    opened.map_err(|error| match error {
        redb::Error::DatabaseAlreadyOpen => OpenError::InUse { path: path.clone() },
        redb::Error::Io(source) if source.kind() != std::io::ErrorKind::InvalidData => {
            OpenError::Io { path: path.clone(), source }
        }
        other => damaged(other.to_string()),
    })
}

/// Those who read find the tables from the start. Nothing is written when they are there: the disk may be full.
fn make_tables(database: redb::Database) -> Result<redb::Database, redb::Error> {
    if Reading(database.begin_read()?).is_complete() {
        return Ok(database);
    }
    let transaction = database.begin_write()?;
    let made = Tables::open(&transaction).and_then(|mut tables| {
        audit::index(&mut tables)?;
        tables.finish()
    });
    made.map_err(|error| StorageError::Corrupted(error.to_string()))?;
    transaction.commit()?;
    Ok(database)
}
