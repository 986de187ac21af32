//! Durations in settings: texts such as `"30s"`, within bounds that make sense for what they mean.

use std::time::Duration;

use serde::de::{Deserializer, Error};

/// Beyond this a timer could not be set.
const LONGEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// A duration of at most 400 days, which may be zero.
///
/// # Errors
/// It is not a duration, or too long.
pub fn any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let duration = humantime_serde::deserialize(deserializer)?;
    if duration > LONGEST {
        return Err(D::Error::custom("a duration may be 400 days at most"));
    }
    Ok(duration)
}

/// A duration from one millisecond to 400 days.
///
/// # Errors
/// It is not a duration, zero, or too long.
pub fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let duration = any(deserializer)?;
    if duration < Duration::from_millis(1) {
        return Err(D::Error::custom("this duration must be 1ms at least"));
    }
    Ok(duration)
}

/// A duration from one millisecond to 400 days, or none.
///
/// # Errors
/// It is not a duration, zero, or too long.
pub fn optional_positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    positive(deserializer).map(Some)
}

/// A duration of at most 400 days, or none.
///
/// # Errors
/// It is not a duration, or too long.
pub fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    any(deserializer).map(Some)
}
