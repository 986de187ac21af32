//! What one thread has counted, and how the counts of several threads become one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};

use super::failure::Failure;

/// Nothing that is measured takes longer than an hour; what does counts as an hour.
const LONGEST: Duration = Duration::from_secs(3600);

/// Of each latency this many digits are kept.
const DIGITS: u8 = 3;

/// The counts of one thread.
#[derive(Debug)]
pub(super) struct Tally {
    /// In nanoseconds. It has room for all there can be, so recording allocates nothing.
    pub(super) latency: Histogram<u64>,
    pub(super) messages: u64,
    pub(super) bytes: u64,
    /// Messages that nobody had asked for.
    pub(super) unexpected: u64,
    /// Messages that were sent on connections which broke, or had been due for long when the measuring ended, and had no reply.
    pub(super) unanswered: u64,
    pub(super) established: u64,
    pub(super) failed: u64,
    pub(super) broken: u64,
    pub(super) failures: BTreeMap<Failure, u64>,
    /// When the first connection was begun, and when the last one was made.
    pub(super) connecting: Option<(Instant, Instant)>,
    pub(super) measured: Duration,
    pub(super) cpu: Duration,
}

impl Tally {
    pub(super) fn new() -> Result<Tally, hdrhistogram::CreationError> {
        Ok(Tally {
            latency: Histogram::new_with_bounds(1, nanos(LONGEST), DIGITS)?,
            messages: 0,
            bytes: 0,
            unexpected: 0,
            unanswered: 0,
            established: 0,
            failed: 0,
            broken: 0,
            failures: BTreeMap::new(),
            connecting: None,
            measured: Duration::ZERO,
            cpu: Duration::ZERO,
        })
    }

    /// A message has come, or a connection, after so long.
    pub(super) fn record(&mut self, latency: Duration) {
        self.messages += 1;
        self.latency.saturating_record(nanos(latency));
    }

    /// A connection was made.
    pub(super) fn establish(&mut self, now: Instant) {
        self.established += 1;
        if let Some((_, last)) = &mut self.connecting {
            *last = now;
        }
    }

    /// A connection was not made.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.failed += 1;
        *self.failures.entry(failure).or_default() += 1;
    }

    /// A connection that was made has broken.
    pub(super) fn break_off(&mut self, failure: Failure) {
        self.broken += 1;
        *self.failures.entry(failure).or_default() += 1;
    }

    /// Takes in the counts of another thread of the same run.
    pub(super) fn add(&mut self, other: &Tally) {
        // The bounds are the same, so it has room.
        let _fits = self.latency.add(&other.latency);
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.unexpected += other.unexpected;
        self.unanswered += other.unanswered;
        self.established += other.established;
        self.failed += other.failed;
        self.broken += other.broken;
        for (failure, count) in &other.failures {
            *self.failures.entry(failure.clone()).or_default() += count;
        }
        self.connecting = match (self.connecting, other.connecting) {
            (Some((first, last)), Some((begun, made))) => Some((first.min(begun), last.max(made))),
            (one, another) => one.or(another),
        };
        self.measured = self.measured.max(other.measured);
        self.cpu += other.cpu;
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The computing time that this thread has taken so far.
pub(super) fn cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
