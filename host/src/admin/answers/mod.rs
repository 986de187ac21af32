//! What the API answers: a file for each kind of thing.

pub(super) mod audit;
pub(super) mod canary;
pub(super) mod connections;
pub(super) mod held;
pub(super) mod host;
pub(super) mod logs;
pub(super) mod metrics;
pub(super) mod plugins;
pub(super) mod queues;
pub(super) mod secrets;
pub(super) mod tenants;
pub(super) mod tokens;

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::shapes::Totals;
use crate::tenant::{Counter, Limit, Usage};

/// So many of a list are told at most, and if nobody says how many.
const MOST: usize = 1_000;
const USUAL: usize = 100;

/// Which part of a list is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Part {
    plugin: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

/// Some of a list that comes in pages. Its end is said, too.
#[derive(Debug, Serialize)]
struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
}

impl Part {
    fn most(&self) -> Result<usize, Fault> {
        match self.limit.unwrap_or(USUAL) {
            most @ 1..=MOST => Ok(most),
            other => Err(Fault::invalid(format!("`limit` is {other}, and not from 1 to {MOST}"))),
        }
    }
}

/// What somebody does and has. Connections are those that are counted now.
fn totals(usage: &Usage, connections: usize, held: usize) -> Totals {
    Totals {
        connections: to_u64(connections),
        held: to_u64(held),
        messages_in: usage.counted(Counter::MessagesIn),
        messages_out: usage.counted(Counter::MessagesOut),
        bytes_in: usage.counted(Counter::BytesIn),
        bytes_out: usage.counted(Counter::BytesOut),
        events: usage.counted(Counter::Events),
        failures: usage.counted(Counter::Failures),
        memory_bytes: to_u64(usage.used(Limit::Memory)),
    }
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A time of day; what the calendar does not have is its beginning.
fn timestamp(time: std::time::SystemTime) -> jiff::Timestamp {
    jiff::Timestamp::try_from(time).unwrap_or_default()
}
