//! A version that some of a plugin's connections are given before all of them are, and that is taken back by itself when it fails
//! them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::version::Version;
use crate::engine::Digest;

/// Before so many failures nothing is judged: one client's bad luck is not the version's.
const FAILURES: u64 = 3;

/// Before so many events nobody can say which of them are the slowest hundredth.
const EVENTS: u64 = 100;

/// Who gets the canary, and what it must not do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct CanaryRules {
    /// How many of a hundred connections get it.
    pub share: f64,
    /// Connections whose handshake has this header with this value get it, whatever the share is.
    pub header: Option<(String, String)>,
    /// It is taken back when more than so many of a hundred events fail.
    pub max_failures: f64,
    /// It is taken back when more than one of a hundred events takes longer than this.
    #[serde(with = "humantime_serde")]
    pub p99: Option<Duration>,
}

impl Default for CanaryRules {
    fn default() -> Self {
        Self { share: 0.0, header: None, max_failures: 1.0, p99: None }
    }
}

/// Where a connection stands among all, from 0 to 1: what decides whether it is in a share. It keeps it for its life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lot(u32);

impl Lot {
    /// The next one. They are multiples of the golden ratio, of which only the fraction counts: so any number of connections that
    /// follow each other is spread evenly, and a share of them is exact (Weyl, 1916).
    pub(super) fn draw() -> Self {
        const GOLDEN: u32 = 0x9E37_79B9;
        static LAST: AtomicU32 = AtomicU32::new(0);
        Self(LAST.fetch_add(GOLDEN, Ordering::Relaxed))
    }

    fn is_in(self, share: f64) -> bool {
        f64::from(self.0) < f64::from(u32::MAX) * share / 100.0
    }
}

/// A version on trial.
pub struct Canary {
    /// It.
    pub version: Arc<Version>,
    /// Who gets it, and what it must not do.
    pub rules: CanaryRules,
    events: AtomicU64,
    failures: AtomicU64,
    slow: AtomicU64,
}

/// A canary was taken back by itself.
#[derive(Clone, Debug)]
pub struct TakenBack {
    /// Whose plugin it is.
    pub tenant: String,
    /// Whose version it was.
    pub plugin: String,
    /// The version.
    pub digest: Digest,
    /// What speaks against it.
    pub why: String,
    /// How it had done.
    pub record: Record,
}

/// How a canary has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Record {
    /// Events that it handled.
    pub events: u64,
    /// Those that failed.
    pub failures: u64,
    /// Those that took longer than its rules allow one of a hundred.
    pub slow: u64,
}

impl Canary {
    pub(super) fn new(version: Arc<Version>, rules: CanaryRules) -> Self {
        let zero = || AtomicU64::new(0);
        Self { version, rules, events: zero(), failures: zero(), slow: zero() }
    }

    /// The same on other rules; what it has done so far counts on.
    pub(super) fn with_rules(&self, rules: CanaryRules) -> Self {
        let Record { events, failures, slow } = self.record();
        let (events, failures, slow) = (AtomicU64::new(events), AtomicU64::new(failures), AtomicU64::new(slow));
        Self { version: Arc::clone(&self.version), rules, events, failures, slow }
    }

    /// True if a connection gets it.
    pub(super) fn takes(&self, lot: Lot, is_named: Named) -> bool {
        is_named == Named::Yes || lot.is_in(self.rules.share)
    }

    /// How it has done so far.
    #[must_use]
    pub fn record(&self) -> Record {
        Record {
            events: self.events.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            slow: self.slow.load(Ordering::Relaxed),
        }
    }

    /// Counts an event, and says what speaks against the canary by now.
    pub(super) fn judge(&self, outcome: Result<(), ()>, took: Duration) -> Option<String> {
        self.events.fetch_add(1, Ordering::Relaxed);
        if outcome.is_err() {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        if self.rules.p99.is_some_and(|p99| took > p99) {
            self.slow.fetch_add(1, Ordering::Relaxed);
        }
        self.record().against(&self.rules)
    }
}

impl Record {
    #[allow(clippy::cast_precision_loss, reason = "a share of events needs no more than 52 bits of them")]
    fn against(self, rules: &CanaryRules) -> Option<String> {
        let Self { events, failures, slow } = self;
        let percent = |part: u64| part as f64 * 100.0 / events.max(1) as f64;
        if failures >= FAILURES && percent(failures) > rules.max_failures {
            return Some(format!("{failures} of {events} events failed"));
        }
        if events >= EVENTS && percent(slow) > 1.0 {
            let p99 = rules.p99.unwrap_or_default();
            return Some(format!("{slow} of {events} events took longer than {p99:?}"));
        }
        None
    }
}

/// Whether the handshake of a connection has the header that the canary's rules name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_connections_is_exact() {
        for share in [0.0, 10.0, 50.0, 100.0] {
            let taken = (0..1000).filter(|_| Lot::draw().is_in(share)).count();
            let wanted = share * 10.0;
            assert!((taken as f64 - wanted).abs() <= 3.0, "{taken} of 1000 with {share} %");
        }
    }

    #[test]
    fn it_is_judged_by_failures_and_by_the_slowest_hundredth() {
        let rules = CanaryRules { max_failures: 10.0, p99: Some(Duration::from_millis(5)), ..CanaryRules::default() };
        let against = |events, failures, slow| Record { events, failures, slow }.against(&rules);
        assert_eq!(against(2, 2, 0), None, "too few to judge");
        assert!(against(3, 3, 0).is_some_and(|why| why.contains("3 of 3 events failed")));
        assert_eq!(against(1000, 100, 0), None);
        assert!(against(1000, 101, 0).is_some());
        assert_eq!(against(99, 0, 50), None, "too few to judge");
        assert_eq!(against(1000, 0, 10), None);
        assert!(against(1000, 0, 11).is_some_and(|why| why.contains("longer than 5ms")));
    }
}
