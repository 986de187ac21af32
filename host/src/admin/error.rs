//! Why there is no admin API.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::BadDocument;
use crate::store::StoreError;

/// Why there is no admin API.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Another process has the port.
    #[error("the admin API cannot listen on {0}: the port is in use")]
    InUse(SocketAddr),
    /// The address is not this machine's, the port needs rights, or the like.
    #[error("the admin API cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
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
            Self::InUse(_) => Some("stop the other process, or choose another `address` under [admin]".to_owned()),
            Self::Listen { .. } => Some("choose an address of this machine under [admin]".to_owned()),
            Self::NoFolder => Some("name a `folder` under [store], or leave [admin] out".to_owned()),
            Self::Store(_) | Self::Token { .. } | Self::Random(_) | Self::Document(_) => None,
        }
    }
}
