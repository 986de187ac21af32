//! The hub's limits and defaults.

use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;

/// Limits and defaults of connections, retentions and channels.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The largest message, in either direction.
    pub message_size: ByteSize,
    /// How much may wait to be written to one client.
    pub outbox_size: ByteSize,
    /// How many messages of one client may wait for their turn.
    pub inbox_messages: usize,
    /// How many bytes of messages of one client may wait for their turn.
    pub inbox_size: ByteSize,
    /// The largest attachment of a connection.
    pub attachment_size: ByteSize,
    /// How long a retention lasts when neither the handler nor its plugin says.
    #[serde(deserialize_with = "crate::duration::any")]
    pub retain_deadline: Duration,
    /// The longest that a retention can last.
    #[serde(deserialize_with = "crate::duration::any")]
    pub retain_maximum: Duration,
    /// How many connections may be held at once.
    pub held_connections: usize,
    /// How many timers of plugins may be pending, and how many deliveries by `send-after` and `send-at`.
    pub timers: usize,
    /// The longest delay of `send-after` and `send-at`.
    #[serde(deserialize_with = "crate::duration::any")]
    pub longest_delay: Duration,
    /// Limits of channels.
    pub channels: ChannelSettings,
}

impl Settings {
    /// The largest message, as the host counts.
    #[must_use]
    pub fn message_bytes(&self) -> usize {
        bytes(self.message_size)
    }
}

/// Limits of channels.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ChannelSettings {
    /// How many channels a tenant may have open.
    pub count: usize,
    /// The largest capacity of a channel, in items.
    pub capacity: u32,
    /// The largest item.
    pub item_size: ByteSize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            message_size: ByteSize::mib(1),
            outbox_size: ByteSize::mib(4),
            inbox_messages: 128,
            inbox_size: ByteSize::mib(1),
            attachment_size: ByteSize::kib(64),
            retain_deadline: Duration::from_secs(60),
            retain_maximum: Duration::from_secs(60 * 60),
            held_connections: 1_000_000,
            timers: 1_000_000,
            longest_delay: Duration::from_secs(400 * 24 * 60 * 60),
            channels: ChannelSettings::default(),
        }
    }
}

impl Default for ChannelSettings {
    fn default() -> Self {
        Self { count: 10_000, capacity: 1 << 20, item_size: ByteSize::mib(1) }
    }
}

/// A size as the host counts with it.
pub(crate) fn bytes(size: ByteSize) -> usize {
    usize::try_from(size.as_u64()).unwrap_or(usize::MAX)
}
