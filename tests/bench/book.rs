//! What was measured: for each cell, server and quantity the values of all rounds.

use serde::Serialize;

use crate::cells::Cell;
use crate::servers::Server;

/// What a value says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Quantity {
    MessagesPerSecond,
    ConnectsPerSecond,
    FramesPerSecond,
    ConnectionBytes,
    ColdStartMillis,
    WarmStartMillis,
    P50Micros,
    P99Micros,
    CpuMicrosPerMessage,
    ServerBusyPercent,
    ClientBusyPercent,
    OthersBusyPercent,
    ServerMemoryMib,
}

impl Quantity {
    /// The head of its column.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::MessagesPerSecond => "messages/s",
            Self::ConnectsPerSecond => "connects/s",
            Self::FramesPerSecond => "frames/s",
            Self::ConnectionBytes => "bytes/connection",
            Self::ColdStartMillis => "cold start, ms",
            Self::WarmStartMillis => "warm start, ms",
            Self::P50Micros => "p50, µs",
            Self::P99Micros => "p99, µs",
            Self::CpuMicrosPerMessage => "CPU, µs each",
            Self::ServerBusyPercent => "server busy, %",
            Self::ClientBusyPercent => "client busy, %",
            Self::OthersBusyPercent => "others busy, %",
            Self::ServerMemoryMib => "memory, MiB",
        }
    }

    /// True if it says how much of the machine was used, and by whom.
    pub(crate) fn is_use_of_machine(self) -> bool {
        matches!(self, Self::ServerBusyPercent | Self::ClientBusyPercent | Self::OthersBusyPercent)
    }
}

/// What one measurement has brought.
pub(crate) type Figures = Vec<(Quantity, f64)>;

/// The values of one quantity.
#[derive(Serialize)]
pub(crate) struct Entry {
    pub(crate) cell: Cell,
    pub(crate) server: Server,
    pub(crate) quantity: Quantity,
    values: Vec<f64>,
}

impl Entry {
    /// The middle one of its values, or the mean of the two in the middle.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        middle(sorted.len() / 2).midpoint(middle(sorted.len().saturating_sub(1) / 2))
    }

    /// The least and the greatest of its values.
    pub(crate) fn spread(&self) -> (f64, f64) {
        let values = || self.values.iter().copied();
        (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
    }
}

/// All that was measured, in the order in which it came.
#[derive(Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Book {
    entries: Vec<Entry>,
}

impl Book {
    pub(crate) fn add(&mut self, cell: Cell, server: Server, figures: Figures) {
        for (quantity, value) in figures {
            let found = |entry: &&mut Entry| (entry.cell, entry.server, entry.quantity) == (cell, server, quantity);
            match self.entries.iter_mut().find(found) {
                Some(entry) => entry.values.push(value),
                None => self.entries.push(Entry { cell, server, quantity, values: vec![value] }),
            }
        }
    }

    /// What was measured in a cell.
    pub(crate) fn of(&self, cell: Cell) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.cell == cell)
    }

    /// The greatest of all values of a quantity.
    pub(crate) fn greatest(&self, quantity: Quantity) -> f64 {
        let entries = self.entries.iter().filter(|entry| entry.quantity == quantity);
        entries.map(|entry| entry.spread().1).fold(0.0, f64::max)
    }

    pub(crate) fn entry(&self, cell: Cell, server: Server, quantity: Quantity) -> Option<&Entry> {
        self.of(cell).find(|entry| entry.server == server && entry.quantity == quantity)
    }

    pub(crate) fn median(&self, cell: Cell, server: Server, quantity: Quantity) -> Option<f64> {
        self.entry(cell, server, quantity).map(Entry::median)
    }
}
