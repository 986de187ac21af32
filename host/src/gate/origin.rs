//! Which pages may connect. A browser says in `Origin` whose page it is that asks, and sends the cookies of the host that is asked whoever
//! that is: a page of a stranger would speak with the cookies of the user who has it open.

use std::str::FromStr;

use http::uri::Authority;
use http::{HeaderMap, header};
use serde::de::{Deserialize, Deserializer, Error};

/// Pages that may connect: `https://app.example`, `https://*.example.com`, `http://localhost:*`, `null` or `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPattern(Pages);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pages {
    /// All.
    Any,
    /// Those that have no origin: files, and frames in a sandbox.
    Null,
    /// Those of these hosts.
    Of(Site),
}

/// A scheme, a host or those below one, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Site {
    scheme: String,
    host: Host,
    // None is any.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Is(String),
    /// All below this one, which begins with a dot.
    Below(String),
}

/// The text is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an origin: `https://app.example`, `https://*.example.com`, `http://localhost:3000`, `http://localhost:*`, `null` or `*` are"
)]
pub struct InvalidOrigin(String);

/// Why a page may not connect.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// The plugin's `origins` do not have it.
    #[error("its origin `{0}` is none of `origins`")]
    NotListed(String),
    /// There are no `origins`, and a page of another host would use a cookie of this one.
    #[error("its origin `{0}` is another host, and it has a cookie; if that is as it should be, name it in `origins`")]
    CrossSite(String),
}

/// True if the page that asks, if it is one, may. Without a list those may that bring no cookie, and those of the host that is asked.
pub(super) fn check(allowed: Option<&[OriginPattern]>, headers: &HeaderMap) -> Result<(), OriginError> {
    let mut origins = headers.get_all(header::ORIGIN).into_iter();
    // What is no page says none, and could say any.
    let Some(origin) = origins.next() else { return Ok(()) };
    // Two of them are as good as one that is nowhere listed.
    let text = origin.to_str().ok().filter(|_| origins.next().is_none()).unwrap_or_default();
    let origin = Origin::of(text);
    let shown = || text.chars().take(200).collect::<String>();
    match allowed {
        Some(allowed) if allowed.iter().any(|pattern| pattern.has(text, origin.as_ref())) => Ok(()),
        Some(_) => Err(OriginError::NotListed(shown())),
        None if !headers.contains_key(header::COOKIE) => Ok(()),
        None => {
            // A port does not count: cookies are those of a host, whatever the port, and a proxy may have changed it.
            let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok()).and_then(host_name);
            let is_same = origin.is_some_and(|origin| Some(origin.host) == asked);
            if is_same { Ok(()) } else { Err(OriginError::CrossSite(shown())) }
        }
    }
}

/// The value of an `Origin` header.
struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Origin {
    fn of(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let authority: Authority = rest.parse().ok().filter(|_| !rest.contains('@'))?;
        let scheme = scheme.to_ascii_lowercase();
        let port = authority.port_u16().or_else(|| usual_port(&scheme));
        Some(Self { host: name_of(&authority), scheme, port })
    }
}

impl OriginPattern {
    fn has(&self, text: &str, origin: Option<&Origin>) -> bool {
        match (&self.0, origin) {
            (Pages::Any, _) => true,
            (Pages::Null, _) => text == "null",
            (Pages::Of(site), Some(origin)) => site.has(origin),
            (Pages::Of(_), None) => false,
        }
    }
}

impl Site {
    fn has(&self, origin: &Origin) -> bool {
        let is_there = match &self.host {
            Host::Is(host) => *host == origin.host,
            Host::Below(end) => origin.host.len() > end.len() && origin.host.ends_with(end),
        };
        is_there && self.scheme == origin.scheme && (self.port.is_none() || self.port == origin.port)
    }
}

fn host_name(host: &str) -> Option<String> {
    host.parse().ok().map(|authority| name_of(&authority))
}

/// In lower case, and without the dot of a full name.
fn name_of(authority: &Authority) -> String {
    let host = authority.host();
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn usual_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

impl FromStr for OriginPattern {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let pages = match text {
            "*" => Some(Pages::Any),
            "null" => Some(Pages::Null),
            _ => Site::of(text).map(Pages::Of),
        };
        pages.map(Self).ok_or_else(|| InvalidOrigin(text.to_owned()))
    }
}

impl Site {
    fn of(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let scheme = Some(scheme.to_ascii_lowercase()).filter(|it| !it.is_empty() && it.bytes().all(is_scheme))?;
        let (rest, is_any_port) = rest.strip_suffix(":*").map_or((rest, false), |rest| (rest, true));
        let (rest, is_below) = rest.strip_prefix("*.").map_or((rest, false), |rest| (rest, true));
        let is_clean = !rest.is_empty() && !rest.contains(['*', '@', '/']) && !rest.ends_with(':');
        let authority: Authority = rest.parse().ok().filter(|_| is_clean)?;
        let port = authority.port_u16();
        if is_any_port && port.is_some() {
            return None;
        }
        let host = name_of(&authority);
        // Any port of a scheme that has no usual one: its origins have none.
        let port = if is_any_port { None } else { port.or_else(|| usual_port(&scheme)) };
        Some(Self { host: if is_below { Host::Below(format!(".{host}")) } else { Host::Is(host) }, scheme, port })
    }
}

impl<'de> Deserialize<'de> for OriginPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).expect("a value"));
        }
        headers
    }

    fn is_listed(pattern: &str, origin: &str) -> bool {
        let pattern: OriginPattern = pattern.parse().expect("a pattern");
        check(Some(&[pattern]), &headers(&[("origin", origin)])).is_ok()
    }

    #[test]
    fn a_pattern_has_its_origins() {
        for (pattern, origin) in [
            ("https://app.example", "https://app.example"),
            ("https://App.Example:443", "https://app.example"),
            ("https://*.example.com", "https://a.b.example.com"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://localhost:*", "http://localhost:5173"),
            ("http://localhost:*", "http://localhost"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("null", "null"),
            ("*", "null"),
            ("*", "https://anything.example"),
        ] {
            assert!(is_listed(pattern, origin), "{pattern} {origin}");
        }
    }

    #[test]
    fn a_pattern_has_no_others() {
        for (pattern, origin) in [
            ("https://app.example", "http://app.example"),
            ("https://app.example", "https://app.example:8443"),
            ("https://app.example", "https://app.example.evil"),
            ("https://app.example", "https://xapp.example"),
            ("https://app.example", "https://app.example@evil.example"),
            ("https://app.example", "https://evil.example/https://app.example"),
            ("https://*.example.com", "https://example.com"),
            ("https://*.example.com", "https://xexample.com"),
            ("https://*.example.com", "https://evil.example/.example.com"),
            ("http://localhost:*", "https://localhost"),
            ("https://app.example", "null"),
            ("null", "https://null"),
            ("https://app.example", ""),
        ] {
            assert!(!is_listed(pattern, origin), "{pattern} {origin}");
        }
        let twice = headers(&[("origin", "https://app.example"), ("origin", "https://app.example")]);
        let pattern = "https://app.example".parse().expect("a pattern");
        assert!(check(Some(&[pattern]), &twice).is_err());
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in [
            "",
            "app.example",
            "https://",
            "https://a/b",
            "https://*",
            "https://a.*.b",
            "https://a:1:*",
            "https://a:",
            "://a",
        ] {
            assert!(text.parse::<OriginPattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn without_a_list_a_cookie_is_for_pages_of_its_host_alone() {
        let from = |origin: &str, host: &str| {
            check(None, &headers(&[("host", host), ("origin", origin), ("cookie", "session=1")]))
        };
        for (origin, host) in [
            ("https://app.example", "app.example"),
            ("https://App.example", "app.example.:443"),
            ("http://localhost:3000", "localhost:8080"),
        ] {
            assert_eq!(from(origin, host), Ok(()), "{origin} {host}");
        }
        for (origin, host) in [
            ("https://evil.example", "app.example"),
            ("https://app.example.evil", "app.example"),
            ("https://www.app.example", "app.example"),
            ("null", "app.example"),
            ("https://app.example", ""),
            ("", ""),
        ] {
            assert!(matches!(from(origin, host), Err(OriginError::CrossSite(_))), "{origin} {host}");
        }
    }

    #[test]
    fn who_brings_no_cookie_or_is_no_page_needs_no_list() {
        assert_eq!(check(None, &headers(&[("host", "app.example"), ("origin", "https://evil.example")])), Ok(()));
        assert_eq!(check(None, &headers(&[("host", "app.example"), ("cookie", "session=1")])), Ok(()));
        assert_eq!(check(Some(&[]), &headers(&[("cookie", "session=1")])), Ok(()));
    }
}
