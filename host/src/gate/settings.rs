//! `[listen.proxies]`: who stands between the host and its clients.

use serde::Deserialize;

use super::network::Network;

/// Who is believed about where a client is. Without `trust` nobody is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Proxies {
    /// The networks that the proxies are in.
    pub trust: Vec<Network>,
    /// In which header they say where a client is.
    pub header: ForwardedBy,
    /// Whether they say it before the request.
    pub protocol: ProxyProtocol,
}

/// The header that is believed, if a proxy sends it that is trusted.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedBy {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// None.
    Off,
}

/// Whether a connection begins with a PROXY header.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyProtocol {
    /// Never.
    #[default]
    Off,
    /// Each does, in version 1 or 2. It cannot be left open: who may leave it out may also write it itself.
    Required,
}
