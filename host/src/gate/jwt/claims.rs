//! What a token has to claim (RFC 7519, section 4.1), and what is handed on of it.

use std::time::Duration;

use serde_json::{Map, Value};

use super::error::TokenError;
use super::settings::{AtExpiry, Jwt};

/// No connection lasts longer.
const LONGEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// What is known of a client by its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The claims in JSON, in ASCII: they are handed on as the value of a header.
    pub json: String,
    /// After so long its connection is to be closed.
    pub lasts: Option<Duration>,
}

/// Looks at the claims of a token that is signed as it should be. `now` is in seconds since 1970.
pub(super) fn check(rules: &Jwt, claims: &Map<String, Value>, now: f64) -> Result<Claims, TokenError> {
    let claim = |name: &str| claims.get(name).filter(|value| !value.is_null());
    if let Some(missing) = rules.required.iter().find(|name| claim(name).is_none()) {
        return Err(TokenError::Claim(missing.clone()));
    }
    let time = |name: &str| {
        let time = claim(name).map(|value| value.as_f64().ok_or(TokenError::Malformed("a time of it is no number")));
        time.transpose()
    };
    let leeway = rules.leeway.as_secs_f64();
    let expires = time("exp")?.map(|at| at + leeway);
    if expires.is_some_and(|at| now >= at) {
        return Err(TokenError::Expired);
    }
    if time("nbf")?.is_some_and(|at| now < at - leeway) {
        return Err(TokenError::Early);
    }
    if rules.issuer.as_deref().is_some_and(|issuer| claim("iss").and_then(Value::as_str) != Some(issuer)) {
        return Err(TokenError::Issuer);
    }
    // One that is for somebody is not for whoever has not said who it is.
    let is_ours = |value: &Value| value.as_str().is_some_and(|it| rules.audience.iter().any(|ours| ours == it));
    let is_for_us = match claim("aud") {
        Some(Value::Array(all)) => all.iter().any(is_ours),
        Some(one) => is_ours(one),
        None => rules.audience.is_empty(),
    };
    if !is_for_us {
        return Err(TokenError::Audience);
    }
    let left = expires.map(|at| Duration::try_from_secs_f64(at - now).unwrap_or(LONGEST).min(LONGEST));
    Ok(Claims { json: ascii(claims)?, lasts: left.filter(|_| rules.at_expiry == AtExpiry::Close) })
}

/// JSON whose characters can all stand in a header.
fn ascii(claims: &Map<String, Value>) -> Result<String, TokenError> {
    let text = serde_json::to_string(claims).map_err(|_| TokenError::Malformed("its claims are no JSON"))?;
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(text);
    }
    let mut ascii = String::with_capacity(text.len() * 2);
    for char in text.chars() {
        // Such characters are only inside of texts, where they can be written so.
        match char {
            ' '..='~' => ascii.push(char),
            _ => ascii.extend(char.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}"))),
        }
    }
    Ok(ascii)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: f64 = 1_000_000.0;

    fn rules(text: &str) -> Jwt {
        toml::from_str(&format!("secret = \"key\"\n{text}")).expect("settings")
    }

    fn checked(rules: &Jwt, claims: Value) -> Result<Claims, TokenError> {
        check(rules, claims.as_object().expect("an object"), NOW)
    }

    #[test]
    fn a_token_has_its_time() {
        let rules = rules("leeway = \"10s\"");
        for (claims, expected) in [
            (json!({"exp": NOW}), None),
            (json!({"exp": NOW - 9.5}), None),
            (json!({"exp": NOW - 10.0}), Some(TokenError::Expired)),
            (json!({"exp": 0}), Some(TokenError::Expired)),
            (json!({"exp": NOW + 1.0, "nbf": NOW + 10.0}), None),
            (json!({"exp": NOW + 99.0, "nbf": NOW + 10.5}), Some(TokenError::Early)),
            (json!({}), Some(TokenError::Claim("exp".to_owned()))),
            (json!({"exp": null}), Some(TokenError::Claim("exp".to_owned()))),
            (json!({"exp": "soon"}), Some(TokenError::Malformed("a time of it is no number"))),
        ] {
            assert_eq!(checked(&rules, claims.clone()).err(), expected, "{claims}");
        }
    }

    #[test]
    fn a_token_is_of_somebody_and_for_somebody() {
        let ours = rules("required = [\"sub\"]\nissuer = \"https://id.example\"\naudience = [\"chat\", \"talk\"]");
        let good = json!({"sub": "ada", "iss": "https://id.example", "aud": "chat"});
        assert_eq!(checked(&ours, good.clone()).err(), None);
        for (name, value, expected) in [
            ("aud", json!(["else", "talk"]), None),
            ("aud", json!(["else"]), Some(TokenError::Audience)),
            ("aud", json!(null), Some(TokenError::Audience)),
            ("aud", json!(7), Some(TokenError::Audience)),
            ("iss", json!("https://id.example/"), Some(TokenError::Issuer)),
            ("iss", json!(["https://id.example"]), Some(TokenError::Issuer)),
            ("sub", json!(null), Some(TokenError::Claim("sub".to_owned()))),
        ] {
            let mut claims = good.clone();
            claims[name] = value;
            assert_eq!(checked(&ours, claims.clone()).err(), expected, "{claims}");
        }
        let nobodys = rules("required = []");
        assert_eq!(checked(&nobodys, json!({})).err(), None);
        assert_eq!(checked(&nobodys, json!({"aud": "else"})).err(), Some(TokenError::Audience));
    }

    #[test]
    fn a_connection_lasts_as_long_as_its_token_if_it_is_to() {
        let claims = json!({"exp": NOW + 60.0});
        assert_eq!(checked(&rules(""), claims.clone()).map(|it| it.lasts), Ok(None));
        let closing = rules("leeway = \"0s\"\nat-expiry = \"close\"");
        assert_eq!(checked(&closing, claims).map(|it| it.lasts), Ok(Some(Duration::from_secs(60))));
        assert_eq!(checked(&closing, json!({"exp": 1e300})).map(|it| it.lasts), Ok(Some(LONGEST)));
    }

    #[test]
    fn claims_can_stand_in_a_header() {
        let claims = json!({"name": "Zoë 🦀\n\u{7f}"});
        let json = checked(&rules("required = []"), claims.clone()).expect("claims").json;
        assert!(http::HeaderValue::from_str(&json).is_ok() && json.is_ascii(), "{json}");
        assert_eq!(serde_json::from_str::<Value>(&json).expect("JSON"), claims);
    }
}
