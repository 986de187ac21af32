//! Components by their digest. A file is written beside its place, forced to the disk and then renamed, so that whoever was told
//! that it is kept finds it, whole, after any crash. What is read is checked against its digest.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::Store;
use super::error::StoreError;
use crate::digest::Digest;

/// How the name of a component's file ends.
const ENDING: &str = ".wasm";
/// How the name of a file ends that is being written.
const UNFINISHED: &str = ".unfinished";

/// Where components are kept.
pub(super) enum Components {
    /// For as long as the host runs.
    Memory(Mutex<HashMap<Digest, Arc<[u8]>>>),
    /// In a folder.
    Folder(PathBuf),
}

impl Components {
    /// The folder, without what a host that was killed has left half written.
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.as_os_str().as_encoded_bytes().ends_with(UNFINISHED.as_bytes()) {
                fs::remove_file(path)?;
            }
        }
        Ok(Self::Folder(folder))
    }

    fn keep(&self, digest: Digest, bytes: &[u8]) -> Result<(), StoreError> {
        match self {
            Self::Memory(kept) => {
                kept.lock().insert(digest, bytes.into());
            }
            Self::Folder(folder) => write(folder, digest, bytes)?,
        }
        Ok(())
    }

    fn read(&self, digest: Digest) -> Result<Option<Arc<[u8]>>, StoreError> {
        let bytes = match self {
            Self::Memory(kept) => return Ok(kept.lock().get(&digest).cloned()),
            Self::Folder(folder) => match fs::read(path(folder, digest)) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error.into()),
            },
        };
        if Digest::of(&bytes) != digest {
            return Err(StoreError::Damaged(format!("the component {digest} is not what was written")));
        }
        Ok(Some(bytes.into()))
    }

    fn list(&self) -> Result<Vec<Digest>, StoreError> {
        match self {
            Self::Memory(kept) => Ok(kept.lock().keys().copied().collect()),
            Self::Folder(folder) => Ok(digests(folder)?),
        }
    }

    fn remove(&self, digest: Digest) -> Result<(), StoreError> {
        match self {
            Self::Memory(kept) => {
                kept.lock().remove(&digest);
                Ok(())
            }
            Self::Folder(folder) => match fs::remove_file(path(folder, digest)) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
                Ok(()) | Err(_) => Ok(()),
            },
        }
    }
}

impl Store {
    /// Keeps a component. It is on the disk when this returns.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn keep_component(&self, bytes: Arc<[u8]>) -> Result<Digest, StoreError> {
        self.with_components(move |components| {
            let digest = Digest::of(&bytes);
            components.keep(digest, &bytes)?;
            Ok(digest)
        })
        .await
    }

    /// The component of this digest, if it is kept.
    ///
    /// # Errors
    /// It is damaged, or the store is in trouble.
    pub async fn component(&self, digest: Digest) -> Result<Option<Arc<[u8]>>, StoreError> {
        self.with_components(move |components| components.read(digest)).await
    }

    /// All components that are kept, in no order.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn components(&self) -> Result<Vec<Digest>, StoreError> {
        self.with_components(Components::list).await
    }

    /// Removes a component, if it is kept.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn remove_component(&self, digest: Digest) -> Result<(), StoreError> {
        self.with_components(move |components| components.remove(digest)).await
    }
}

fn path(folder: &Path, digest: Digest) -> PathBuf {
    folder.join(format!("{digest:x}{ENDING}"))
}

fn write(folder: &Path, digest: Digest, bytes: &[u8]) -> io::Result<()> {
    let place = path(folder, digest);
    // Two that keep the same component at once write the same bytes, each to a file of its own.
    let mut file = tempfile::Builder::new().suffix(UNFINISHED).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&place)?;
    // The name, too, has to be on the disk.
    File::open(folder)?.sync_all()
}

fn digests(folder: &Path) -> io::Result<Vec<Digest>> {
    let mut digests = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        // What else lies there is somebody else's.
        digests.extend(
            name.to_str().and_then(|name| name.strip_suffix(ENDING)).and_then(|hex| hex.parse::<Digest>().ok()),
        );
    }
    Ok(digests)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn keeps_and_removes(store: &Store) -> Digest {
        assert_eq!(store.components().await, Ok(Vec::new()));
        let digest = store.keep_component((*b"component").into()).await.expect("kept");
        assert_eq!(store.keep_component((*b"component").into()).await, Ok(digest));
        assert_eq!(store.components().await, Ok(vec![digest]));
        assert_eq!(store.component(digest).await, Ok(Some((*b"component").into())));
        let other = store.keep_component((*b"other").into()).await.expect("kept");
        store.remove_component(other).await.expect("removed");
        store.remove_component(other).await.expect("it is not there");
        assert_eq!(store.component(other).await, Ok(None));
        digest
    }

    #[tokio::test]
    async fn a_component_is_kept_by_its_digest() {
        keeps_and_removes(&Store::in_memory().expect("a store")).await;

        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("it");
        let digest = keeps_and_removes(&Store::open(&folder).expect("it opens")).await;
        let components = folder.join("components");
        fs::write(components.join("half.unfinished"), "").expect("it can be written");
        fs::write(components.join("notes.wasm"), "").expect("it can be written");
        let store = Store::open(&folder).expect("it opens");
        assert_eq!(store.components().await, Ok(vec![digest]));
        let names: Vec<_> = fs::read_dir(&components).expect("a folder").flatten().map(|it| it.file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");

        fs::write(path(&components, digest), "something else").expect("it can be written");
        assert!(matches!(store.component(digest).await, Err(StoreError::Damaged(_))));
    }
}
