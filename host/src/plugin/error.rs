//! Why a plugin was not taken in.

use super::routes::RouteError;
use crate::engine::{self, Digest};
use crate::gate::jwt::JwtError;
use crate::guest::v1::{Failure, PrepareError};
use crate::tenant::TenantName;

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
    /// Nobody could connect, because no token could be checked.
    #[error("plugin `{name}` cannot check tokens")]
    Jwt {
        /// Which.
        name: String,
        /// Why.
        source: JwtError,
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
    /// The tenant has a plugin of this name.
    #[error("there is a plugin `{name}` already")]
    Exists {
        /// Which.
        name: String,
    },
    /// The tenant has as many plugins as it may, or this one is larger than it may be.
    #[error("plugin `{name}` goes beyond `{limit}` of its tenant, which is {most}")]
    Quota {
        /// Which.
        name: String,
        /// What it goes beyond.
        limit: &'static str,
        /// How much there may be.
        most: usize,
    },
    /// There is no canary to be promoted.
    #[error("plugin `{name}` has no canary")]
    NoCanary {
        /// Which.
        name: String,
    },
    /// There is no such version to go back to.
    #[error("plugin `{name}` has {}", digest.map_or_else(|| "no version before this one".to_owned(), |digest| format!("no version {digest} that is kept")))]
    NotKept {
        /// Which.
        name: String,
        /// The version that was asked for.
        digest: Option<Digest>,
    },
    /// It was removed while a version of it was about to serve.
    #[error("plugin `{name}` was removed meanwhile")]
    Removed {
        /// Which.
        name: String,
    },
    /// The thread that compiled it has died.
    #[error("compiling plugin `{name}` was interrupted")]
    Interrupted {
        /// Which.
        name: String,
    },
}

/// Why a plugin could not be deployed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// It was not taken in.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It cannot have its route.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// It is of a tenant that is not there.
    #[error("plugin `{plugin}` is of the tenant `{tenant}`, which does not exist")]
    NoTenant {
        /// Which.
        plugin: String,
        /// Whose it is.
        tenant: TenantName,
    },
}

impl DeployError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Load(error) => error.hint(),
            Self::Route(error) => Some(error.hint()),
            Self::NoTenant { .. } => Some("name it under [[tenant]]".to_owned()),
        }
    }
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
            Self::Jwt { source, .. } => source.hint().map(str::to_owned),
            Self::Channel { source: crate::hub::ChannelError::WrongCapacity, .. } => Some(
                "a channel keeps its capacity for as long as it is open: give it another name, or start the host anew"
                    .to_owned(),
            ),
            Self::Exists { .. } => {
                Some("give it another `name`, in plugin.toml or where the configuration names it".to_owned())
            }
            Self::Quota { limit, .. } => Some(format!("raise `{limit}` among the tenant's limits")),
            Self::NoCanary { .. } => Some("put a version on trial first: `holdline deploy --canary 10`".to_owned()),
            Self::NotKept { .. } => Some("`holdline plugins NAME` shows the versions that are kept".to_owned()),
            Self::Removed { .. } => Some("deploy it again if it is to be there".to_owned()),
            Self::Channel { .. } | Self::Instance { .. } | Self::Interrupted { .. } => None,
        }
    }
}
