//! Tables for people, and how they are shown numbers, times and digests. It prints nothing itself.

use std::fmt::Write;

use bytesize::ByteSize;
use jiff::Timestamp;

/// Spaces between two columns.
const GAP: &str = "  ";

/// How many digits of a digest tell versions of a plugin apart.
const DIGITS: usize = 12;

/// A column, by its head.
#[derive(Clone, Copy)]
pub(super) enum Column {
    /// Words.
    Words(&'static str),
    /// Numbers, which stand under each other by their last digit.
    Numbers(&'static str),
}

impl Column {
    /// What stands above it.
    pub(super) fn head(self) -> &'static str {
        match self {
            Self::Words(head) | Self::Numbers(head) => head,
        }
    }
}

/// The lines of a table.
pub(super) fn table<const N: usize>(columns: [Column; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| plain(cell))).collect();
    let heads = columns.map(|column| column.head().to_owned());
    let lines = || std::iter::once(&heads).chain(&rows);
    let widths: Vec<usize> = (0..N)
        .map(|at| lines().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let text = lines().map(|row| {
        let mut line = String::new();
        for ((cell, column), width) in row.iter().zip(columns).zip(&widths) {
            let _into_a_string_it_cannot_fail = match column {
                Column::Words(_) => write!(line, "{cell:width$}{GAP}"),
                Column::Numbers(_) => write!(line, "{cell:>width$}{GAP}"),
            };
        }
        line.trim_end().to_owned()
    });
    text.collect::<Vec<_>>().join("\n")
}

/// Names with their values, one a line.
pub(super) fn facts(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines = rows.iter().map(|(name, value)| format!("{name:width$}{GAP}{}", plain(value)));
    lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Text that somebody else has chosen, such as a plugin's, without what would move the cursor or colour the terminal.
pub(super) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() && letter != '\t' {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// The beginning of a digest.
pub(super) fn short(digest: &str) -> String {
    digest.trim_start_matches("sha256:").chars().take(DIGITS).collect()
}

/// What may be there.
pub(super) fn or_dash(text: Option<impl ToString>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| text.to_string())
}

/// A name of an enumeration, as JSON has it.
pub(super) fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// Bytes, in the largest unit that fits.
pub(super) fn size(bytes: u64) -> String {
    ByteSize::b(bytes).display().iec().to_string()
}

/// How long ago something was.
pub(super) fn ago(then: Timestamp) -> String {
    let milliseconds = Timestamp::now().duration_since(then).as_millis();
    span(u64::try_from(milliseconds).unwrap_or(0))
}

/// Milliseconds, in the largest unit that fits, rounded down.
pub(super) fn span(milliseconds: u64) -> String {
    let (second, minute, hour, day) = (1000, 60_000, 3_600_000, 86_400_000);
    match milliseconds {
        it if it >= 2 * day => format!("{}d", it / day),
        it if it >= 2 * hour => format!("{}h", it / hour),
        it if it >= 2 * minute => format!("{}m", it / minute),
        it if it >= second => format!("{}s", it / second),
        it => format!("{it}ms"),
    }
}

/// A number with its thousands apart.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && place % 3 == first {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// Percent, without zeros that say nothing.
pub(super) fn percent(share: f64) -> String {
    format!("{share:.1}%").replace(".0%", "%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other_numbers_by_their_last_digit() {
        let rows =
            [["echo".to_owned(), "7".to_owned(), "x".to_owned()], ["ä".to_owned(), "1,200".to_owned(), String::new()]];
        assert_eq!(
            table([Column::Words("name"), Column::Numbers("events"), Column::Words("note")], &rows),
            "name  events  note\necho       7  x\nä      1,200"
        );
        assert_eq!(facts(&[("route", "/echo".to_owned()), ("id", "7".to_owned())]), "route  /echo\nid     7");
    }

    #[test]
    fn what_a_plugin_says_cannot_reach_into_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\r\nc\u{9b}31m"), "a\\u{1b}[2Jb\\r\\nc\\u{9b}31m");
        assert_eq!(plain("käse\t✓"), "käse\t✓");
    }

    #[test]
    fn numbers_are_shown_as_people_read_them() {
        assert_eq!([0, 999, 1000, 123_456, 1_234_567].map(count), ["0", "999", "1,000", "123,456", "1,234,567"]);
        assert_eq!(
            [0, 999, 1000, 119_999, 120_000, 7_200_000, 172_800_000].map(span),
            ["0ms", "999ms", "1s", "119s", "2m", "2h", "2d"]
        );
        assert_eq!([0.0, 12.5, 100.0, 0.04].map(percent), ["0%", "12.5%", "100%", "0%"]);
        assert_eq!(short("sha256:0123456789abcdef"), "0123456789ab");
        assert_eq!([size(512), size(1 << 20)], ["512 B", "1.0 MiB"]);
    }
}
