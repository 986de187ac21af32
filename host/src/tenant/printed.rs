//! How much the plugins of a tenant print in a second, all of them together.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// What they have printed.
#[derive(Debug, Default)]
pub(super) struct Printed(Mutex<Second>);

/// The second that goes on.
#[derive(Debug, Default)]
struct Second {
    begun: Option<Instant>,
    bytes: usize,
    // Since the host started.
    in_all: u64,
}

impl Printed {
    /// Counts so many bytes more, unless the second would have more than `most` of them. Then it is over for everybody: a line that is
    /// shorter and would still fit must not be told that others were left out again and again.
    pub(super) fn take(&self, bytes: usize, most: usize, now: Instant) -> bool {
        let mut second = self.0.lock();
        if second.begun.is_none_or(|begun| now.saturating_duration_since(begun) >= Duration::from_secs(1)) {
            (second.begun, second.bytes) = (Some(now), 0);
        }
        let after = second.bytes.saturating_add(bytes);
        if after > most {
            second.bytes = usize::MAX;
            return false;
        }
        second.bytes = after;
        second.in_all = second.in_all.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        true
    }

    pub(super) fn in_all(&self) -> u64 {
        self.0.lock().in_all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_so_many_bytes_and_then_it_is_over() {
        let (printed, now) = (Printed::default(), Instant::now());
        let take = |bytes, after| printed.take(bytes, 1000, now + Duration::from_millis(after));
        assert!(take(600, 0) && take(400, 999));
        assert!(!take(1, 999));
        assert!(take(900, 1000), "another second");
        assert!(!take(101, 1001) && !take(1, 1002), "nothing fits any more");
        assert_eq!(printed.in_all(), 1900);
        assert!(!printed.take(2000, 1000, now + Duration::from_secs(9)), "more than a second's worth");
    }
}
