//! Tables for a terminal and for a README.

use crate::book::{Book, Entry, Quantity};
use crate::cells::Cell;
use crate::servers::Server;

/// Where a table is read.
#[derive(Clone, Copy)]
pub(crate) enum Style {
    Terminal,
    Markdown,
}

/// What was measured in a cell: the medians, how they compare with the native echo, and the spread of the first quantity.
pub(crate) fn of_cell(book: &Book, cell: Cell, style: Style) -> Option<String> {
    let mut quantities: Vec<Quantity> = Vec::new();
    let mut servers: Vec<Server> = Vec::new();
    // Whether a measurement was good concerns who has made it.
    let shown = |entry: &&Entry| matches!(style, Style::Terminal) || !entry.quantity.is_use_of_machine();
    for entry in book.of(cell).filter(shown) {
        if !quantities.contains(&entry.quantity) {
            quantities.push(entry.quantity);
        }
        if !servers.contains(&entry.server) {
            servers.push(entry.server);
        }
    }
    let (first, others) = quantities.split_first()?;
    let native = book.median(cell, Server::Native, *first);
    let mut head = vec!["server".to_owned(), first.title().to_owned(), "min … max".to_owned()];
    head.extend(native.map(|_| "to native".to_owned()));
    head.extend(others.iter().map(|quantity| quantity.title().to_owned()));
    let mut rows = vec![head];
    // Servers that failed in the first round and not in a later one would otherwise be last.
    for server in cell.servers().iter().filter(|server| servers.contains(server)) {
        let entry = book.entry(cell, *server, *first);
        let spread = entry.map(Entry::spread).map(|(min, max)| format!("{} … {}", number(min), number(max)));
        let mut row = vec![server.title().to_owned()];
        row.extend([entry.map(|entry| number(entry.median())), spread].map(Option::unwrap_or_default));
        row.extend(entry.zip(native).map(|(entry, native)| format!("{:.2}", entry.median() / native)));
        let median = |quantity: &Quantity| book.median(cell, *server, *quantity).map(number).unwrap_or_default();
        row.extend(others.iter().map(median));
        rows.push(row);
    }
    Some(format!("{}{}", heading(&cell.title(), style), table(&rows, style)))
}

/// The line above a table.
pub(crate) fn heading(title: &str, style: Style) -> String {
    match style {
        Style::Terminal => format!("\n{title}\n"),
        Style::Markdown => format!("\n**{title}**\n\n"),
    }
}

/// Rows of equally many fields, the first of which is the head.
pub(crate) fn table(rows: &[Vec<String>], style: Style) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|field: &String| field.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        // What a row is of stands at the left, and numbers stand under each other.
        let fields = row.iter().zip(&widths).enumerate().map(|(column, (field, width))| match column {
            0 => format!("{field:<width$}"),
            _ => format!("{field:>width$}"),
        });
        let fields: Vec<String> = fields.collect();
        match style {
            Style::Terminal => text += &format!("  {}\n", fields.join("   ")),
            Style::Markdown => text += &format!("| {} |\n", fields.join(" | ")),
        }
        if let (0, Style::Markdown) = (number, style) {
            text += &format!("|---|{}\n", "---:|".repeat(columns.saturating_sub(1)));
        }
    }
    text
}

/// As many digits as mean something, in groups of three.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "none".to_owned();
    }
    if value.abs() < 10.0 {
        return format!("{value:.2}");
    }
    if value.abs() < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}
