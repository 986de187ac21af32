//! The door's settings.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// Where the host listens and how it treats clients.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Address and port. Port 0 lets the system choose.
    pub address: SocketAddr,
    /// A folder whose files are served where no route is.
    pub static_folder: Option<PathBuf>,
    /// How many WebSockets may be open. Beyond it a client gets 503.
    pub connections: usize,
    /// How long a client may take to send the head of its request.
    #[serde(deserialize_with = "crate::duration::positive")]
    pub header_timeout: Duration,
    /// A client that was silent for this long is sent a ping, and is given up when it was silent for this long again.
    #[serde(deserialize_with = "crate::duration::positive")]
    pub keepalive: Duration,
    /// A client that has not taken all that waits for it within this time is closed with 1013.
    #[serde(deserialize_with = "crate::duration::positive")]
    pub slow_consumer: Duration,
    /// How long a client may take to answer a Close frame.
    #[serde(deserialize_with = "crate::duration::positive")]
    pub close_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            static_folder: None,
            connections: 100_000,
            header_timeout: Duration::from_secs(10),
            keepalive: Duration::from_secs(30),
            slow_consumer: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
        }
    }
}
