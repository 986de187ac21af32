//! How fast the clients of a tenant may send: messages and bytes a second, over all its connections.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::limits::Limits;
use super::usage::Limit;

/// Bytes are counted in units of so many, so that a second's worth of them is a number that the limiter can count with.
const UNIT: u64 = 1 << 10;

/// Whether a message may be handled now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// It may.
    Kept,
    /// Not yet.
    TooFast {
        /// Which limit it is.
        limit: Limit,
        /// After so long it is worth another try.
        wait: Duration,
    },
}

/// The limiters of one tenant: the generic cell rate algorithm of the `governor` crate, with a second's worth of burst.
#[derive(Debug)]
pub(super) struct Rates {
    messages: Option<DefaultDirectRateLimiter>,
    bytes: Option<DefaultDirectRateLimiter>,
}

impl Rates {
    pub(super) fn new(limits: &Limits) -> Self {
        let per_second = |number: u64| {
            let number = NonZeroU32::new(u32::try_from(number).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN);
            RateLimiter::direct(Quota::per_second(number))
        };
        Self {
            messages: limits.messages_per_second.map(|rate| per_second(u64::from(rate))),
            bytes: limits.bytes_per_second.map(|rate| per_second(rate.as_u64().div_ceil(UNIT))),
        }
    }

    pub(super) fn pace(&self, size: usize) -> Pace {
        let too_fast = |limiter: &Option<DefaultDirectRateLimiter>, cells: u32, limit| {
            let limiter = limiter.as_ref()?;
            let cells = NonZeroU32::new(cells)?;
            let wait = match limiter.check_n(cells) {
                Ok(Ok(())) => return None,
                Ok(Err(late)) => late.wait_time_from(DefaultClock::default().now()),
                // One message that is more than a second's worth.
                Err(_) => Duration::from_secs(1),
            };
            Some(Pace::TooFast { limit, wait })
        };
        let units = u64::try_from(size).unwrap_or(u64::MAX).div_ceil(UNIT);
        too_fast(&self.messages, 1, Limit::MessageRate)
            .or_else(|| too_fast(&self.bytes, u32::try_from(units).unwrap_or(u32::MAX), Limit::ByteRate))
            .unwrap_or(Pace::Kept)
    }
}

#[cfg(test)]
mod tests {
    use bytesize::ByteSize;

    use super::*;

    #[test]
    fn a_second_of_burst_and_then_the_rate() {
        let rates = Rates::new(&Limits { messages_per_second: Some(10), ..Limits::unlimited() });
        assert!((0..10).all(|_| rates.pace(1) == Pace::Kept));
        let Pace::TooFast { limit, wait } = rates.pace(1) else { panic!("the eleventh was not too fast") };
        assert_eq!(limit, Limit::MessageRate);
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
    }

    #[test]
    fn bytes_are_counted_too() {
        let rates = Rates::new(&Limits { bytes_per_second: Some(ByteSize::kib(8)), ..Limits::unlimited() });
        assert_eq!(rates.pace(6 << 10), Pace::Kept);
        assert!(matches!(rates.pace(6 << 10), Pace::TooFast { limit: Limit::ByteRate, .. }));
        assert!(matches!(rates.pace(1 << 20), Pace::TooFast { .. }), "more than a second's worth");
    }

    #[test]
    fn who_has_no_limit_is_never_too_fast() {
        let rates = Rates::new(&Limits::unlimited());
        assert!((0..1000).all(|_| rates.pace(1 << 20) == Pace::Kept));
    }
}
