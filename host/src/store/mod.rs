//! What outlives a restart: the values of plugins, the records of the host with their audit log, and components. It knows neither
//! plugins nor what a record means.
//!
//! What was acknowledged is on the disk. One host at a time has a folder.

mod audit;
mod components;
mod database;
mod entries;
mod error;
mod folder;
mod records;
mod settings;
mod space;
mod tables;
mod writer;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

pub use audit::AUDIT_KEPT;
pub use error::{OpenError, StoreError};
pub use records::Batch;
pub use settings::{Settings, StorePlace};
pub use space::{Keys, MAX_BATCH, MAX_BUCKET, MAX_KEY, MAX_KEYS, MAX_VALUE, Rest, Space, Versioned};

use components::Components;
use database::Database;
use tables::{Reading, Tables};
use writer::Writer;

/// How many read at once. Each of them has a thread that may wait for the disk.
const READERS: usize = 32;

/// The store. All its clones are the same one.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    // Before the database and the lock: what is queued is written before the folder is another host's.
    writer: Writer,
    database: Arc<Database>,
    components: Arc<Components>,
    readers: Arc<Semaphore>,
    spaces: DashMap<Box<str>, Arc<space::Turns>>,
    folder: Option<PathBuf>,
    _lock: Option<File>,
}

impl Store {
    /// The store at this place.
    ///
    /// # Errors
    /// Says what is wrong with the folder, and that another host has it.
    pub fn at(place: &StorePlace) -> Result<Self, OpenError> {
        match place {
            StorePlace::Memory => Self::in_memory(),
            StorePlace::Folder(folder) => Self::open(folder),
            StorePlace::User => Self::open(&folder::of_user()?),
        }
    }

    /// The store in this folder, which is made if it is not there.
    ///
    /// # Errors
    /// Those of [`Store::at`].
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let (lock, file, components) = folder::prepare(folder)?;
        let database = Database::open(Some(file))?;
        // Only now: an empty file that was just made has to be found again.
        folder::sync(folder)?;
        let components = Components::open(components.clone()).map_err(OpenError::io(&components))?;
        Self::new(database, components, Some((folder.to_owned(), lock)))
    }

    /// A store that lasts for as long as it is used.
    ///
    /// # Errors
    /// There is no thread for it.
    pub fn in_memory() -> Result<Self, OpenError> {
        Self::new(Database::open(None)?, Components::Memory(Mutex::new(HashMap::new())), None)
    }

    fn new(database: Database, components: Components, place: Option<(PathBuf, File)>) -> Result<Self, OpenError> {
        let (folder, lock) = place.unzip();
        let database = Arc::new(database);
        let inner = Inner {
            writer: Writer::start(Arc::clone(&database))?,
            database,
            components: Arc::new(components),
            readers: Arc::new(Semaphore::new(READERS)),
            spaces: DashMap::new(),
            folder,
            _lock: lock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The folder that it is in; none if it is in memory.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.inner.folder.as_deref()
    }

    /// What the tenant of this name keeps.
    #[must_use]
    pub fn space(&self, tenant: &str) -> Space {
        let turns = self.inner.spaces.entry(tenant.into()).or_default();
        Space::new(self.clone(), tenant, Arc::clone(&turns))
    }

    /// Keeps nothing more about a tenant that keeps nothing.
    fn forget(&self, tenant: &str) {
        self.inner.spaces.remove(tenant);
    }

    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer.write(change).await
    }

    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Reading) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let database = Arc::clone(&self.inner.database);
        self.blocking(move || database.read(look)).await
    }

    async fn with_components<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Components) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let components = Arc::clone(&self.inner.components);
        self.blocking(move || work(&components)).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = Arc::clone(&self.inner.readers);
        let reader = readers.acquire_owned().await.map_err(|_| StoreError::Interrupted)?;
        let work = move || {
            let outcome = work();
            // The thread is free when the work is done, also when nobody waits for it any more.
            drop(reader);
            outcome
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(StoreError::Interrupted))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const ENOUGH: u64 = 1 << 20;

    fn refused(folder: &Path) -> OpenError {
        Store::open(folder).err().expect("it is not opened")
    }

    #[tokio::test]
    async fn what_was_acknowledged_is_there_when_the_folder_is_opened_again() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("made/here");
        for round in 1..=3_u32 {
            let store = Store::open(&folder).expect("it opens");
            let space = store.space("a");
            assert_eq!(space.increment("", "rounds", 1, ENOUGH).await, Ok(i64::from(round)));
            let before: Option<u32> = store.record("kind", "key").await.expect("a record");
            assert_eq!(before, (round > 1).then(|| round - 1));
            let batch = Batch::new().put("kind", "key", &round).and_then(|batch| batch.audit(&round)).expect("JSON");
            assert_eq!(store.commit(batch).await, Ok(Some(u64::from(round))));
        }
    }

    #[test]
    fn one_host_at_a_time_has_a_folder() {
        let place = tempfile::tempdir().expect("a folder");
        let first = Store::open(&place.path().join("it")).expect("it opens");
        let error = refused(&place.path().join("it"));
        assert!(matches!(error, OpenError::InUse { .. }), "{error}");
        drop(first);
        Store::open(&place.path().join("it")).expect("it is free");
    }

    #[test]
    fn a_store_is_for_its_user_alone() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("it");
        drop(Store::open(&folder).expect("it opens"));
        let mode = |name: &str| fs::metadata(folder.join(name)).expect("it is there").permissions().mode() & 0o777;
        assert_eq!([mode("."), mode("components"), mode("holdline.redb"), mode("lock")], [0o700, 0o700, 0o600, 0o600]);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o750)).expect("it is ours");
        let error = refused(&folder);
        assert!(matches!(error, OpenError::Shared { .. }), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("chmod")));
    }

    #[tokio::test]
    async fn a_damaged_file_says_so_and_is_left_as_it_is() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("it");
        let store = Store::open(&folder).expect("it opens");
        for number in 0..100 {
            store.space("a").set("", &number.to_string(), vec![7; 1000], ENOUGH).await.expect("room");
        }
        drop(store);
        let file = folder.join("holdline.redb");
        let whole = fs::read(&file).expect("the file");
        let mut changed = whole.clone();
        let at = whole.windows(1000).position(|bytes| bytes == [7; 1000]).expect("a value");
        changed[at + 500] ^= 1;
        let mut headless = whole.clone();
        headless[..4096].fill(0);
        for bytes in [changed, headless, whole[..whole.len() / 2].to_vec(), b"something else".to_vec()] {
            fs::write(&file, &bytes).expect("it can be written");
            let error = refused(&folder);
            assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
            assert!(error.hint().is_some_and(|hint| hint.contains("empty store")));
            assert_eq!(fs::read(&file).expect("the file").len(), bytes.len(), "it was changed");
        }
        fs::remove_file(&file).expect("it can be moved away");
        assert_eq!(Store::open(&folder).expect("an empty one").space("a").size().await, Ok(0));
    }
}
