//! Why a token lets nobody in, and why none can be checked.

use http::StatusCode;

use super::key::KeyError;
use crate::outgoing;

/// Why the settings are wrong.
#[derive(Debug, thiserror::Error)]
pub enum JwtError {
    /// Where the keys come from is not said, or said twice.
    #[error("[jwt] has to have one of `secret`, `public-keys` and `jwks`")]
    Keys,
    /// There is no place where a token could be.
    #[error("`from` of [jwt] is empty")]
    From,
    /// A plugin names a file of the host.
    #[error("the file `{0}` of [jwt] can be named in holdline.toml only")]
    File(String),
    /// A URL that may not be asked.
    #[error(
        "`{0}` of [jwt] is no URL that may be asked: it has to be https, or in holdline.toml http on this machine; a plugin.toml has to \
         name a host, and no address"
    )]
    Url(String),
    /// What is there has no keys.
    #[error("the keys of [jwt] cannot be read from {place}")]
    Unreadable {
        /// Where they are to be.
        place: String,
        /// Why.
        source: FetchError,
    },
}

impl JwtError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Keys | Self::From => Some("host/CONFIGURATION.md says what is in [jwt]"),
            Self::File(_) => Some("write the keys themselves into plugin.toml, or [plugin.jwt] into holdline.toml"),
            Self::Url(_) | Self::Unreadable { .. } => None,
        }
    }
}

/// Why keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// There are no keys in it.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The URL makes no request.
    #[error(transparent)]
    Request(#[from] http::Error),
    /// Nobody answers.
    #[error(transparent)]
    Exchange(#[from] outgoing::Error),
    /// The answer is something else.
    #[error("the answer is {0}")]
    Status(StatusCode),
    /// The answer is too long, or ends too early.
    #[error("the answer cannot be read: {0}")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It took too long.
    #[error("it took too long")]
    Timeout,
}

/// Why a client's token does not let it in. For the log: a client is told no more than that.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is none.
    #[error("it has no token")]
    Missing,
    /// It is none.
    #[error("its token is malformed: {0}")]
    Malformed(&'static str),
    /// It is signed in a way that these keys do not have.
    #[error("its token is signed by {0:?}, and there is no key for that")]
    Algorithm(String),
    /// Its key is not one of them.
    #[error("its token is signed by the key {0:?}, which is unknown")]
    UnknownKey(String),
    /// Somebody else has signed it, or it was changed.
    #[error("the signature of its token is wrong")]
    Signature,
    /// Its time is over.
    #[error("its token has expired")]
    Expired,
    /// Its time has not come.
    #[error("its token is not valid yet")]
    Early,
    /// Somebody else has issued it.
    #[error("its token is of another issuer")]
    Issuer,
    /// It is for somebody else.
    #[error("its token is for another audience")]
    Audience,
    /// A claim that it has to have is not there.
    #[error("its token has no claim `{0}`")]
    Claim(String),
    /// No token can be checked now.
    #[error("there are no keys to check its token with: {0}")]
    Unavailable(&'static str),
}
