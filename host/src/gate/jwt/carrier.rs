//! Where a client's token is found. A browser can set no header of a WebSocket, but it can offer subprotocols.

use std::str::FromStr;

use http::{HeaderMap, header};
use serde::de::{Deserialize, Deserializer, Error};

/// The beginning of the subprotocol that is a token.
const BEARER: &str = "bearer.";

/// The subprotocol that a client may offer beside its token, so that one can be agreed on that is none.
const BESIDE: &str = "bearer";

/// Where a token is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// `Authorization: Bearer …`.
    Authorization,
    /// A subprotocol that is offered: `bearer.…`.
    Subprotocol,
    /// A cookie of this name.
    Cookie(String),
    /// A parameter of this name in the query.
    Query(String),
}

/// The text names nothing that carries a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` carries no token: `authorization`, `subprotocol`, `cookie:NAME` and `query:NAME` do")]
pub struct InvalidCarrier(String);

impl Carrier {
    /// The token of a request, if it is there.
    pub(super) fn find<'r>(&self, headers: &'r HeaderMap, query: &'r str) -> Option<&'r str> {
        let found = match self {
            Self::Authorization => {
                let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
                let (scheme, token) = value.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
            }
            Self::Subprotocol => {
                values(headers, header::SEC_WEBSOCKET_PROTOCOL, ',').find_map(|it| it.strip_prefix(BEARER))
            }
            Self::Cookie(name) => {
                let token = values(headers, header::COOKIE, ';').find_map(|pair| value_of(pair, name))?;
                Some(token.strip_prefix('"').and_then(|token| token.strip_suffix('"')).unwrap_or(token))
            }
            // No character of a token has to be written in another way there.
            Self::Query(name) => query.split('&').find_map(|pair| value_of(pair, name)),
        };
        found.filter(|token| !token.is_empty())
    }

    /// Takes the token out of the subprotocols that are offered: it is none that could be agreed on, and would be sent back. What is left
    /// may have one that stands for it.
    pub(super) fn clear(offered: &mut Vec<String>) -> Option<&'static str> {
        let before = offered.len();
        offered.retain(|subprotocol| !subprotocol.starts_with(BEARER));
        (offered.len() < before && offered.iter().any(|subprotocol| subprotocol == BESIDE)).then_some(BESIDE)
    }
}

fn values(headers: &HeaderMap, name: header::HeaderName, between: char) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(move |value| value.split(between)).map(str::trim)
}

fn value_of<'p>(pair: &'p str, name: &str) -> Option<&'p str> {
    pair.strip_prefix(name)?.strip_prefix('=')
}

impl FromStr for Carrier {
    type Err = InvalidCarrier;

    fn from_str(text: &str) -> Result<Self, InvalidCarrier> {
        let is_name = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        };
        match text.split_once(':') {
            None if text == "authorization" => Ok(Self::Authorization),
            None if text == "subprotocol" => Ok(Self::Subprotocol),
            Some(("cookie", name)) if is_name(name) => Ok(Self::Cookie(name.to_owned())),
            Some(("query", name)) if is_name(name) => Ok(Self::Query(name.to_owned())),
            _ => Err(InvalidCarrier(text.to_owned())),
        }
    }
}

impl<'de> Deserialize<'de> for Carrier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn found(carrier: &str, name: &'static str, value: &str) -> Option<String> {
        let carrier: Carrier = carrier.parse().expect("a carrier");
        if name == "query" {
            return carrier.find(&HeaderMap::new(), value).map(str::to_owned);
        }
        let headers = HeaderMap::from_iter([(
            header::HeaderName::from_static(name),
            HeaderValue::from_str(value).expect("a value"),
        )]);
        carrier.find(&headers, "").map(str::to_owned)
    }

    #[test]
    fn a_token_is_found_where_it_may_be() {
        for (carrier, name, value) in [
            ("authorization", "authorization", "Bearer a.b.c"),
            ("authorization", "authorization", "bearer  a.b.c "),
            ("subprotocol", "sec-websocket-protocol", "chat, bearer.a.b.c"),
            ("cookie:id", "cookie", "x=1; id=a.b.c; y=2"),
            ("cookie:id", "cookie", "id=\"a.b.c\""),
            ("query:token", "query", "x=1&token=a.b.c"),
        ] {
            assert_eq!(found(carrier, name, value).as_deref(), Some("a.b.c"), "{carrier} {value}");
        }
        for (carrier, name, value) in [
            ("authorization", "authorization", "Basic a.b.c"),
            ("authorization", "authorization", "Bearer "),
            ("subprotocol", "sec-websocket-protocol", "chat, bearer"),
            ("cookie:id", "cookie", "myid=a.b.c; idx=a"),
            ("query:token", "query", "tokens=a.b.c&token"),
        ] {
            assert_eq!(found(carrier, name, value), None, "{carrier} {value}");
        }
    }

    #[test]
    fn a_token_is_no_subprotocol_to_agree_on() {
        let offers = |offered: &[&str]| {
            let mut offered: Vec<_> = offered.iter().map(|&it| it.to_owned()).collect();
            (Carrier::clear(&mut offered), offered)
        };
        assert_eq!(offers(&["bearer", "bearer.a", "chat"]), (Some("bearer"), vec!["bearer".into(), "chat".into()]));
        assert_eq!(offers(&["bearer.a", "chat"]), (None, vec!["chat".into()]));
        assert_eq!(offers(&["bearer"]), (None, vec!["bearer".into()]));
    }

    #[test]
    fn what_carries_no_token_is_refused() {
        for text in ["", "header", "cookie", "cookie:", "query:a b", "authorization:x"] {
            assert!(text.parse::<Carrier>().is_err(), "{text}");
        }
    }
}
