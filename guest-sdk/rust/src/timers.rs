//! Timers that call this plugin's [`TimerHandler`](crate::TimerHandler), each time in a new event.
//!
//! They belong to the plugin, not to the instance that set them, and live until they are done or cancelled, the plugin
//! is removed, or the host ends. Delays and intervals may be 400 days at most, payloads 64 KiB.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::bindings::imports::holdline::websocket::timers as wire;
use crate::time::{millis, unix_millis};

pub use wire::{Missed, TimerId};

/// A timer that is pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimerInfo {
    /// Its id.
    pub id: TimerId,
    /// When it runs next, in whole milliseconds.
    pub next: SystemTime,
    /// What its handler will be given.
    pub payload: Vec<u8>,
}

/// Why a timer was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimerError {
    /// The schedule cannot be kept; the text says what is wrong with it and where.
    InvalidSchedule(String),
    /// The plugin exports no [`TimerHandler`](crate::TimerHandler), or was removed.
    NoHandler,
    /// The timer was never set, is done or was cancelled, or belongs to another plugin.
    Unknown,
    /// The payload is over 64 KiB.
    TooLarge,
    /// The tenant has as many timers as it may.
    QuotaExceeded,
    /// The host failed; its log says how.
    Internal,
}

/// Runs once, after this delay.
///
/// # Errors
/// [`InvalidSchedule`](TimerError::InvalidSchedule), [`NoHandler`](TimerError::NoHandler),
/// [`TooLarge`](TimerError::TooLarge), [`QuotaExceeded`](TimerError::QuotaExceeded).
pub fn after(delay: Duration, payload: impl AsRef<[u8]>) -> Result<TimerId, TimerError> {
    set(&wire::Schedule::After(millis(delay)), payload, Missed::Skip)
}

/// Runs once, at this time; at once if it has passed.
///
/// # Errors
/// Those of [`after`].
pub fn at(time: SystemTime, payload: impl AsRef<[u8]>) -> Result<TimerId, TimerError> {
    let schedule = wire::Schedule::At(unix_millis(time));
    set(&schedule, payload, Missed::Skip)
}

/// Runs again and again, this far apart (at least a millisecond), the first time after one interval. Anchored at the
/// moment of setting: it does not drift. `missed` says what becomes of runs that are already past when their turn
/// comes.
///
/// # Errors
/// Those of [`after`].
pub fn every(interval: Duration, payload: impl AsRef<[u8]>, missed: Missed) -> Result<TimerId, TimerError> {
    set(&wire::Schedule::Every(millis(interval)), payload, missed)
}

/// Runs again and again, as a cron expression says: second, minute, hour, day of month, month, day of week; or five
/// fields, without the second. The time zone is a name of the IANA database, such as `Europe/Berlin`; `None` means UTC.
/// `missed` says what becomes of runs that are already past when their turn comes.
///
/// # Errors
/// Those of [`after`].
pub fn cron(
    expression: &str,
    time_zone: Option<&str>,
    payload: impl AsRef<[u8]>,
    missed: Missed,
) -> Result<TimerId, TimerError> {
    let schedule = wire::Schedule::Cron(wire::CronSchedule {
        expression: expression.to_owned(),
        time_zone: time_zone.map(str::to_owned),
    });
    set(&schedule, payload, missed)
}

/// Takes a timer back. A run that has started is not stopped.
///
/// # Errors
/// [`Unknown`](TimerError::Unknown).
pub fn cancel(timer: TimerId) -> Result<(), TimerError> {
    Ok(wire::cancel(timer)?)
}

/// The pending timers of this plugin, those first that run first.
#[must_use]
pub fn list() -> Vec<TimerInfo> {
    wire::list().into_iter().map(TimerInfo::from).collect()
}

/// Waits, holding no thread of the host. For workers above all: a handler that waits keeps its instance.
pub fn sleep(delay: Duration) {
    wire::sleep(millis(delay));
}

fn set(schedule: &wire::Schedule, payload: impl AsRef<[u8]>, missed: Missed) -> Result<TimerId, TimerError> {
    Ok(wire::set(schedule, payload.as_ref(), missed)?)
}

impl fmt::Display for TimerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidSchedule(text) => write!(f, "invalid schedule: {text}"),
            Self::NoHandler => f.write_str("the plugin exports no timer handler, or was removed"),
            Self::Unknown => f.write_str("there is no such timer pending"),
            Self::TooLarge => f.write_str("the payload is over 64 KiB"),
            Self::QuotaExceeded => f.write_str("the tenant has as many timers as it may"),
            Self::Internal => f.write_str("the host failed; its log says how"),
        }
    }
}

impl std::error::Error for TimerError {}

impl From<wire::TimerError> for TimerError {
    fn from(error: wire::TimerError) -> Self {
        match error {
            wire::TimerError::InvalidSchedule(text) => Self::InvalidSchedule(text),
            wire::TimerError::NoHandler => Self::NoHandler,
            wire::TimerError::Unknown => Self::Unknown,
            wire::TimerError::TooLarge => Self::TooLarge,
            wire::TimerError::QuotaExceeded => Self::QuotaExceeded,
            wire::TimerError::Internal => Self::Internal,
        }
    }
}

impl From<TimerError> for crate::Error {
    fn from(error: TimerError) -> Self {
        Self::new(error)
    }
}

impl From<wire::TimerInfo> for TimerInfo {
    fn from(timer: wire::TimerInfo) -> Self {
        Self { id: timer.id, next: UNIX_EPOCH + Duration::from_millis(timer.next_ms), payload: timer.payload }
    }
}
