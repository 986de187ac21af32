//! Between the durations of Rust and the milliseconds of the contract.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Whole milliseconds, rounded up so that a short wait does not become none, and at most what the contract can say.
pub(crate) fn millis(duration: Duration) -> u64 {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).unwrap_or(u64::MAX)
}

/// Milliseconds since the Unix epoch; a time before it is as past as the epoch itself.
pub(crate) fn unix_millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_millisecond_counts_as_a_whole_one() {
        assert_eq!(millis(Duration::ZERO), 0);
        assert_eq!(millis(Duration::from_nanos(1)), 1);
        assert_eq!(millis(Duration::from_millis(1500)), 1500);
    }

    #[test]
    fn the_ends_of_time_stay_in_range() {
        assert_eq!(millis(Duration::MAX), u64::MAX);
        assert_eq!(unix_millis(UNIX_EPOCH - Duration::from_secs(1)), 0);
        assert_eq!(unix_millis(UNIX_EPOCH + Duration::from_secs(1)), 1000);
    }
}
