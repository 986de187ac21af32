//! Which hosts a tenant's plugins may reach: patterns such as `api.example`, `*.example.com:8443` and `127.0.0.1:8080`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;
use http::uri::Scheme;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

use super::address::is_public;

/// Hosts that may be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowlist(Vec<HostPattern>);

/// One or many hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    host: Name,
    port: Port,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Any,
    Is(String),
    /// All below this one, which begins with a dot.
    Below(String),
    Address(IpAddr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    /// That of the scheme: 80 or 443.
    Usual,
    Any,
    Is(u16),
}

/// The text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a host: `api.example`, `*.example.com:8443`, `127.0.0.1:8080`, `[::1]:8080`, `localhost:*` or `*` are"
)]
pub struct InvalidPattern(String);

/// Where a request goes.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    // In lower case; an IPv6 address has no brackets.
    host: String,
    port: u16,
    usual: u16,
}

impl Destination {
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let usual = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = match authority.port() {
            Some(port) => port.as_str().parse().ok()?,
            None => usual,
        };
        (!host.is_empty()).then(|| Self { host: host.to_ascii_lowercase(), port, usual })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The address that the request itself names.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Allowlist {
    /// These hosts.
    #[must_use]
    pub fn new(patterns: Vec<HostPattern>) -> Self {
        Self(patterns)
    }

    /// True if the host is one of them.
    pub(super) fn permits(&self, destination: &Destination) -> bool {
        self.0.iter().any(|pattern| pattern.permits_port(destination) && pattern.host.is(destination))
    }

    /// True if a host that is permitted may be at this address: a public one, one that is named itself, or this machine's for
    /// `localhost`.
    pub(super) fn permits_address(&self, destination: &Destination, address: IpAddr) -> bool {
        let is_named = |pattern: &HostPattern| match &pattern.host {
            Name::Address(named) => *named == address,
            Name::Is(name) => name == "localhost" && destination.host == "localhost" && address.is_loopback(),
            Name::Any | Name::Below(_) => false,
        };
        is_public(address) || self.0.iter().any(|pattern| pattern.permits_port(destination) && is_named(pattern))
    }
}

impl HostPattern {
    fn permits_port(&self, destination: &Destination) -> bool {
        match self.port {
            Port::Usual => destination.port == destination.usual,
            Port::Any => true,
            Port::Is(port) => destination.port == port,
        }
    }
}

impl Name {
    fn is(&self, destination: &Destination) -> bool {
        match self {
            Self::Any => true,
            Self::Is(name) => *name == destination.host,
            Self::Below(end) => destination.host.len() > end.len() && destination.host.ends_with(end),
            Self::Address(address) => destination.address() == Some(*address),
        }
    }
}

impl FromStr for HostPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let invalid = || InvalidPattern(text.to_owned());
        let (host, port) = match text.rsplit_once(':') {
            // An IPv6 address has colons of its own, and brackets.
            Some((host, port)) if !port.contains(']') => {
                let port = if port == "*" { Port::Any } else { Port::Is(port.parse().map_err(|_| invalid())?) };
                (host, port)
            }
            Some(_) | None => (text, Port::Usual),
        };
        let host = host.to_ascii_lowercase();
        let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => Name::Address(IpAddr::V6(address.parse().map_err(|_| invalid())?)),
            None if host == "*" => Name::Any,
            None => match (host.parse(), host.strip_prefix('*')) {
                (Ok(address), _) => Name::Address(IpAddr::V4(address)),
                (Err(_), Some(end)) if end.strip_prefix('.').is_some_and(is_name) => Name::Below(end.to_owned()),
                (Err(_), None) if is_name(&host) => Name::Is(host),
                (Err(_), _) => return Err(invalid()),
            },
        };
        Ok(Self { host, port })
    }
}

fn is_name(text: &str) -> bool {
    text.split('.').all(|label| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Name::Any => f.write_str("*")?,
            Name::Is(name) => f.write_str(name)?,
            Name::Below(end) => write!(f, "*{end}")?,
            Name::Address(IpAddr::V4(address)) => address.fmt(f)?,
            Name::Address(IpAddr::V6(address)) => write!(f, "[{address}]")?,
        }
        match self.port {
            Port::Usual => Ok(()),
            Port::Any => f.write_str(":*"),
            Port::Is(port) => write!(f, ":{port}"),
        }
    }
}

impl Serialize for HostPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HostPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(pattern: &str, uri: &str) -> bool {
        let destination = Destination::of(&uri.parse().expect("a URI")).expect("a destination");
        Allowlist::new(vec![pattern.parse().expect("a pattern")]).permits(&destination)
    }

    #[test]
    fn a_pattern_permits_its_host_and_port() {
        for (pattern, uri) in [
            ("api.example", "https://api.example/"),
            ("api.example", "http://API.example:80/"),
            ("API.example:8443", "https://api.example:8443/"),
            ("*.example.com", "https://a.b.example.com/"),
            ("*", "https://anything.example/"),
            ("localhost:*", "http://localhost:7/"),
            ("127.0.0.1:80", "http://127.0.0.1/"),
            ("[::1]:81", "http://[0::1]:81/"),
        ] {
            assert!(permits(pattern, uri), "{pattern} {uri}");
        }
    }

    #[test]
    fn a_pattern_permits_nothing_else() {
        for (pattern, uri) in [
            ("api.example", "https://api.example:8443/"),
            ("api.example", "https://api.example.evil/"),
            ("api.example", "https://xapi.example/"),
            ("api.example:80", "https://api.example/"),
            ("*.example.com", "https://example.com/"),
            ("*.example.com", "https://xexample.com/"),
            ("*", "https://anything.example:22/"),
            ("127.0.0.1", "http://127.0.0.2/"),
        ] {
            assert!(!permits(pattern, uri), "{pattern} {uri}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_and_what_is_one_survives_its_text() {
        for text in [
            "",
            ":80",
            "a b",
            "https://api.example",
            "a.*.example",
            "*example",
            "*.",
            "a:b",
            "a:70000",
            "[::1",
            "::1",
            "a/b",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
        for text in ["api.example", "*.example.com:8443", "*", "*:*", "127.0.0.1:8080", "[::1]:80", "[::1]"] {
            assert_eq!(text.parse::<HostPattern>().expect("a pattern").to_string(), text);
        }
    }
}
