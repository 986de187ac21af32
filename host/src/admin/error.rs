//! Why there is no admin API.

use std::path::PathBuf;

use super::BadDocument;
use crate::listeners::ListenError;
use crate::store::StoreError;

/// Why there is no admin API.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Its port cannot be had.
    #[error("the admin API does not listen: {0}")]
    Listen(#[from] ListenError),
    /// The store is in trouble.
    #[error("the records of the admin API cannot be read: {0}")]
    Store(#[from] StoreError),
    /// The first token cannot be written.
    #[error("the first token cannot be written to {path}", path = path.display())]
    Token {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Nobody could ever have a token.
    #[error("an admin API needs a store that is kept: its first token is written there")]
    NoFolder,
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// The description cannot be read.
    #[error(transparent)]
    Document(#[from] BadDocument),
}

impl AdminError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen(error) => Some(error.hint().to_owned()),
            Self::NoFolder => Some("name a `folder` under [store], or leave [admin] out".to_owned()),
            Self::Store(_) | Self::Token { .. } | Self::Random(_) | Self::Document(_) => None,
        }
    }
}
