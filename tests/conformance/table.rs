//! The table of language × case.

use std::fs;
use std::path::Path;

use anyhow::Context;

/// Between these lines the table stands in the README.
const BEGIN: &str = "<!-- conformance -->\n";
const END: &str = "<!-- end of conformance -->\n";

/// One case.
pub(crate) struct Row {
    case: &'static str,
    holds: Vec<bool>,
}

impl Row {
    pub(crate) fn new(case: &'static str) -> Self {
        Self { case, holds: Vec::new() }
    }

    /// The next language.
    pub(crate) fn add(&mut self, holds: bool) {
        self.holds.push(holds);
    }
}

pub(crate) fn table(languages: &[&str], rows: &[Row]) -> String {
    let mut table = format!("| case | {} |\n|---|{}\n", languages.join(" | "), "---|".repeat(languages.len()));
    for Row { case, holds } in rows {
        let holds: Vec<_> = holds.iter().map(|holds| if *holds { "yes" } else { "no" }).collect();
        table.push_str(&format!("| {case} | {} |\n", holds.join(" | ")));
    }
    table
}

/// Whether the file has this table.
pub(crate) fn is_in(file: &Path, table: &str) -> anyhow::Result<bool> {
    Ok(parts(&fs::read_to_string(file)?)?.1 == table)
}

/// Puts the table into the file.
pub(crate) fn write(file: &Path, table: &str) -> anyhow::Result<()> {
    let text = fs::read_to_string(file)?;
    let (before, _, after) = parts(&text)?;
    Ok(fs::write(file, format!("{before}{BEGIN}{table}{END}{after}"))?)
}

fn parts(text: &str) -> anyhow::Result<(&str, &str, &str)> {
    let (before, rest) = text.split_once(BEGIN).context("the README has no place for the table")?;
    let (table, after) = rest.split_once(END).context("the README's place for the table has no end")?;
    Ok((before, table, after))
}
