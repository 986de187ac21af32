//! The names of things: tenants, plugins, connections, handles. Everyone above uses them; they know nothing but their own form.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

/// The largest whole number that every language can carry through JSON without loss.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// How many bits of a handle and of a connection id name the node that made it.
pub const NODE_BITS: u32 = 9;

/// One host of a cluster; a host that runs alone is node 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct NodeId(u16);

impl NodeId {
    /// A node number below 2^[`NODE_BITS`], or nothing.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        (u32::from(number) < 1 << NODE_BITS).then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

/// One tenant, as numbered by this host. Nothing is shared or visible across tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TenantId(pub u32);

/// One plugin, as numbered by this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PluginId(pub u32);

/// One timer of a plugin. Never given out twice while the host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimerId(pub u64);

/// One pending `send-after` or `send-at`. Never given out twice while the host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(pub u64);

/// One retention of one connection: non-zero and at most [`MAX_SAFE_INTEGER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WebSocketHandle(NonZeroU64);

impl WebSocketHandle {
    /// The handle of this number, or nothing if no handle can have it.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        if number > MAX_SAFE_INTEGER {
            return None;
        }
        NonZeroU64::new(number).map(Self)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for WebSocketHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One connection: the node that accepted it in the top [`NODE_BITS`] bits, and 119 random ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u128);

impl ConnectionId {
    /// The id of this node with these random bits; the top ones are not used.
    #[must_use]
    pub fn new(node: NodeId, random: u128) -> Self {
        let free = u128::BITS - NODE_BITS;
        Self((u128::from(node.get()) << free) | (random & ((1 << free) - 1)))
    }

    /// A number from 0 up to 1, as random as the id: by it a connection does at its own time what all others do, too.
    #[must_use]
    pub fn fraction(self) -> f64 {
        f64::from(self.low_bits()) / (f64::from(u32::MAX) + 1.0)
    }

    /// Some of its random bits: by them connections are divided evenly.
    #[must_use]
    pub fn low_bits(self) -> u32 {
        u32::try_from(self.0 & u128::from(u32::MAX)).unwrap_or_default()
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 32 hexadecimal digits in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a connection id")]
pub struct NotAConnectionId;

impl FromStr for ConnectionId {
    type Err = NotAConnectionId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let canonical =
            text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if !canonical {
            return Err(NotAConnectionId);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| NotAConnectionId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_id_survives_its_text() {
        let id = ConnectionId::new(NodeId(311), u128::MAX / 3);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn a_connection_id_has_one_spelling() {
        for text in ["", "0", "+0000000000000000000000000000000", "0000000000000000000000000000000A"] {
            assert_eq!(text.parse::<ConnectionId>(), Err(NotAConnectionId), "{text:?}");
        }
    }

    #[test]
    fn no_handle_is_zero_or_beyond_json() {
        assert_eq!(WebSocketHandle::new(0), None);
        assert_eq!(WebSocketHandle::new(MAX_SAFE_INTEGER + 1), None);
        assert_eq!(WebSocketHandle::new(MAX_SAFE_INTEGER).map(WebSocketHandle::get), Some(MAX_SAFE_INTEGER));
    }
}
