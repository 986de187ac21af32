//! `holdline doctor`: whether this machine can build plugins, and how to get what it lacks.
//!
//! It shows what the toolchain room reports. It needs no configuration and no running host.

use std::path::Path;

use anyhow::bail;

use super::source::Advice;
use super::terminal::{self, Progress};
use crate::toolchain::{self, Check, Language, State};

/// Shows which tools for building plugins are here, and how to get the others.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline doctor                         show what is here and what is missing, for every language\n  \
    holdline doctor --install python        get what Python plugins need\n  \
    holdline doctor --install               get what plugins in any language need")]
pub(super) struct Doctor {
    /// Install what is missing, each thing in a version that is known to work: by the languages' own package managers into a folder
    /// of ours, by rustup, or by Debian's packages.
    #[arg(long)]
    install: bool,
    /// Only for these languages; without any, for all of them.
    #[arg(value_name = "LANG")]
    languages: Vec<Language>,
}

/// Prints the report. It fails when a tool is missing for a language that was asked for, after trying to install it if that was
/// asked for; without a language, when plugins cannot be built in any.
pub(super) fn run(args: Doctor) -> anyhow::Result<()> {
    // The tools are looked for as a build from here would find them: rustup may choose by folder.
    let here = Path::new(".");
    let all = args.languages.is_empty();
    let languages = if all { Language::ALL.to_vec() } else { args.languages };
    let mut missing = Vec::new();
    for language in &languages {
        if args.install {
            let progress = Progress::start(&format!("looking for what {} plugins need", language.name()));
            match toolchain::install(*language, here, &|news| progress.hear(news)) {
                Ok(()) => progress.done(&format!("{} plugins can be built", language.name())),
                // The other languages do not depend on this one.
                Err(error) => {
                    progress.line(&error.to_string());
                    if let Some(hint) = error.hint() {
                        progress.line(&format!("hint: {hint}"));
                    }
                }
            }
        }
        terminal::line(format!("{} plugins", language.name()));
        let checks = toolchain::report(*language, here)?;
        for row in table(&checks) {
            terminal::line(row);
        }
        if checks.iter().any(|check| check.state == State::Missing) {
            missing.push(language);
        }
    }
    if missing.is_empty() || all && missing.len() < languages.len() {
        return Ok(());
    }
    let ids: Vec<_> = missing.iter().map(|language| language.id()).collect();
    let names: Vec<_> = missing.iter().map(|language| language.name()).collect();
    bail!(Advice {
        message: format!("plugins in {} cannot be built here", names.join(", ")),
        hint: format!("holdline doctor --install {}", ids.join(" ")),
    });
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
