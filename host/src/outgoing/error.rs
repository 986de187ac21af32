//! Why a request did not come to a response.

use std::net::IpAddr;

/// Why a request did not come to a response, or the response to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address of the request makes no sense.
    #[error("the request has no usable host or path")]
    Uri,
    /// The host is not in the allowlist.
    #[error("{0} is not in the allowlist")]
    Host(String),
    /// The host leads to an address inside of a network, which the allowlist does not name.
    #[error("{host} is at {address}, which is not public")]
    Address {
        /// The host.
        host: String,
        /// Where it is.
        address: IpAddr,
    },
    /// As many requests are under way as may be.
    #[error("too many requests are under way")]
    TooMany,
    /// The host cannot be found.
    #[error("the host has no address")]
    NoAddress,
    /// Nobody answers there.
    #[error("the host cannot be reached: {0}")]
    Connect(#[source] std::io::Error),
    /// It took too long to connect.
    #[error("connecting took too long")]
    ConnectTimeout,
    /// No secure connection.
    #[error("no secure connection: {0}")]
    Tls(#[source] std::io::Error),
    /// It took too long until the response began.
    #[error("the response took too long")]
    ResponseTimeout,
    /// The response was silent for too long.
    #[error("the response was silent for too long")]
    BodyTimeout,
    /// What was sent or came is no HTTP, or ended in the middle.
    #[error("the exchange broke: {0}")]
    Http(#[source] hyper::Error),
    /// The host itself has failed.
    #[error("the exchange was interrupted")]
    Interrupted,
}
