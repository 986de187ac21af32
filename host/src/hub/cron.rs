//! Cron expressions in a time zone. The expressions are croner's (Vixie cron with an optional field for the second), the zones are
//! those of the IANA database, carried along so that a host without one keeps the same time.

use std::fmt;
use std::time::SystemTime;

use croner::parser::{CronParser, Seconds};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// A parsed expression and its zone.
#[derive(Debug)]
pub(super) struct Cron {
    expression: croner::Cron,
    zone: TimeZone,
}

impl Cron {
    /// Parses; the error says which of the two is wrong and where.
    pub(super) fn new(expression: &str, zone: Option<&str>) -> Result<Self, String> {
        let zone = match zone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| format!("`{name}` is no time zone of the IANA database"))?,
        };
        let expression = CronParser::builder()
            .seconds(Seconds::Optional)
            .build()
            .parse(expression)
            .map_err(|error| format!("in `{expression}`: {error}"))?;
        Ok(Self { expression, zone })
    }

    /// The first time of the expression after this one.
    pub(super) fn after(&self, time: SystemTime) -> Option<SystemTime> {
        let time = Zoned::new(Timestamp::try_from(time).ok()?, self.zone.clone());
        let next: Zoned = self.expression.find_next_occurrence(&time, false).ok()?;
        Some(next.timestamp().into())
    }
}

/// As it was given, with its zone.
impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.expression, self.zone.iana_name().unwrap_or("UTC"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> SystemTime {
        text.parse::<Timestamp>().expect("a time").into()
    }

    #[test]
    fn five_fields_have_no_second_and_six_have_one() {
        let minute = Cron::new("*/5 * * * *", None).expect("five fields");
        assert_eq!(minute.after(time("2026-03-01T10:01:30Z")), Some(time("2026-03-01T10:05:00Z")));
        let second = Cron::new("*/5 * * * * *", None).expect("six fields");
        assert_eq!(second.after(time("2026-03-01T10:01:31Z")), Some(time("2026-03-01T10:01:35Z")));
    }

    #[test]
    fn noon_is_noon_in_its_zone_on_both_sides_of_a_change_of_the_clock() {
        let noon = Cron::new("0 12 * * *", Some("Europe/Berlin")).expect("a schedule");
        assert_eq!(noon.after(time("2026-03-28T00:00:00Z")), Some(time("2026-03-28T11:00:00Z")));
        assert_eq!(noon.after(time("2026-03-29T00:00:00Z")), Some(time("2026-03-29T10:00:00Z")));
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let error = Cron::new("61 * * * *", None).expect_err("no such minute");
        assert!(error.contains("61 * * * *"), "{error}");
        let error = Cron::new("* * * * *", Some("Mars/Olympus")).expect_err("no such zone");
        assert!(error.contains("Mars/Olympus"), "{error}");
    }
}
