//! Tools that belong to this program alone: a folder for each set of pinned versions, whole or not there.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::Error;
use super::{Language, places};

/// The last thing that is written when a folder is filled.
const READY: &str = "ready";

/// One folder of tools.
#[derive(Clone, Debug)]
pub(super) struct Private {
    folder: PathBuf,
}

impl Private {
    /// The folder for what these pins pin.
    pub(super) fn of(language: Language, pins: impl AsRef<[u8]>) -> Result<Self, Error> {
        let digest: String = Sha256::digest(pins).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { folder: places::data()?.join("tools").join(format!("{}-{digest}", language.id())) })
    }

    /// A folder of its own within this one.
    pub(super) fn within(&self, name: &str) -> Self {
        Self { folder: self.folder.join(name) }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn is_ready(&self) -> bool {
        self.folder.join(READY).exists()
    }

    /// Fills it, unless it is there. What is left of an attempt that was cut off is thrown away first, and whoever wants the same at the
    /// same time waits. `fill` says whether it went well.
    pub(super) fn fill(&self, fill: impl FnOnce(&Path) -> io::Result<bool>) -> Result<(), Error> {
        self.fill_alone(fill).map_err(|source| Error::Unwritable { path: self.folder.clone(), source })
    }

    fn fill_alone(&self, fill: impl FnOnce(&Path) -> io::Result<bool>) -> io::Result<()> {
        if let Some(parent) = self.folder.parent() {
            fs::create_dir_all(parent)?;
        }
        // Free again when it is closed, however this ends.
        let lock = File::create(self.folder.with_extension("lock"))?;
        lock.lock()?;
        if self.is_ready() {
            return Ok(());
        }
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        fs::create_dir(&self.folder)?;
        if fill(&self.folder)? {
            fs::write(self.folder.join(READY), "")?;
        }
        Ok(())
    }
}
