//! The host as a whole.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The host as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Host {
    /// The version of Holdline.
    pub version: String,
    /// When it began.
    pub started: Timestamp,
    /// How long ago that was.
    pub uptime_ms: u64,
    /// How it is.
    pub state: HostState,
    /// How many.
    pub tenants: u64,
    /// How many.
    pub plugins: u64,
    /// Instances that are alive.
    pub instances: u64,
    /// Memory of the process.
    pub resident_bytes: u64,
    /// What it does and has.
    pub totals: Totals,
}

/// Gauges of this moment, and counters that only grow while the host runs: two looks make a rate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Totals {
    /// Open connections.
    pub connections: u64,
    /// Held ones among them.
    pub held: u64,
    /// Messages that came from clients.
    pub messages_in: u64,
    /// Messages that were written to clients.
    pub messages_out: u64,
    /// Their payload.
    pub bytes_in: u64,
    /// Their payload.
    pub bytes_out: u64,
    /// Calls of handlers, of every kind.
    pub events: u64,
    /// Calls that trapped, were given up, or returned an error.
    pub failures: u64,
    /// Linear memory of the instances that are alive.
    pub memory_bytes: u64,
}

/// Whether the host takes new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostState {
    /// Not yet.
    Starting,
    /// It does.
    Ready,
    /// No longer.
    Draining,
}
