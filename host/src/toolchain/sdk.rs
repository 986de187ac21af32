//! The SDKs and the contract as files. They are in the program, so that the two always fit, and are laid out where compilers find
//! them, as they lie in a checkout.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use super::error::Error;
use super::{Language, places};

#[derive(RustEmbed)]
#[folder = "../guest-sdk"]
#[exclude = "*/node_modules/*"]
#[exclude = "*/target/*"]
#[exclude = "*.pyc"]
struct Sdks;

#[derive(RustEmbed)]
#[folder = "../wit"]
#[include = "websocket/*.wit"]
struct Contract;

/// The SDKs, laid out.
#[derive(Clone, Debug)]
pub struct Sdk {
    root: PathBuf,
}

impl Sdk {
    /// Lays them out in the user's data folder, unless they are there.
    ///
    /// # Errors
    /// There is no such folder, or nothing can be written to it.
    pub fn unpack() -> Result<Self, Error> {
        let sdks = places::data()?.join("sdk");
        let root = sdks.join(format!("{}-{}", env!("CARGO_PKG_VERSION"), digest()));
        if !root.exists() {
            let failed = |source| Error::Unwritable { path: root.clone(), source };
            lay_out(&sdks, &root).map_err(failed)?;
        }
        Ok(Self { root })
    }

    /// The folder of a language's SDK.
    #[must_use]
    pub fn of(&self, language: Language) -> PathBuf {
        self.root.join("guest-sdk").join(match language {
            Language::Rust => "rust",
            Language::Javascript => "js",
            Language::Python => "python",
            Language::Go => "go",
            Language::C => "c",
        })
    }

    /// A file of a language's SDK.
    pub(super) fn read(&self, language: Language, file: &str) -> Result<Vec<u8>, Error> {
        let path = self.of(language).join(file);
        fs::read(&path).map_err(|source| Error::Unwritable { path, source })
    }

    /// The contract.
    #[must_use]
    pub fn wit(&self) -> PathBuf {
        self.root.join("wit").join("websocket")
    }
}

/// All files, each with its path from the root of a checkout.
fn files() -> impl Iterator<Item = (PathBuf, Cow<'static, [u8]>)> {
    let sdks = Sdks::iter().filter_map(|path| Some((Path::new("guest-sdk").join(&*path), Sdks::get(&path)?.data)));
    let contract =
        Contract::iter().filter_map(|path| Some((Path::new("wit").join(&*path), Contract::get(&path)?.data)));
    sdks.chain(contract)
}

/// Tells two versions of the files apart: the first 64 bits of a digest.
fn digest() -> String {
    let mut digest = Sha256::new();
    for (path, data) in files() {
        digest.update(path.as_os_str().as_encoded_bytes());
        digest.update(data.len().to_le_bytes());
        digest.update(&data);
    }
    digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// All or nothing: whoever comes at the same time finds a whole one, too.
fn lay_out(sdks: &Path, root: &Path) -> io::Result<()> {
    fs::create_dir_all(sdks)?;
    let begun = tempfile::tempdir_in(sdks)?;
    for (path, data) in files() {
        let file = begun.path().join(path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(file, data)?;
    }
    match fs::rename(begun.path(), root) {
        // Somebody else was faster.
        Err(_) if root.exists() => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_laid_out_is_a_checkout_of_the_sdks() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("sdk");
        lay_out(folder.path(), &root).expect("laid out");
        for file in ["guest-sdk/rust/Cargo.toml", "guest-sdk/rust/src/lib.rs", "wit/websocket/package.wit"] {
            assert!(root.join(file).exists(), "{file}");
        }
        lay_out(folder.path(), &root).expect("the second time");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left of an attempt");
    }
}
