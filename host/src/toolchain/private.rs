//! Tools that belong to this program alone: a folder for each set of pinned versions, whole or not there.

use std::fs;
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

    /// Fills it: what is left of an attempt that was cut off is thrown away first. `fill` says whether it went well.
    pub(super) fn fill(&self, fill: impl FnOnce(&Path) -> io::Result<bool>) -> Result<(), Error> {
        let failed = |source| Error::Unwritable { path: self.folder.clone(), source };
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(failed)?;
        }
        fs::create_dir_all(&self.folder).map_err(failed)?;
        if fill(&self.folder).map_err(failed)? {
            fs::write(self.folder.join(READY), "").map_err(failed)?;
        }
        Ok(())
    }
}
