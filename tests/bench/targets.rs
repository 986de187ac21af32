//! What Holdline wants to reach beside the native echo and beside its peers, and whether it has.

use serde::Serialize;

use crate::book::{Book, Quantity};
use crate::cells::Cell;
use crate::servers::Server;
use crate::table::{self, Style, number};

/// On which side of its bound a value is good.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// One thing to be reached.
#[derive(Serialize)]
pub(crate) struct Target {
    says: &'static str,
    bound: Bound,
    /// Nothing if a cell or a server that it needs was not measured.
    value: Option<f64>,
}

impl Target {
    /// By which part of the bound the value is on the good side of it; below zero it is missed.
    fn margin(&self) -> Option<f64> {
        self.value.map(|value| match self.bound {
            Bound::AtLeast(bound) => value / bound - 1.0,
            Bound::AtMost(bound) => 1.0 - value / bound,
        })
    }

    pub(crate) fn is_measured(&self) -> bool {
        self.value.is_some()
    }

    pub(crate) fn is_missed(&self) -> bool {
        // A value that is no number has not reached anything.
        self.margin().is_some_and(|margin| margin.is_nan() || margin < 0.0)
    }

    fn row(&self) -> Option<Vec<String>> {
        let (value, margin) = self.value.zip(self.margin())?;
        let bound = match self.bound {
            Bound::AtLeast(bound) => format!("≥ {}", number(bound)),
            Bound::AtMost(bound) => format!("≤ {}", number(bound)),
        };
        let outcome = if self.is_missed() {
            format!("missed by {:.0} %", margin.abs() * 100.0)
        } else {
            format!("met, {:.0} % to spare", margin * 100.0)
        };
        Some(vec![self.says.to_owned(), bound, number(value), outcome])
    }
}

/// All targets, with what was measured for them.
pub(crate) fn of(book: &Book) -> Vec<Target> {
    use Bound::{AtLeast, AtMost};
    use Quantity::{
        ConnectionBytes, ConnectsPerSecond, FramesPerSecond, MessagesPerSecond, P99Micros, WarmStartMillis,
    };
    use Server::{Bun, Event, Held, Native, Node, Pooled, SendAfter, Worker, Workerd};
    let median = |cell, server, quantity| book.median(cell, server, quantity);
    let ratio = |cell, quantity, server, to| Some(median(cell, server, quantity)? / median(cell, to, quantity)?);
    let many = |server, to| ratio(Cell::Many, MessagesPerSecond, server, to);
    let pipelined = |to| ratio(Cell::Pipelined, MessagesPerSecond, Pooled, to);
    let idle = |server| median(Cell::Idle, server, ConnectionBytes);
    let held = || Some(idle(Held)? - idle(Pooled)?);
    let target = |says, bound, value| Target { says, bound, value };
    vec![
        target("64 × 1 × 64 B, pooled to native", AtLeast(0.90), many(Pooled, Native)),
        target("64 × 1 × 64 B, pooled to Bun", AtLeast(0.80), many(Pooled, Bun)),
        target("64 × 1 × 64 B, pooled to Node", AtLeast(1.50), many(Pooled, Node)),
        target("64 × 1 × 64 B, pooled to workerd", AtLeast(6.0), many(Pooled, Workerd)),
        target("64 × 1 × 64 B, event to native", AtLeast(0.50), many(Event, Native)),
        target("64 × 1 × 64 B, a worker answers, to native", AtLeast(0.40), many(Worker, Native)),
        target("64 × 1 × 64 B, send-after 0 to native", AtLeast(0.55), many(SendAfter, Native)),
        target("16 × 16 × 64 B, pooled to native", AtLeast(0.45), pipelined(Native)),
        target("16 × 16 × 64 B, pooled to Node", AtLeast(2.0), pipelined(Node)),
        target("p99 at half load, pooled to native", AtMost(1.10), ratio(Cell::HalfLoad, P99Micros, Pooled, Native)),
        target("bytes of an idle connection", AtMost(5000.0), idle(Pooled)),
        target("bytes more of a held one", AtMost(300.0), held()),
        target("connects/s, pooled to native", AtLeast(0.80), ratio(Cell::Connects, ConnectsPerSecond, Pooled, Native)),
        target("broadcast, pooled to Bun", AtLeast(0.90), ratio(Cell::Broadcast, FramesPerSecond, Pooled, Bun)),
        target("warm start, ms", AtMost(60.0), median(Cell::Start, Pooled, WarmStartMillis)),
    ]
}

/// The targets that something was measured for, each with its outcome.
pub(crate) fn show(targets: &[Target], style: Style) -> String {
    let mut rows = vec![["target", "wanted", "measured", "outcome"].map(str::to_owned).to_vec()];
    rows.extend(targets.iter().filter_map(Target::row));
    format!("{}{}", table::heading("targets", style), table::table(&rows, style))
}
