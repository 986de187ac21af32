//! What a run is to do.

use std::net::IpAddr;
use std::time::Duration;

use super::frame::Payload;
use super::target::Target;

/// What a run is to do.
#[derive(Debug)]
pub struct Plan {
    /// The server.
    pub target: Target,
    /// What the connections do.
    pub task: Task,
    /// How many connections there are; with [`Task::Connect`], how many are opened at once.
    pub connections: u32,
    /// Bytes of payload in a message.
    pub size: usize,
    /// What the messages are.
    pub payload: Payload,
    /// When it ends.
    pub extent: Extent,
    /// How fast the connections are opened.
    pub opening: Opening,
    /// Local addresses to connect from, in turn; any if there are none.
    pub sources: Vec<IpAddr>,
    /// How many threads share the connections.
    pub threads: u32,
    /// How long a connection may take to open, and a message to be answered.
    pub timeout: Duration,
}

/// What the connections of a run do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Task {
    /// Each sends as soon as it has a reply, with so many messages under way at any time.
    Echo {
        /// Messages under way on each connection.
        in_flight: u32,
    },
    /// Messages are sent when they are due, whether or not those before are answered.
    Paced {
        /// Messages a second, over all connections.
        per_second: f64,
    },
    /// They are held open and send nothing.
    Idle,
    /// They are opened and closed over and over.
    Connect,
    /// One more connection sends a message, which each receives; when all have it, the next is sent.
    FanOut,
}

/// When a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// After this time.
    Lasting {
        /// What is left out of the figures: the server's caches are cold.
        warm_up: Duration,
        /// What is measured.
        duration: Duration,
    },
    /// When so many messages were sent and answered.
    Messages(u64),
}

/// How fast connections are opened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Opening {
    /// As fast as the server takes them, a bounded number at once.
    AtOnce,
    /// Evenly over this time.
    Ramp(Duration),
    /// So many a second.
    PerSecond(f64),
}

impl Plan {
    /// Seconds from the opening of one connection to that of the next, over all threads.
    pub(super) fn opening_interval(&self) -> f64 {
        match self.opening {
            Opening::AtOnce => 0.0,
            Opening::Ramp(time) => time.as_secs_f64() / f64::from(self.connections),
            Opening::PerSecond(rate) => 1.0 / rate,
        }
    }
}
