//! Why a run did not begin, and what to do about it.
//!
//! What goes wrong with single connections is no error of the run but a [`Failure`](super::Failure) that it counts.

use std::io;

/// Why a run did not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL has a scheme that this client does not speak, or none.
    #[error("`{url}` is not a ws:// URL")]
    Scheme {
        /// What was given.
        url: String,
        /// What to give instead.
        hint: &'static str,
    },
    /// The URL cannot be read.
    #[error("`{url}` is not a URL: {reason}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The host of the URL has no address.
    #[error("`{host}` has no address: {source}")]
    Resolve {
        /// The host and port that were looked for.
        host: String,
        /// What the system said.
        source: io::Error,
    },
    /// None of the host's addresses is of the kind of the local addresses that were given.
    #[error("`{host}` has no address of the kind of --source")]
    Family {
        /// The host and port of the URL.
        host: String,
    },
    /// A header that cannot be sent, or must not.
    #[error("`{header}` cannot be a header of the handshake: {reason}")]
    Header {
        /// What was given.
        header: String,
        /// Why not.
        reason: String,
    },
    /// The system allows fewer open files than there are to be connections.
    #[error("{connections} connections need more open files than the {allowed} that the system allows")]
    OpenFiles {
        /// How many were asked for.
        connections: u64,
        /// The hard limit of the process.
        allowed: u64,
    },
    /// The system refused what every run needs.
    #[error("the system refused to {what}: {source}")]
    System {
        /// What was asked of it.
        what: &'static str,
        /// What it said.
        source: io::Error,
    },
    /// A thread of the run broke, which is a defect of this program.
    #[error("a thread that made load has broken")]
    Thread,
}

impl Error {
    /// What the reader can do about it, where there is something to do that the message does not already say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Scheme { hint, .. } => Some((*hint).to_owned()),
            Error::Url { .. } => Some("write it as in ws://127.0.0.1:8080/path".to_owned()),
            Error::Resolve { .. } => Some("check the name, or give the address as a number".to_owned()),
            Error::Family { .. } => {
                Some("give local addresses of the same kind as the server's: IPv4 or IPv6".to_owned())
            }
            Error::Header { .. } => Some("write it as in --header 'Authorization: Bearer …'".to_owned()),
            Error::OpenFiles { connections, .. } => {
                Some(format!("raise the limit, as with `ulimit -n {}`, or ask for fewer", connections + 100))
            }
            Error::System { .. } | Error::Thread => None,
        }
    }
}
