//! Why a plugin was not taken in.

use crate::engine;
use crate::guest::v1::{Failure, PrepareError};

/// Why a plugin was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Its bytes are no component that the engine can run.
    #[error("plugin `{name}` cannot be loaded")]
    Component {
        /// Which.
        name: String,
        /// Why.
        source: engine::LoadError,
    },
    /// The component and the host do not fit.
    #[error("plugin `{name}` cannot run here")]
    Prepare {
        /// Which.
        name: String,
        /// Why.
        source: PrepareError,
    },
    /// It may have more memory than the engine can give.
    #[error("plugin `{name}` asks for {asked} of memory, and the engine gives at most {most}")]
    Memory {
        /// Which.
        name: String,
        /// What its manifest says.
        asked: bytesize::ByteSize,
        /// What the engine's settings say.
        most: bytesize::ByteSize,
    },
    /// A channel of its manifest cannot be opened.
    #[error("plugin `{name}` cannot have the channel `{channel}`")]
    Channel {
        /// Which.
        name: String,
        /// The channel.
        channel: String,
        /// Why.
        source: crate::hub::ChannelError,
    },
    /// A first instance of it failed.
    #[error("plugin `{name}` does not start")]
    Instance {
        /// Which.
        name: String,
        /// Why.
        source: Failure,
    },
    /// The thread that compiled it has died.
    #[error("compiling plugin `{name}` was interrupted")]
    Interrupted {
        /// Which.
        name: String,
    },
}

impl LoadError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Component { source, .. } => source.hint().map(str::to_owned),
            Self::Prepare { source, .. } => Some(source.hint().to_owned()),
            Self::Memory { .. } => {
                Some("lower `memory` under [limits] in plugin.toml, or raise it under [engine]".to_owned())
            }
            Self::Channel { source: crate::hub::ChannelError::WrongCapacity, .. } => Some(
                "a channel keeps its capacity for as long as it is open: give it another name, or start the host anew"
                    .to_owned(),
            ),
            Self::Channel { .. } | Self::Instance { .. } | Self::Interrupted { .. } => None,
        }
    }
}
