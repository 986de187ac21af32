//! What is agreed on about permessage-deflate (RFC 7692, section 7.1). Every message is compressed by itself, in both directions: so
//! a connection that is silent keeps no window.

use http::header::{HeaderMap, HeaderValue, SEC_WEBSOCKET_EXTENSIONS};

use super::handshake::tokens;

/// The extension, as it was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    // The bound that the client asked for.
    window: Option<WindowBits>,
}

/// The logarithm of how far back what is compressed may refer, from 9 to 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WindowBits(u8);

impl WindowBits {
    /// As far as DEFLATE can.
    pub(super) const MOST: Self = Self(15);
    /// The least that DEFLATE as zlib writes it can keep to.
    const LEAST: Self = Self(9);

    pub(super) fn get(self) -> u8 {
        self.0
    }

    /// How many there are less than this one.
    pub(super) fn index(self) -> usize {
        usize::from(self.0.saturating_sub(Self::LEAST.0))
    }
}

impl Agreed {
    /// How far back what the host sends may refer.
    pub(super) fn window(self) -> WindowBits {
        self.window.unwrap_or(WindowBits::MOST)
    }

    /// What the client is told. The window is named only if it was asked for.
    pub(super) fn header(self) -> Option<HeaderValue> {
        let mut value = "permessage-deflate; server_no_context_takeover; client_no_context_takeover".to_owned();
        if let Some(window) = self.window {
            value.push_str(&format!("; server_max_window_bits={}", window.get()));
        }
        HeaderValue::from_str(&value).ok()
    }
}

/// The first of the client's offers that can be agreed to (RFC 6455, section 9.1).
pub(super) fn agree(headers: &HeaderMap) -> Option<Agreed> {
    tokens(headers, SEC_WEBSOCKET_EXTENSIONS).find_map(offer)
}

/// One offer, unless it is another extension or has what RFC 7692 does not know.
fn offer(offer: &str) -> Option<Agreed> {
    let mut parts = offer.split(';').map(str::trim);
    if parts.next() != Some("permessage-deflate") {
        return None;
    }
    let mut seen = Vec::new();
    let mut window = None;
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(unquoted(value.trim_start()))),
            None => (part, None),
        };
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        match (name, value) {
            ("server_no_context_takeover" | "client_no_context_takeover" | "client_max_window_bits", None) => {}
            ("client_max_window_bits", Some(bits)) => drop(number(bits)?),
            // 8 is allowed, but nobody can compress with it: the offer is declined.
            ("server_max_window_bits", Some(bits)) => {
                window = Some(number(bits).map(WindowBits).filter(|bits| *bits >= WindowBits::LEAST)?);
            }
            _ => return None,
        }
    }
    Some(Agreed { window })
}

/// From 8 to 15, without a zero before it.
fn number(text: &str) -> Option<u8> {
    let plain = !text.starts_with(['0', '+']);
    text.parse().ok().filter(|bits| plain && (8..=15).contains(bits))
}

/// A value may stand in quotes (RFC 6455, section 9.1).
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}
