//! A report as a person reads it.

use std::fmt;

use super::report::{Latency, Report};

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connect = &self.connect;
        writeln!(out, "{}  {}\n", self.url, self.what())?;
        let made = grouped(connect.established as f64);
        let took = format!("{}, {}/s", time(connect.seconds * 1e6), grouped(connect.per_second));
        writeln!(out, "connections   {made} in {took}")?;
        if self.mode != "idle" {
            let unit = if self.mode == "connect" { "connects" } else { "messages" };
            writeln!(out, "{unit}      {} in {:.2} s", grouped(self.messages as f64), self.seconds)?;
            write!(out, "rate          {}/s", grouped(self.messages_per_second))?;
            match self.mode {
                "connect" => writeln!(out)?,
                _ => writeln!(out, ", {:.2} MB/s", self.bytes_per_second / 1e6)?,
            }
            if self.messages > 0 {
                let each = self.client_cpu_seconds / self.messages as f64 * 1e6;
                writeln!(out, "client CPU    {:.2} s, {each:.2} µs for each of them", self.client_cpu_seconds)?;
            }
        }
        if let Some(latency) = &self.latency_us {
            write!(out, "\n{}", columns(latency))?;
        }
        let mut notes = Vec::new();
        if self.unanswered > 0 {
            notes.push(format!("{} messages without a reply", grouped(self.unanswered as f64)));
        }
        if self.unexpected > 0 {
            notes.push(format!("{} messages that nobody had asked for", grouped(self.unexpected as f64)));
        }
        notes.extend(self.failures.iter().map(|(failure, count)| format!("{} × {failure}", grouped(*count as f64))));
        let notes = if notes.is_empty() { "none".to_owned() } else { notes.join("\n              ") };
        write!(out, "\nerrors        {notes}")
    }
}

impl Report {
    /// What was done, in a few words.
    pub(super) fn what(&self) -> String {
        let connections = grouped(f64::from(self.connections));
        let size = self.size_bytes;
        match (self.mode, self.in_flight, self.rate_target) {
            (mode @ "connect", ..) => format!("{mode}, {connections} at once"),
            (mode @ "idle", ..) => format!("{mode}, {connections} connections"),
            (mode, _, Some(rate)) => {
                format!("{mode}, {connections} connections, {size} B, {}/s asked for", grouped(rate))
            }
            (mode, Some(in_flight), None) => {
                format!("{mode}, {connections} connections × {in_flight} in flight, {size} B")
            }
            (mode, None, None) => format!("{mode} to {connections} connections, {size} B"),
        }
    }
}

fn columns(latency: &Latency) -> String {
    let columns = [
        ("p50", latency.p50),
        ("p75", latency.p75),
        ("p90", latency.p90),
        ("p99", latency.p99),
        ("p99.9", latency.p99_9),
        ("p99.99", latency.p99_99),
        ("max", latency.max),
        ("mean", latency.mean),
    ];
    let names: String = columns.iter().map(|(name, _)| format!("{name:>9}")).collect();
    let times: String = columns.iter().map(|(_, micros)| format!("{:>9}", time(*micros))).collect();
    format!("latency {names}\n        {times}\n")
}

/// A time in the unit that fits it, with three digits.
pub(super) fn time(micros: f64) -> String {
    let (value, unit) = match micros {
        ..1e3 => (micros, "µs"),
        1e3..1e6 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$} {unit}")
}

/// A number with its thousands apart.
pub(super) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_so_that_they_can_be_read() {
        assert_eq!(
            ["0", "999", "1,000", "285,012", "12,345,678"],
            [0.4, 999.0, 1e3, 285_012.3, 12_345_678.0].map(grouped)[..]
        );
        assert_eq!(
            ["0.50 µs", "12.3 µs", "999 µs", "1.00 ms", "45.7 ms", "3.20 s"],
            [0.5, 12.34, 999.4, 1000.0, 45_678.0, 3.2e6].map(time)[..]
        );
    }
}
