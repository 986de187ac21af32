//! One version of a plugin: its component, ready to be instantiated, and the instances that are kept warm.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::error::LoadError;
use super::loaded::Identity;
use super::manifest::{Isolation, Manifest};
use crate::engine::{Limits, Pool};
use crate::guest::v1::{Exports, Failure, Instance, Owner, Template};

/// One version of a plugin.
pub struct Version {
    manifest: Manifest,
    template: Arc<Template>,
    owner: Arc<Owner>,
    limits: Limits,
    warm: Pool<Box<Instance>>,
    // Cancelled when a newer one has taken its place.
    retired: CancellationToken,
}

impl Version {
    /// Compiles, checks and links a component. Keep it off the threads that serve.
    pub(super) fn load(plugin: &Identity, manifest: Manifest, component: &[u8]) -> Result<Self, LoadError> {
        let name = || manifest.name.clone();
        let engine = &plugin.engine;
        if manifest.limits.memory > engine.memory() {
            return Err(LoadError::Memory { name: name(), asked: manifest.limits.memory, most: engine.memory() });
        }
        let loaded = engine.load(component).map_err(|source| LoadError::Component { name: name(), source })?;
        let template = Template::prepare(engine, &loaded.component)
            .map_err(|source| LoadError::Prepare { name: name(), source })?;
        let owner = plugin.owner(&manifest, template.exports());
        let limits = Limits {
            memory: usize::try_from(manifest.limits.memory.as_u64()).unwrap_or(usize::MAX),
            cpu: manifest.limits.cpu,
            timeout: manifest.limits.timeout,
        };
        let warm = Pool::new(manifest.limits.warm);
        Ok(Self { warm, manifest, template, owner: Arc::new(owner), limits, retired: CancellationToken::new() })
    }

    /// Opens the channels of its manifest.
    pub(super) fn open_channels(&self) -> Result<(), LoadError> {
        let channels = self.owner.hub.channels();
        for channel in &self.manifest.channels {
            channels.open(self.owner.tenant, &channel.name, channel.capacity).map_err(|source| LoadError::Channel {
                name: self.manifest.name.clone(),
                channel: channel.name.clone(),
                source,
            })?;
        }
        Ok(())
    }

    /// What it says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Which of the contract's exports it has.
    #[must_use]
    pub fn exports(&self) -> Exports {
        self.template.exports()
    }

    /// Cancelled when a newer one has taken its place.
    pub(super) fn retired(&self) -> &CancellationToken {
        &self.retired
    }

    /// True if the instance is one of this version's.
    pub(super) fn made(&self, instance: &Instance) -> bool {
        instance.is_of(&self.template)
    }

    /// A new instance.
    pub(super) async fn instantiate(&self) -> Result<Box<Instance>, Failure> {
        self.template.instantiate(Arc::clone(&self.owner), self.limits).await.map_err(Failure::NotStarted)
    }

    /// A new instance, unless the host has as many as it may.
    pub(super) async fn instantiate_now(&self) -> Result<Box<Instance>, Failure> {
        self.template.instantiate_now(Arc::clone(&self.owner), self.limits).await.map_err(Failure::NotStarted)
    }

    /// An instance for one event that belongs to no connection.
    pub(super) async fn lend(&self) -> Result<Box<Instance>, Failure> {
        if self.manifest.isolation == Isolation::Pooled
            && let Some(instance) = self.warm.take()
        {
            return Ok(instance);
        }
        self.instantiate().await
    }

    /// Takes back what was lent. An instance that is broken, or was for one event, ends here, and so does one that others need the
    /// place of.
    pub(super) fn give_back(&self, instance: Box<Instance>) {
        let is_kept = self.manifest.isolation == Isolation::Pooled && !self.retired.is_cancelled();
        if is_kept && !instance.is_broken() && !self.template.is_scarce() {
            self.warm.put(instance);
        }
    }
}
