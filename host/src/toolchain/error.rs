//! What can go wrong with a guest toolchain, in words for the person at the keyboard.
//!
//! Every failure of this room is one of these, and [`Error::hint`] says what to do about it. Printing is the caller's.

use std::io;
use std::path::PathBuf;

use super::Language;

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
    /// A tool that builds guests of this language is not there.
    #[error("{tool} is not here, and builds {} plugins", language.name())]
    Missing {
        /// What was looked for.
        tool: &'static str,
        /// The language.
        language: Language,
    },
    /// The compiler refused the plugin. Its own words have already gone to the caller, line by line.
    #[error("the plugin in {} was not built: {tool} ended with {status}", dir.display())]
    Refused {
        /// The plugin's folder.
        dir: PathBuf,
        /// What refused it.
        tool: &'static str,
        /// How it ended.
        status: String,
    },
    /// Cargo was content, but the package in the folder has no library that becomes a component.
    #[error("the package in {} is not a component: it has no cdylib library", dir.display())]
    NoComponent {
        /// The plugin's folder.
        dir: PathBuf,
    },
    /// The compiler was content, but what it left cannot become a component.
    #[error("the plugin was compiled and cannot become a component: {reason}")]
    NotAComponent {
        /// What is wrong with it.
        reason: String,
    },
    /// What was tried did not bring a usable toolchain.
    #[error("the toolchain for {} plugins was not installed\n{log}", language.name())]
    NotInstalled {
        /// The language.
        language: Language,
        /// Every command that was run, each followed by its output and how it ended.
        log: String,
        /// What a person can run instead.
        by_hand: String,
    },
    /// There is no folder of the user's own.
    #[error("there is no folder for tools: neither {variable} nor HOME is set")]
    NoHome {
        /// The variable that may name it.
        variable: &'static str,
    },
    /// A folder of the user's cannot be used.
    #[error("{} cannot be used: {source}", path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
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
            Error::NotAPlugin { file, .. } => {
                Some(format!("give the folder that holds the plugin's plugin.toml and its sources, {file} among them"))
            }
            Error::NoCargo { .. } => Some("install Rust from https://rustup.rs".into()),
            Error::NoTarget { .. } => Some("holdline doctor --install rust".into()),
            Error::Missing { language, .. } => Some(format!("holdline doctor --install {}", language.id())),
            Error::NoComponent { .. } => Some("put crate-type = [\"cdylib\"] under [lib] in its Cargo.toml".into()),
            Error::NotInstalled { by_hand, .. } => Some(by_hand.clone()),
            Error::Tool { .. } => Some("holdline doctor".into()),
            Error::Refused { .. } | Error::NotAComponent { .. } | Error::NoHome { .. } | Error::Unwritable { .. } => {
                None
            }
        }
    }
}
