//! What a tenant may use. The defaults are those of somebody whose code is not known.

use std::time::Duration;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use super::usage::Limit;

/// What a tenant may use, over all its plugins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Connections that are open.
    pub connections: usize,
    /// Connections that are held.
    pub held_connections: usize,
    /// Messages a second from its clients; none means as many as come.
    pub messages_per_second: Option<u32>,
    /// Bytes a second from its clients; none means as many as come.
    pub bytes_per_second: Option<ByteSize>,
    /// What becomes of a client that sends while its tenant is at its rate.
    pub at_rate: AtRate,
    /// Bytes that wait to be written to its clients, or to be handled.
    pub waiting_size: ByteSize,
    /// Channels that are open.
    pub channels: usize,
    /// Bytes in all its channels.
    pub channel_size: ByteSize,
    /// Timers and deliveries that are pending.
    pub timers: usize,
    /// Workers that run.
    pub workers: usize,
    /// Instances that are alive.
    pub instances: usize,
    /// Linear memory of all its instances.
    pub memory: ByteSize,
    /// Linear memory of one instance, whatever its plugin asks for.
    pub instance_memory: ByteSize,
    /// Computing time of one event, whatever its plugin asks for.
    #[serde(with = "humantime_serde")]
    pub cpu: Duration,
    /// Its share of computing beside that of others.
    pub weight: u32,
    /// Plugins.
    pub plugins: usize,
    /// The largest component.
    pub component_size: ByteSize,
    /// What its plugins may print in a second.
    pub log_size_per_second: ByteSize,
    /// Bytes in its key-value space.
    pub keyvalue_size: ByteSize,
}

/// What becomes of a client that sends while its tenant is at its rate. Nothing is ever dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AtRate {
    /// Its messages are read later, and TCP holds it back.
    #[default]
    Throttle,
    /// It is closed with 1008.
    Close,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            held_connections: 10_000,
            messages_per_second: Some(10_000),
            bytes_per_second: Some(ByteSize::mib(64)),
            at_rate: AtRate::Throttle,
            waiting_size: ByteSize::mib(256),
            channels: 1_000,
            channel_size: ByteSize::mib(64),
            timers: 10_000,
            workers: 50,
            instances: 200,
            memory: ByteSize::gib(1),
            instance_memory: ByteSize::mib(128),
            cpu: Duration::from_secs(1),
            weight: 1,
            plugins: 100,
            component_size: ByteSize::mib(32),
            log_size_per_second: ByteSize::kib(256),
            keyvalue_size: ByteSize::mib(64),
        }
    }
}

impl Limits {
    /// None but the host's own.
    #[must_use]
    pub fn unlimited() -> Self {
        let size = ByteSize::b(u64::MAX);
        Self {
            connections: usize::MAX,
            held_connections: usize::MAX,
            messages_per_second: None,
            bytes_per_second: None,
            at_rate: AtRate::Throttle,
            waiting_size: size,
            channels: usize::MAX,
            channel_size: size,
            timers: usize::MAX,
            workers: usize::MAX,
            instances: usize::MAX,
            memory: size,
            instance_memory: size,
            cpu: Duration::MAX,
            weight: 1,
            plugins: usize::MAX,
            component_size: size,
            log_size_per_second: size,
            keyvalue_size: size,
        }
    }

    /// The number that a limit is.
    #[must_use]
    pub fn most(&self, limit: Limit) -> usize {
        let bytes = |size: ByteSize| usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
        match limit {
            Limit::Connections => self.connections,
            Limit::HeldConnections => self.held_connections,
            Limit::MessageRate => {
                self.messages_per_second.map_or(usize::MAX, |rate| usize::try_from(rate).unwrap_or(usize::MAX))
            }
            Limit::ByteRate => self.bytes_per_second.map_or(usize::MAX, bytes),
            Limit::WaitingBytes => bytes(self.waiting_size),
            Limit::Channels => self.channels,
            Limit::ChannelBytes => bytes(self.channel_size),
            Limit::Timers => self.timers,
            Limit::Workers => self.workers,
            Limit::Instances => self.instances,
            Limit::Memory => bytes(self.memory),
            Limit::Plugins => self.plugins,
            Limit::ComponentSize => bytes(self.component_size),
            Limit::Log => bytes(self.log_size_per_second),
            Limit::KeyValueBytes => bytes(self.keyvalue_size),
        }
    }
}
