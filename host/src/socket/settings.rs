//! The door's settings.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;

use super::tls::TlsSettings;
use crate::gate::Proxies;

/// Where the host listens and how it treats clients.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Address and port. Port 0 lets the system choose.
    pub address: SocketAddr,
    /// `[listen.tls]`: without it clients speak TCP alone.
    pub tls: Option<TlsSettings>,
    /// A folder whose files are served where no route is.
    pub static_folder: Option<PathBuf>,
    /// Who stands between the host and its clients.
    pub proxies: Proxies,
    /// How many WebSockets may be open. Beyond it a client gets 503.
    pub connections: usize,
    /// How many sockets one address may have open. Beyond it a client gets 429.
    pub connections_per_address: Option<NonZeroU32>,
    /// How many one address may open in a second. Beyond it a client gets 429.
    pub connects_per_second: Option<NonZeroU32>,
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
    /// Each client is sent a ping this often, give or take a tenth: each connection has an interval of its own.
    #[serde(deserialize_with = "crate::duration::positive")]
    pub keepalive: Duration,
    /// A client of which nothing is heard for this long after a ping is given up.
    #[serde(deserialize_with = "crate::duration::positive")]
    pub keepalive_timeout: Duration,
    /// A connection on which no message came or went for this long is closed with 1001.
    #[serde(deserialize_with = "crate::duration::optional_positive")]
    pub idle_timeout: Option<Duration>,
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
            tls: None,
            static_folder: None,
            proxies: Proxies::default(),
            connections: 100_000,
            connections_per_address: None,
            connects_per_second: None,
            header_timeout: Duration::from_secs(10),
            header_size: ByteSize::kib(32),
            fragments: 65_536,
            compression: Compression::Off,
            compress_from: ByteSize::kib(1),
            keepalive: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(30),
            idle_timeout: None,
            slow_consumer: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
        }
    }
}
