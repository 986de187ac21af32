//! When things are due that happen at a rate.
//!
//! The times follow from the number of a thing alone, so what is behind its time costs no memory, however much it is.

use std::time::{Duration, Instant};

/// A rate, from a moment on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    start: Instant,
    interval: f64,
    // By how much of an interval the first is later than the start: threads that share a rate take turns.
    shift: f64,
}

impl Pace {
    /// One thing in each interval of so many seconds; the first is due when this part of an interval is over.
    pub(super) fn new(start: Instant, interval: f64, shift: f64) -> Pace {
        Pace { start, interval, shift }
    }

    /// When the thing with this number is due; the first one is 0.
    pub(super) fn due(&self, number: u64) -> Instant {
        let seconds = (number as f64 + self.shift) * self.interval;
        // What is due beyond the end of time is never due within a run.
        let after = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        self.start.checked_add(after).unwrap_or(self.start)
    }

    /// How many are due.
    pub(super) fn count(&self, now: Instant) -> u64 {
        let seconds = now.saturating_duration_since(self.start).as_secs_f64();
        let intervals = seconds / self.interval - self.shift;
        if intervals < 0.0 { 0 } else { intervals as u64 + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_due_as_the_rate_says() {
        let start = Instant::now();
        let pace = Pace::new(start, 0.001, 0.5);
        assert_eq!(pace.count(start), 0);
        assert_eq!(pace.count(start + Duration::from_micros(501)), 1);
        assert_eq!(pace.count(start + Duration::from_micros(1499)), 1);
        assert_eq!(pace.count(start + Duration::from_secs(3600)), 3_600_000);
        assert_eq!(pace.due(0), start + Duration::from_micros(500));
        assert_eq!(pace.due(1000), start + Duration::from_micros(1_000_500));
    }

    #[test]
    fn what_is_counted_as_due_is_due() {
        let start = Instant::now();
        let pace = Pace::new(start, 1.0 / 170_003.0, 0.25);
        for nanos in (0..1_000_000).step_by(997) {
            let now = start + Duration::from_nanos(nanos);
            let count = pace.count(now);
            let grain = Duration::from_nanos(1);
            assert!(count == 0 || pace.due(count - 1) <= now + grain);
            assert!(pace.due(count) + grain > now);
        }
    }
}
