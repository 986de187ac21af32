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
    /// How long a client may take to send the head of its request.
    #[serde(with = "humantime_serde")]
    pub header_timeout: Duration,
    /// A client that was silent for this long is sent a ping, and is given up when it was silent for this long again.
    #[serde(with = "humantime_serde")]
    pub keepalive: Duration,
    /// A client that takes nothing of what waits for it for this long is closed with 1013.
    #[serde(with = "humantime_serde")]
    pub slow_consumer: Duration,
    /// How long a client may take to answer a Close frame.
    #[serde(with = "humantime_serde")]
    pub close_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            static_folder: None,
            header_timeout: Duration::from_secs(10),
            keepalive: Duration::from_secs(30),
            slow_consumer: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
        }
    }
}
