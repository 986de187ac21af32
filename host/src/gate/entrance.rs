//! Who may connect to one plugin, as its manifest or the configuration says.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};

use super::jwt::{Claims, Jwt, JwtError, Means, TokenError, Verifier};
use super::origin::{self, OriginError, OriginPattern};
use super::tally::Tally;

/// In which header of a request a plugin finds the claims of its client's token, in JSON.
pub const CLAIMS: HeaderName = HeaderName::from_static("holdline-claims");

/// What the names of the headers begin with that only the host itself sets.
const RESERVED: &str = "holdline-";

/// The entrance of one version of a plugin.
pub struct Entrance {
    origins: Option<Vec<OriginPattern>>,
    tokens: Option<Verifier>,
    // What its log has been told: a flood at another plugin hides nothing of this one.
    pub(super) told: Tally,
}

impl Entrance {
    /// An entrance for pages of these origins, and for those who bring such a token.
    ///
    /// # Errors
    /// The settings of tokens are wrong, or their keys cannot be read.
    pub fn new(origins: Option<Vec<OriginPattern>>, jwt: Option<Jwt>) -> Result<Arc<Self>, JwtError> {
        let tokens = jwt.map(Verifier::new).transpose()?;
        Ok(Arc::new(Self { origins, tokens, told: Tally::default() }))
    }

    /// Looks whether the page that asks for a connection, if it is one, may.
    ///
    /// # Errors
    /// Says why not.
    pub fn check_origin(&self, headers: &HeaderMap) -> Result<(), OriginError> {
        origin::check(self.origins.as_deref(), headers)
    }

    /// The name of the secret with which tokens are signed, if they are.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        self.tokens.as_ref().and_then(Verifier::secret)
    }

    /// What the client is known by that sends these headers and this query; nothing where no token is asked for.
    ///
    /// # Errors
    /// Says why its token does not let it in.
    pub async fn check_token(
        &self,
        headers: &HeaderMap,
        query: &str,
        means: &Means,
    ) -> Result<Option<Claims>, TokenError> {
        match &self.tokens {
            Some(tokens) => tokens.check(headers, query, means).await.map(Some),
            None => Ok(None),
        }
    }

    /// Takes tokens out of the subprotocols that a client offers: they would be sent back. What is left may have one that stands for its
    /// token.
    pub fn clear(&self, offered: &mut Vec<String>) -> Option<&'static str> {
        self.tokens.as_ref().and_then(|tokens| tokens.clear(offered))
    }
}

/// Drops the headers that only the host itself may set, so that whoever reads them can believe them.
pub fn drop_reserved(headers: &mut HeaderMap) {
    let reserved: Vec<_> = headers.keys().filter(|name| name.as_str().starts_with(RESERVED)).cloned().collect();
    for name in reserved {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_can_set_what_the_host_sets() {
        let fields = ["holdline-claims", "holdline-anything", "holdline", "x-holdline-claims"];
        let mut headers: HeaderMap =
            fields.into_iter().map(|name| (HeaderName::from_static(name), "1".parse().expect("a value"))).collect();
        headers.append(CLAIMS, "2".parse().expect("a value"));
        drop_reserved(&mut headers);
        let left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(left.contains(&"holdline") && left.contains(&"x-holdline-claims"), "{left:?}");
    }
}
