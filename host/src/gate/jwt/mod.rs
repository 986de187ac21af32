//! JSON Web Tokens: whoever brings one that is signed by the right key, and claims what it has to, may connect. Signatures are
//! checked by `ring`, which the host has for TLS, too.

mod carrier;
mod claims;
mod error;
mod key;
mod keys;
mod settings;
mod source;
mod token;

use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderMap;

pub use carrier::{Carrier, InvalidCarrier};
pub use claims::Claims;
pub use error::{FetchError, JwtError, TokenError};
pub use key::KeyError;
pub use settings::{AtExpiry, Jwt};

use crate::outgoing::Trust;
use key::{Algorithm, MIN_SECRET};
use keys::Keys;
use source::Source;
use token::Token;

/// What a tenant has that tokens are checked with.
pub struct Means {
    /// The secret that the settings name, if there is one.
    pub secret: Option<String>,
    /// Whom the host believes when it asks for keys.
    pub trust: Trust,
}

/// Looks at the tokens of one plugin's clients.
pub(super) struct Verifier {
    rules: Jwt,
    // None if it is a secret.
    keys: Option<Arc<Keys>>,
}

impl Verifier {
    pub(super) fn new(rules: Jwt) -> Result<Self, JwtError> {
        if rules.from.is_empty() {
            return Err(JwtError::From);
        }
        let keys = match rules {
            Jwt { secret: Some(_), public_keys: None, jwks: None, .. } => None,
            Jwt { secret: Some(_), .. } => return Err(JwtError::Keys),
            Jwt { secret: None, .. } => Some(Keys::new(Source::of(&rules)?)?),
        };
        Ok(Self { rules, keys })
    }

    /// The name of the secret that it needs.
    pub(super) fn secret(&self) -> Option<&str> {
        self.rules.secret.as_deref()
    }

    /// Takes tokens out of the subprotocols that a client offers. What is left may have one that stands for its token.
    pub(super) fn clear(&self, offered: &mut Vec<String>) -> Option<&'static str> {
        if self.rules.from.contains(&Carrier::Subprotocol) { Carrier::clear(offered) } else { None }
    }

    /// What the client of a request is known by.
    pub(super) async fn check(&self, headers: &HeaderMap, query: &str, means: &Means) -> Result<Claims, TokenError> {
        let text = self.rules.from.iter().find_map(|carrier| carrier.find(headers, query));
        let token = Token::parse(text.ok_or(TokenError::Missing)?)?;
        match (&self.keys, token.algorithm) {
            (None, Algorithm::Hs256) => {
                let secret = means.secret.as_ref().ok_or(TokenError::Unavailable("the tenant has no such secret"))?;
                if secret.len() < MIN_SECRET {
                    return Err(TokenError::Unavailable("the secret has fewer than 32 bytes"));
                }
                if !key::is_signed_with(secret.as_bytes(), token.signed, &token.signature) {
                    return Err(TokenError::Signature);
                }
            }
            (None, _) | (Some(_), Algorithm::Hs256) => return Err(TokenError::Algorithm(token.algorithm_name())),
            (Some(keys), _) => keys.check(&token, &means.trust).await?,
        }
        // For a clock before 1970 everything has expired.
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(f64::INFINITY, |since| since.as_secs_f64());
        claims::check(&self.rules, &token.into_claims(), now)
    }
}
