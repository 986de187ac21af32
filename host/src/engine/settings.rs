//! The engine's limits and defaults.

use bytesize::ByteSize;
use serde::Deserialize;

/// What one host gives to all its guests.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// How many instances may be alive at once: those that handle an event, wait in one, or are kept warm, and workers.
    pub instances: u32,
    /// The most memory that an instance of any plugin can be given.
    pub memory: ByteSize,
    /// The largest component that is compiled.
    pub component_size: ByteSize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { instances: 1000, memory: ByteSize::mib(256), component_size: ByteSize::mib(64) }
    }
}
