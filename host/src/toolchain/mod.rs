//! The guest toolchains: whether this machine has what a guest's language needs, how it gets it, and one build of a plugin
//! folder into a component.
//!
//! The command line calls it, and so does whoever builds Rust guests in bulk, through [`Rust::cargo_build`]. It blocks while its
//! tools run, so an async caller puts it on a blocking thread. It does not know the manifest beyond its file's name, nor what
//! a component must export: its answer is a path.

mod c;
mod check;
mod child;
mod component;
mod error;
mod go;
mod install;
mod javascript;
mod places;
mod private;
mod python;
mod rust;
mod sdk;

use std::path::{Path, PathBuf};

pub use check::{Check, State};
pub use error::Error;
pub use rust::Rust;
pub use sdk::Sdk;

use clap::ValueEnum;
use serde::Deserialize;

/// The language that a plugin is written in, as its manifest spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// A Cargo package whose library is a `cdylib`.
    Rust,
    /// A module, `index.js` or `index.ts`, and what it imports.
    Javascript,
    /// A module, `plugin.py`, and what it imports.
    Python,
    /// A package `main` with a go.mod.
    Go,
    /// All `.c` files of the folder.
    C,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Rust, Self::Javascript, Self::Python, Self::Go, Self::C];

    /// As the manifest spells it.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Javascript => "javascript",
            Self::Python => "python",
            Self::Go => "go",
            Self::C => "c",
        }
    }

    /// As people spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Javascript => "JavaScript",
            Self::Python => "Python",
            Self::Go => "Go",
            Self::C => "C",
        }
    }
}

/// What a caller hears while the tools run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News<'a> {
    /// What is being done now. It replaces the step before, and need not be kept.
    Step(&'a str),
    /// A tool's own words, such as a compiler's error, to be shown untouched.
    Line(&'a str),
}

/// What was looked for to build plugins of this language in `dir`, what was found, and how to get the rest.
///
/// # Errors
/// The SDKs cannot be laid out.
pub fn report(language: Language, dir: &Path) -> Result<Vec<Check>, Error> {
    match language {
        Language::Rust => Ok(Rust::report(dir)),
        Language::Javascript => javascript::report(),
        Language::Python => python::report(),
        Language::Go => go::report(),
        Language::C => Ok(c::report()),
    }
}

/// Installs what is missing to build plugins of this language in `dir`. Nothing is run when nothing is missing.
///
/// # Errors
/// No way led to a toolchain: the error holds everything that was run, and its hint what a person can run.
pub fn install(language: Language, dir: &Path, news: &dyn Fn(News<'_>)) -> Result<(), Error> {
    match language {
        Language::Rust => rust::install(dir, news).map(drop),
        Language::Javascript => javascript::install(news),
        Language::Python => python::install(news),
        Language::Go => go::install(news),
        Language::C => c::install(news),
    }
}

/// Builds the plugin in `dir`, and blocks until its tools have ended: the component, which the next build overwrites.
///
/// # Errors
/// A folder that is no plugin's, a toolchain that is not installed, and a plugin that its compiler refuses. The compiler's
/// words come through `news`, before the error.
pub fn build(dir: &Path, language: Language, news: &dyn Fn(News<'_>)) -> Result<PathBuf, Error> {
    require(dir, "plugin.toml")?;
    match language {
        Language::Rust => rust::build(dir, news),
        Language::Javascript => javascript::build(dir, news),
        Language::Python => python::build(dir, news),
        Language::Go => go::build(dir, news),
        Language::C => c::build(dir, news),
    }
}

/// The full path of a file that the folder must have, spelled as cargo spells it.
fn require(dir: &Path, file: &'static str) -> Result<PathBuf, Error> {
    dir.join(file).canonicalize().map_err(|_| Error::NotAPlugin { dir: dir.into(), file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_manifest_is_named() {
        let error = build(Path::new("/no/such/plugin"), Language::Rust, &|_| {}).unwrap_err();
        assert_eq!(error.to_string(), "there is no plugin.toml in /no/such/plugin");
    }
}
