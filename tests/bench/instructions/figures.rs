//! The figures that are recorded, and how those of now compare. It knows nothing of how they come about.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use holdline::toolchain::Rust;
use serde::Deserialize;

/// What is more than this is a failure, and what is less than this is to be kept.
const TOLERANCE_PERCENT: i64 = 10;

/// `tests/bench/instructions.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Figures {
    pub(crate) recorded_with: Versions,
    /// By cell.
    pub(crate) per_message: BTreeMap<String, u64>,
}

/// What decides about the figures beside the sources.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Versions {
    rustc: String,
    valgrind: String,
    guests: String,
}

impl Versions {
    /// Those of this machine.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let guests = Rust::find(Path::new(env!("CARGO_MANIFEST_DIR")))?.summary();
        Ok(Self { rustc: version("rustc")?, valgrind: version("valgrind")?, guests })
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {}", self.rustc, self.valgrind, self.guests)
    }
}

impl Figures {
    pub(crate) fn read() -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file()).with_context(|| format!("{} cannot be read", file().display()))?;
        toml::from_str(&text).with_context(|| format!("{} is wrong", file().display()))
    }

    pub(crate) fn write(&self) -> anyhow::Result<()> {
        let Versions { rustc, valgrind, guests } = &self.recorded_with;
        let mut text =
            "# Instructions that the host executes for one message. `cargo instructions --record` writes this file.\n"
                .to_owned();
        text.push_str(&format!("\n[recorded-with]\nrustc = {rustc:?}\nvalgrind = {valgrind:?}\n"));
        text.push_str(&format!("guests = {guests:?}\n\n[per-message]\n"));
        for (cell, figure) in &self.per_message {
            text.push_str(&format!("{cell} = {figure}\n"));
        }
        std::fs::write(file(), text)?;
        println!("recorded in {}", file().display());
        Ok(())
    }

    /// Compares with what is recorded, cell by cell.
    pub(crate) fn hold_to(&self, recorded: &Self) -> anyhow::Result<()> {
        ensure!(
            self.per_message.keys().eq(recorded.per_message.keys()),
            "the file has other cells than these, record them anew: cargo instructions --record"
        );
        println!("{:<16} {:>12} {:>12}", "per message", "recorded", "now");
        let (mut more, mut less) = (Vec::new(), Vec::new());
        for (cell, now) in &self.per_message {
            let Some(before) = recorded.per_message.get(cell) else { continue };
            let (now, before) = (i64::try_from(*now)?, i64::try_from(*before)?.max(1));
            let tenths = (now - before) * 1000 / before;
            println!("{cell:<16} {before:>12} {now:>12}  {:+.1} %", tenths as f64 / 10.0);
            if tenths > TOLERANCE_PERCENT * 10 {
                more.push(cell.as_str());
            } else if tenths < -TOLERANCE_PERCENT * 10 {
                less.push(cell.as_str());
            }
        }
        if !less.is_empty() {
            println!("\n*** over {TOLERANCE_PERCENT} % less than recorded: {}", less.join(", "));
            println!("*** record the new figures, so that they are kept: cargo instructions --record\n");
        }
        if self.recorded_with != recorded.recorded_with {
            println!("recorded with {}; counted with {}", recorded.recorded_with, self.recorded_with);
        }
        if !more.is_empty() && self.recorded_with.guests != recorded.recorded_with.guests {
            // Half of what a fresh instance takes is decided by the plugin's own imports, and those by its standard library.
            println!("\n*** over {TOLERANCE_PERCENT} % more than recorded: {}", more.join(", "));
            println!("*** not held against the host: the plugins were built another way\n");
        } else if !more.is_empty() {
            let profiles = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("instructions");
            bail!(
                "over {TOLERANCE_PERCENT} % more than recorded: {}\nhint: `callgrind_annotate {}/CELL.profile` shows where; if it has to \
                 be so: cargo instructions --record",
                more.join(", "),
                profiles.display()
            );
        }
        Ok(())
    }
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("bench").join("instructions.toml")
}

fn version(program: &str) -> anyhow::Result<String> {
    let output = Command::new(program).arg("--version").output();
    let output = output
        .with_context(|| format!("{program} does not run; `cargo verify instructions` installs what is needed"))?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
