//! What can go wrong with a guest toolchain, in words for the person at the keyboard.
//!
//! Every failure of this room is one of these, and [`Error::hint`] says what to do about it. Printing is the caller's.

use std::io;
use std::path::PathBuf;

/// Why a toolchain was not found or not installed, or why a plugin folder was not built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder is not a plugin's: a file that every plugin of its language has is not there.
    #[error("there is no {file} in {}", dir.display())]
    NotAPlugin {
        /// The folder that was given.
        dir: PathBuf,
        /// The file that was looked for.
        file: &'static str,
    },
    /// Cargo is not installed, or refuses to run in this folder.
    #[error("cargo does not run here: {reason}")]
    NoCargo {
        /// What the system or the tool said.
        reason: String,
    },
    /// Cargo is there, but nothing that compiles for the target of guests.
    #[error("no Rust toolchain here can compile for {target}")]
    NoTarget {
        /// The target that was looked for.
        target: &'static str,
    },
    /// The compiler or cargo refused the plugin. Their own words have already gone to the caller, line by line.
    #[error("the plugin in {} was not built: cargo ended with {status}", dir.display())]
    Refused {
        /// The plugin's folder.
        dir: PathBuf,
        /// How cargo ended.
        status: String,
    },
    /// Cargo was content, but the package in the folder has no library that becomes a component.
    #[error("the package in {} is not a component: it has no cdylib library", dir.display())]
    NoComponent {
        /// The plugin's folder.
        dir: PathBuf,
    },
    /// What was tried did not bring a usable toolchain.
    #[error("the Rust guest toolchain was not installed\n{log}")]
    NotInstalled {
        /// Every command that was run, each followed by its output and how it ended.
        log: String,
        /// What a person can run instead.
        by_hand: String,
    },
    /// A tool could not be run or listened to.
    #[error("{program} could not be run: {source}")]
    Tool {
        /// The program's name or path.
        program: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// What the reader can do about it, where there is something to do that the message does not already say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::NotAPlugin { .. } => {
                Some("give the folder that holds the plugin's plugin.toml and Cargo.toml".into())
            }
            Error::NoCargo { .. } => Some("install Rust from https://rustup.rs".into()),
            Error::NoTarget { .. } => Some("holdline doctor --install".into()),
            Error::NoComponent { .. } => Some("put crate-type = [\"cdylib\"] under [lib] in its Cargo.toml".into()),
            Error::NotInstalled { by_hand, .. } => Some(by_hand.clone()),
            Error::Tool { .. } => Some("holdline doctor".into()),
            Error::Refused { .. } => None,
        }
    }
}
