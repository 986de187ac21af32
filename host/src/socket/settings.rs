//! The door's settings.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
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
    /// The largest head of a request. A client that sends more gets 431.
    pub header_size: ByteSize,
    /// Into how many fragments a client may divide a message.
    pub fragments: u32,
    /// Whether messages may be compressed.
    pub compression: Compression,
    /// The smallest message that the host compresses.
    pub compress_from: ByteSize,
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

/// Whether messages may be compressed, if a client asks for it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// Never.
    #[default]
    Off,
    /// By permessage-deflate (RFC 7692), each message by itself.
    Deflate,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            static_folder: None,
            connections: 100_000,
            header_timeout: Duration::from_secs(10),
            header_size: ByteSize::kib(32),
            fragments: 65_536,
            compression: Compression::Off,
            compress_from: ByteSize::kib(1),
            keepalive: Duration::from_secs(30),
            slow_consumer: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
        }
    }
}
