//! `holdline doctor`: whether this machine can build plugins, and how to get what it lacks.
//!
//! It shows what the toolchain room reports. It needs no configuration and no running host.

use std::path::Path;

use crate::cli::terminal::{self, Progress};
use crate::toolchain::{self, Check, Rust, State};

/// Shows which tools for building plugins are here, and how to get the others.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline doctor             show what is here and what is missing\n  \
    holdline doctor --install   get what is missing")]
pub(super) struct Doctor {
    /// Install what is missing: by rustup, or by Debian's packages where rustup can download nothing.
    #[arg(long)]
    install: bool,
}

/// Prints the report. It fails when a tool that plugins need is missing, after trying to install it if that was asked for.
pub(super) fn run(args: Doctor) -> anyhow::Result<()> {
    // The tools are looked for as a build from here would find them: rustup may choose by folder.
    let here = Path::new(".");
    if args.install {
        let progress = Progress::start("looking for the guest toolchain");
        let installed = toolchain::install(here, &|news| progress.hear(news))?;
        progress.done(&installed.summary());
    }
    terminal::line("Rust plugins");
    for row in table(&Rust::report(here)) {
        terminal::line(row);
    }
    terminal::line(Rust::find(here)?.summary());
    Ok(())
}

/// One row for each check: a mark, the tool, and what was found or how to get it.
fn table(checks: &[Check]) -> Vec<String> {
    let width = checks.iter().map(|check| check.tool.len()).max();
    let width = width.unwrap_or_default();
    let row = |check: &Check| {
        let (mark, words) = match &check.state {
            State::Found(what) => ("✓", what.clone()),
            State::Spare => ("-", format!("not needed here ({})", check.remedy)),
            State::Missing => ("✗", format!("missing: {}", check.remedy)),
        };
        format!("  {mark} {:width$}  {words}", check.tool)
    };
    checks.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_of_the_table_stand_under_each_other() {
        let check = |tool, state| Check { tool, state, remedy: "apt-get install it".into() };
        assert_eq!(
            table(&[
                check("cargo", State::Found("cargo 1.95.0".into())),
                check("wasm32-wasip2", State::Spare),
                check("wasi-libc", State::Missing),
            ]),
            [
                "  ✓ cargo          cargo 1.95.0",
                "  - wasm32-wasip2  not needed here (apt-get install it)",
                "  ✗ wasi-libc      missing: apt-get install it",
            ]
        );
    }
}
