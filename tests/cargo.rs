//! Cargo, called as a person calls it at a terminal.

use std::env;
use std::ffi::OsStr;
use std::process::Command;

/// Cargo tells a program that it runs of which package that is, and some build scripts read the same variables, those of ring for one.
/// A cargo that such a program calls would build what they are for anew, and so would the next call at a terminal.
pub(crate) fn command() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os().filter(|(name, _)| is_of_a_package(name)) {
        cargo.env_remove(name);
    }
    cargo
}

fn is_of_a_package(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b"CARGO_PKG_") || name.starts_with(b"CARGO_MANIFEST_")
}
