//! A token as it comes (RFC 7515 and RFC 7519): three parts, of which nothing is believed before the signature is checked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::TokenError;
use super::key::Algorithm;

/// A token that is not checked yet.
pub(super) struct Token<'t> {
    pub(super) algorithm: Algorithm,
    /// The name of the key that is to have signed it.
    pub(super) key: Option<String>,
    /// What is signed.
    pub(super) signed: &'t [u8],
    pub(super) signature: Vec<u8>,
    claims: Map<String, Value>,
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    // Extensions that have to be understood (RFC 7515, section 4.1.11). There is none that is.
    crit: Option<Value>,
}

impl<'t> Token<'t> {
    pub(super) fn parse(text: &'t str) -> Result<Self, TokenError> {
        let malformed = TokenError::Malformed;
        let (signed, signature) = text.rsplit_once('.').ok_or(malformed("it has not three parts"))?;
        let (head, claims) = signed.split_once('.').ok_or(malformed("it has not three parts"))?;
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed("a part is no base64url"));
        let head: Head = serde_json::from_slice(&bytes(head)?).map_err(|_| malformed("its head is not what one is"))?;
        if head.crit.is_some() {
            return Err(malformed("its head asks for extensions"));
        }
        let algorithm =
            Algorithm::of(&head.alg).ok_or_else(|| TokenError::Algorithm(head.alg.chars().take(20).collect()))?;
        let claims = serde_json::from_slice(&bytes(claims)?).map_err(|_| malformed("its claims are no object"))?;
        Ok(Self { algorithm, key: head.kid, signed: signed.as_bytes(), signature: bytes(signature)?, claims })
    }

    pub(super) fn algorithm_name(&self) -> String {
        format!("{:?}", self.algorithm)
    }

    /// What it claims. It has to be checked before.
    pub(super) fn into_claims(self) -> Map<String, Value> {
        self.claims
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(head: &str, claims: &str) -> String {
        let [head, claims] = [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        format!("{head}.{claims}.AAAA")
    }

    #[test]
    fn a_token_has_three_parts() {
        let text = token(r#"{"alg": "ES256", "kid": "a", "typ": "JWT"}"#, r#"{"sub": "ada"}"#);
        let token = Token::parse(&text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((token.algorithm, token.key.as_deref()), (Algorithm::Es256, Some("a")));
        assert_eq!(Some(token.signed), text.as_bytes().strip_suffix(b".AAAA"));
        assert_eq!(token.into_claims().get("sub"), Some(&Value::from("ada")));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let head = r#"{"alg": "HS256"}"#;
        for text in [
            String::new(),
            "a.b".to_owned(),
            "a.b.c.d".to_owned(),
            "...".to_owned(),
            token("{}", "{}"),
            token(head, "[]"),
            token(head, "\"ada\""),
            token(r#"{"alg": "HS256", "crit": ["b64"]}"#, "{}"),
            token(head, "{}").replace("AAAA", "A=="),
            token(head, "{}") + "é",
        ] {
            assert!(matches!(Token::parse(&text), Err(TokenError::Malformed(_))), "{text}");
        }
        for algorithm in ["none", "None", "HS512", "RS384", "PS256", "hs256", ""] {
            let text = token(&format!(r#"{{"alg": "{algorithm}"}}"#), "{}");
            assert!(matches!(Token::parse(&text), Err(TokenError::Algorithm(_))), "{algorithm}");
        }
    }
}
