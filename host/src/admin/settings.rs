//! `[admin]`: where the admin API listens and what it bears.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

/// Where the admin API listens and what it bears.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Address and port; without it there is no admin API. It speaks no TLS.
    pub address: Option<SocketAddr>,
    /// How long a client may take to send the head of its request.
    #[serde(deserialize_with = "crate::duration::positive")]
    pub header_timeout: Duration,
    /// How long a client may take to send the body of its request.
    #[serde(deserialize_with = "crate::duration::positive")]
    pub body_timeout: Duration,
    /// How many components are taken in at once; others wait. A tenant has half of these places at most.
    pub uploads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: None,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(60),
            uploads: 8,
        }
    }
}
