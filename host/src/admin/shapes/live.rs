//! Connections, handles, channels and timers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An open connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Connection {
    /// Its id.
    pub id: String,
    /// Whose route it came to.
    pub plugin: String,
    /// The digest of the version that gets its next event.
    pub version: String,
    /// Whether that is the canary.
    pub canary: bool,
    /// The path of its request, without the query.
    pub path: String,
    /// The one that was chosen.
    pub subprotocol: Option<String>,
    /// Address and port of the client.
    pub remote_address: String,
    /// When.
    pub opened: Timestamp,
    /// How it is.
    pub state: ConnectionState,
    /// How long its client took to answer the last ping of the host, in microseconds, if it has answered one.
    pub round_trip_us: Option<u64>,
    /// The handle, if it is held.
    pub handle: Option<u64>,
    /// What waits to be written to the client.
    pub outbox_bytes: u64,
    /// Messages of the client that wait for their turn.
    pub inbox_messages: u64,
    /// The size of its attachment.
    pub attachment_bytes: u64,
}

/// A held connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Held {
    /// What it is answered by.
    pub handle: u64,
    /// Its id.
    pub connection: String,
    /// Whose it is.
    pub plugin: String,
    /// How long it has been held.
    pub age_ms: u64,
    /// How long it will be held at most from now on.
    pub deadline_ms: u64,
    /// The id of the delivery that is set for it.
    pub delivery: Option<u64>,
}

/// A Close frame to be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Close {
    /// 1000, 1001, 1003, 1007 to 1014, or 3000 to 4999; 1000 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// At most 123 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An open channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// How many items it can hold.
    pub capacity: u64,
    /// How many it holds.
    pub items: u64,
    /// Their size.
    pub bytes: u64,
    /// Closed ones give what they still hold.
    pub closed: bool,
}

/// A pending timer of a plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Timer {
    /// Its id.
    pub id: u64,
    /// Whose handler it calls.
    pub plugin: String,
    /// When it runs next.
    pub next: Timestamp,
    /// `every 5s` or a cron expression; null runs once.
    pub repeats: Option<String>,
    /// The size of what its handler is given.
    pub payload_bytes: u64,
}

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionState {
    /// It waits for a message.
    Idle,
    /// Its plugin handles an event.
    Handling,
    /// It is held.
    Held,
    /// A Close was said.
    Closing,
}
