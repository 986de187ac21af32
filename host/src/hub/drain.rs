//! How a host that stops parts from its connections: not from all at the same moment, because clients that are sent away together
//! come back together.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep_until};

use super::Hub;
use super::connection::Connection;
use crate::message::CloseFrame;

/// What a stop may take, and what clients hear of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Drain {
    /// Within this time every client is told. Held connections may wait so long for their delivery.
    #[serde(deserialize_with = "crate::duration::any")]
    pub timeout: Duration,
    /// How many clients are told in a second; more, if the time would not be enough.
    pub rate: NonZeroU32,
    /// What they are told.
    pub code: DrainCode,
}

/// A close code that says that it is the host that goes.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(try_from = "u16")]
pub enum DrainCode {
    /// 1001: going away.
    #[default]
    GoingAway,
    /// 1012: the host comes back.
    ServiceRestart,
}

/// Another code would say something else.
#[derive(Debug, thiserror::Error)]
#[error("{0} does not say that the host goes: it may be 1001 (going away) or 1012 (service restart)")]
pub struct NotADrainCode(u16);

impl TryFrom<u16> for DrainCode {
    type Error = NotADrainCode;

    fn try_from(code: u16) -> Result<Self, NotADrainCode> {
        match code {
            1001 => Ok(Self::GoingAway),
            1012 => Ok(Self::ServiceRestart),
            other => Err(NotADrainCode(other)),
        }
    }
}

impl DrainCode {
    fn frame(self) -> CloseFrame {
        match self {
            Self::GoingAway => CloseFrame::GOING_AWAY,
            Self::ServiceRestart => CloseFrame::SERVICE_RESTART,
        }
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), rate: NonZeroU32::MIN.saturating_add(999), code: DrainCode::GoingAway }
    }
}

impl Drain {
    /// The mean time between two of so many that have to be told within this time.
    fn gap(&self, count: usize, within: Duration) -> Duration {
        let most = within / u32::try_from(count).unwrap_or(u32::MAX).max(1);
        (Duration::from_secs(1) / self.rate.get()).min(most)
    }
}

impl Hub {
    /// Closes the connections for which `wanted` holds now, one after the other in an order that nobody can foresee, and is through with
    /// them at this time at the latest.
    pub async fn part(&self, drain: &Drain, until: Instant, wanted: impl Fn(&Connection) -> bool) {
        let mut leaving = Vec::new();
        self.for_each(|connection| {
            if !connection.is_closing() && wanted(connection) {
                leaving.push(Arc::clone(connection));
            }
        });
        // The ids are random.
        leaving.sort_unstable_by_key(|connection| connection.id());
        let mut at = Instant::now();
        let gap = drain.gap(leaving.len(), until.saturating_duration_since(at));
        for connection in leaving {
            sleep_until(at.min(until)).await;
            connection.close(drain.code.frame());
            // Half as long as the mean, or half as long again, or anything between.
            at += gap.mul_f64(0.5 + connection.id().fraction());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_rate_holds_unless_the_time_is_too_short_for_it() {
        let drain = Drain { rate: NonZeroU32::MIN.saturating_add(99), ..Drain::default() };
        assert_eq!(drain.gap(50, SECOND), Duration::from_millis(10));
        assert_eq!(drain.gap(1000, SECOND), Duration::from_millis(1));
        assert_eq!(drain.gap(1000, Duration::ZERO), Duration::ZERO);
        assert_eq!(drain.gap(0, SECOND), Duration::from_millis(10));
    }

    #[test]
    fn only_what_says_that_the_host_goes_is_a_code_of_it() {
        assert_eq!(DrainCode::try_from(1012).ok(), Some(DrainCode::ServiceRestart));
        assert_eq!(DrainCode::try_from(1001).map(|code| code.frame().code()).ok(), Some(1001));
        assert!(DrainCode::try_from(1000).is_err());
    }
}
