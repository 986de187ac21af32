//! Gets the guest toolchain onto this machine, by rustup where that works and by Debian's packages where it does not.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::search::PACKAGES;
use super::{Rust, TARGET};
use crate::toolchain::error::Error;
use crate::toolchain::install::Attempts;
use crate::toolchain::{Language, News};

/// A rustup that cannot reach its server retries for minutes; the target itself is there within seconds.
const RUSTUP_LIMIT: Duration = Duration::from_secs(60);

/// Installs what is missing to build the Rust package in `dir`, and finds it again. Nothing is run when nothing is missing.
///
/// # Errors
/// No way led to a toolchain: the error holds everything that was run, and its hint what a person can run.
pub(in crate::toolchain) fn install(dir: &Path, news: &dyn Fn(News<'_>)) -> Result<Rust, Error> {
    match Rust::find(dir) {
        // Neither way brings a cargo, so a missing one stays an error.
        Err(Error::NoTarget { .. }) => {}
        found => return found,
    }
    let mut attempts = Attempts::new(news);
    attempts.run(rustup(dir), Some(RUSTUP_LIMIT));
    if let Ok(rust) = Rust::find(dir) {
        return Ok(rust);
    }
    let by_hand = attempts.debian(&PACKAGES).unwrap_or_else(|| format!("rustup target add {TARGET}"));
    Rust::find(dir).map_err(|_| attempts.failed(Language::Rust, by_hand))
}

/// In the folder, because rustup adds the target to the toolchain that it chooses there.
fn rustup(dir: &Path) -> Command {
    let mut command = Command::new("rustup");
    command.args(["target", "add", TARGET]).current_dir(dir);
    command
}
