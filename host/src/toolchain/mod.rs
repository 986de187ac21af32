//! The guest toolchains: whether this machine has what a guest's language needs, how it gets it, and one build of a plugin
//! folder into a component.
//!
//! The command line calls it, and so does whoever builds guests in bulk, through [`Rust::cargo_build`]. It blocks while its
//! tools run, so an async caller puts it on a blocking thread. It does not know the manifest beyond its file's name, nor what
//! a component must export: its answer is a path.

mod build;
mod child;
mod error;
mod install;
mod rust;
mod search;

pub use build::{Built, build};
pub use error::Error;
pub use install::install;
pub use rust::Rust;
pub use search::{Check, State};

use serde::Deserialize;

/// The language that a plugin is written in, as its manifest spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// `rust`: a Cargo package whose library is a `cdylib`.
    Rust,
}

/// What a caller hears while the tools run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News<'a> {
    /// What is being done now. It replaces the step before, and need not be kept.
    Step(&'a str),
    /// A tool's own words, such as a compiler's error, to be shown untouched.
    Line(&'a str),
}
