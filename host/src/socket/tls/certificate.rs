//! What a certificate says of itself: the names it is for, and from when until when it holds.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// Before the end of a certificate the log begins to say so: whoever renews them has done it by then.
const SOON: i64 = 7 * 24 * 60 * 60;

/// What a certificate says of itself.
#[derive(Debug)]
pub(super) struct About {
    /// Host names, in lower case; some begin with `*.`.
    pub(super) names: Vec<String>,
    pub(super) addresses: Vec<IpAddr>,
    // Seconds since 1970.
    begins: i64,
    ends: i64,
}

/// What a client will not like about a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Its time has not come.
    Early,
    /// Its time is over soon.
    Ending,
    /// Its time is over.
    Over,
}

impl About {
    /// Reads it; none if it is no certificate.
    pub(super) fn read(certificate: &[u8]) -> Option<Self> {
        let (_, certificate) = parse_x509_certificate(certificate).ok()?;
        let (mut names, mut addresses) = (Vec::new(), Vec::new());
        let alternatives = certificate.subject_alternative_name().ok()?;
        // A name that is nowhere but in the subject is one that no client looks at any more (RFC 9525, section 2).
        for name in alternatives.map(|it| it.value.general_names.as_slice()).unwrap_or_default() {
            match name {
                GeneralName::DNSName(name) => names.push(name.to_ascii_lowercase()),
                GeneralName::IPAddress(bytes) => addresses.extend(address(bytes)),
                _ => {}
            }
        }
        let validity = certificate.validity();
        let (begins, ends) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        Some(Self { names, addresses, begins, ends })
    }

    pub(super) fn trouble(&self, now: Timestamp) -> Option<Trouble> {
        let now = now.as_second();
        // Some live for less than a week, and are renewed when a part of that is over.
        let soon = SOON.min(self.ends.saturating_sub(self.begins) / 3);
        if now < self.begins {
            Some(Trouble::Early)
        } else if now > self.ends {
            Some(Trouble::Over)
        } else {
            (now > self.ends.saturating_sub(soon)).then_some(Trouble::Ending)
        }
    }

    /// Tells it in the log. What is in trouble serves all the same: there is nothing better.
    pub(super) fn tell(&self, trouble: Trouble) {
        let (names, begins, ends) = (self.to_string(), time(self.begins), time(self.ends));
        match trouble {
            Trouble::Early => tracing::warn!(names, begins, "a certificate is not valid yet: clients refuse it"),
            Trouble::Ending => tracing::warn!(names, ends, "a certificate expires soon, and has not been renewed"),
            Trouble::Over => tracing::warn!(names, ends, "a certificate has expired: clients refuse it"),
        }
    }

    /// The moment when its time is over.
    pub(super) fn ends(&self) -> String {
        time(self.ends)
    }
}

/// All that it is for.
impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = self.addresses.iter().map(ToString::to_string);
        let all: Vec<String> = self.names.iter().cloned().chain(addresses).collect();
        f.write_str(if all.is_empty() { "nobody" } else { "" })?;
        f.write_str(&all.join(", "))
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

fn time(seconds: i64) -> String {
    // Some are made to last beyond all calendars.
    Timestamp::from_second(seconds).map_or_else(|_| "never".to_owned(), |time| time.to_string())
}
