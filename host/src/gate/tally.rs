//! What was refused at the door and why: each refusal is counted, and the log has so few lines about them that a flood of clients is
//! no flood of lines.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// For each reason there is a line at most so often. The others are counted, and the next line says how many they were.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Why a client was refused, or sent away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It began with no PROXY header where one has to be, or comes from nobody who may send one.
    ProxyProtocol,
    /// It does not speak TLS as it should.
    Tls,
    /// It shows no certificate, or one that is not believed.
    ClientCertificates,
    /// It came without TLS, and could not be sent to it.
    Redirect,
    /// The head of its request was too large.
    HeaderSize,
    /// The head of its request took too long.
    HeaderTimeout,
    /// It asked for no WebSocket, or not as RFC 6455 has it.
    Handshake,
    /// As many connections were open as may be.
    Connections,
    /// As many connections of its tenant were open as may be.
    TenantConnections,
    /// Its address had as many sockets as it may.
    ConnectionsPerAddress,
    /// Its address connected more often than it may.
    ConnectsPerSecond,
    /// Nothing was said on its connection for too long.
    IdleTimeout,
    /// Nothing was heard of it after a ping.
    KeepaliveTimeout,
    /// It does not take what is sent to it.
    SlowConsumer,
    /// It broke the protocol of WebSockets.
    Protocol,
    /// It sent while its tenant was at its rate.
    AtRate,
    /// It is a page that may not.
    Origins,
    /// Its token is none that lets it in.
    Jwt,
    /// Its token has expired.
    AtExpiry,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::ProxyProtocol,
        Self::Tls,
        Self::ClientCertificates,
        Self::Redirect,
        Self::HeaderSize,
        Self::HeaderTimeout,
        Self::Handshake,
        Self::Connections,
        Self::TenantConnections,
        Self::ConnectionsPerAddress,
        Self::ConnectsPerSecond,
        Self::IdleTimeout,
        Self::KeepaliveTimeout,
        Self::SlowConsumer,
        Self::Protocol,
        Self::AtRate,
        Self::Origins,
        Self::Jwt,
        Self::AtExpiry,
    ];

    /// Its name in the log and in metrics: the key of the configuration that it comes from, if there is one.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ProxyProtocol => "proxy-protocol",
            Self::Tls => "tls",
            Self::ClientCertificates => "client-certificates",
            Self::Redirect => "redirect",
            Self::HeaderSize => "header-size",
            Self::HeaderTimeout => "header-timeout",
            Self::Handshake => "handshake",
            Self::Connections => "connections",
            Self::TenantConnections => "tenant-connections",
            Self::ConnectionsPerAddress => "connections-per-address",
            Self::ConnectsPerSecond => "connects-per-second",
            Self::IdleTimeout => "idle-timeout",
            Self::KeepaliveTimeout => "keepalive-timeout",
            Self::SlowConsumer => "slow-consumer",
            Self::Protocol => "protocol",
            Self::AtRate => "at-rate",
            Self::Origins => "origins",
            Self::Jwt => "jwt",
            Self::AtExpiry => "at-expiry",
        }
    }

    /// True if it happens to clients that mean no harm, on a host that has nothing wrong with it.
    fn is_usual(self) -> bool {
        matches!(
            self,
            Self::Tls
                | Self::Redirect
                | Self::HeaderTimeout
                | Self::Handshake
                | Self::IdleTimeout
                | Self::KeepaliveTimeout
                | Self::Protocol
                | Self::AtExpiry
        )
    }
}

/// One refusal.
#[derive(Clone, Copy)]
pub struct Refusal<'a> {
    /// Why, in one word.
    pub reason: Reason,
    /// The client's address.
    pub address: SocketAddr,
    /// The plugin that it asked for, and whose that is, if that matters.
    pub plugin: Option<Asked<'a>>,
    /// Why, for the log alone.
    pub why: &'a dyn fmt::Display,
}

/// A plugin that was asked for.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Whose it is.
    pub tenant: &'a str,
    /// Its name.
    pub plugin: &'a str,
}

/// How often clients were refused since the host started.
#[derive(Debug)]
pub struct Tally {
    begun: Instant,
    lines: [Line; Reason::ALL.len()],
}

#[derive(Debug, Default)]
struct Line {
    refused: AtomicU64,
    // How many of them the log has told of, with its lines or in the numbers of these.
    told: AtomicU64,
    // When the next line may be written, in milliseconds since the beginning.
    next: AtomicU64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { begun: Instant::now(), lines: Default::default() }
    }
}

impl Tally {
    /// Counts a refusal, and tells the log of it if it has heard of none like it for a while.
    pub fn refuse(&self, refusal: Refusal<'_>) {
        let Refusal { reason, address, plugin, why } = refusal;
        let (tenant, plugin) = (plugin.map(|it| it.tenant), plugin.map(|it| it.plugin));
        let reason_name = reason.name();
        let Some(line) = self.lines.get(reason as usize) else { return };
        match line.count(self.begun.elapsed()) {
            Some(others) if reason.is_usual() => {
                tracing::info!(tenant, plugin, reason = reason_name, %address, why = %why, others, "a client was sent away");
            }
            Some(others) => {
                tracing::warn!(tenant, plugin, reason = reason_name, %address, why = %why, others, "a client was refused")
            }
            None => tracing::debug!(tenant, plugin, reason = reason_name, %address, why = %why, "a client was refused"),
        }
    }

    /// Only counts one. Who tells the log of it is another tally.
    pub(super) fn count(&self, reason: Reason) {
        if let Some(line) = self.lines.get(reason as usize) {
            line.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often clients were refused for this reason.
    #[must_use]
    pub fn refused(&self, reason: Reason) -> u64 {
        self.lines.get(reason as usize).map_or(0, |line| line.refused.load(Ordering::Relaxed))
    }
}

impl Line {
    /// Counts one, and says, if it is time for a line, how many others there were since the line before.
    fn count(&self, now: Duration) -> Option<u64> {
        let refused = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let next = self.next.load(Ordering::Relaxed);
        let after = now.saturating_add(u64::try_from(BETWEEN_LINES.as_millis()).unwrap_or(u64::MAX));
        // Of several that come at once one writes the line.
        if now < next || self.next.compare_exchange(next, after, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return None;
        }
        Some(refused.saturating_sub(self.told.swap(refused, Ordering::Relaxed)).saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_own_place_and_name() {
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place);
        }
        let names: std::collections::HashSet<_> = Reason::ALL.into_iter().map(Reason::name).collect();
        assert_eq!(names.len(), Reason::ALL.len());
    }

    #[test]
    fn a_flood_is_one_line_and_then_a_number() {
        let line = Line::default();
        assert_eq!(line.count(Duration::ZERO), Some(0));
        for _ in 0..1000 {
            assert_eq!(line.count(BETWEEN_LINES / 2), None);
        }
        assert_eq!(line.count(BETWEEN_LINES), Some(1000));
        assert_eq!(line.count(BETWEEN_LINES), None);
        assert_eq!(line.count(BETWEEN_LINES * 2), Some(1));
        assert_eq!(line.refused.load(Ordering::Relaxed), 1004);
    }
}
