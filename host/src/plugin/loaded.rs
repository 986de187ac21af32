//! One plugin: its component, ready to be instantiated, and the instances that are kept warm.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::error::LoadError;
use super::manifest::{Isolation, Manifest};
use crate::engine::{Digest, Engine, Limits, Pool};
use crate::guest::v1::{self, Exports, Failure, Instance, Owner, Template, WorkerStart};
use crate::hub::Hub;
use crate::ids::{PluginId, TenantId};

/// A plugin that was taken in.
pub struct Plugin {
    manifest: Manifest,
    template: Arc<Template>,
    owner: Arc<Owner>,
    limits: Limits,
    warm: Pool<Box<Instance>>,
}

impl Plugin {
    pub(super) fn load(
        engine: &Engine,
        hub: Arc<Hub>,
        workers: mpsc::Sender<WorkerStart>,
        tenant: TenantId,
        id: PluginId,
        manifest: Manifest,
        component: &[u8],
    ) -> Result<Self, LoadError> {
        let name = || manifest.name.clone();
        if manifest.limits.memory > engine.memory() {
            return Err(LoadError::Memory { name: name(), asked: manifest.limits.memory, most: engine.memory() });
        }
        let loaded = engine.load(component).map_err(|source| LoadError::Component { name: name(), source })?;
        let template = Template::prepare(engine, &loaded.component)
            .map_err(|source| LoadError::Prepare { name: name(), source })?;
        let exports = template.exports();
        let owner = Owner {
            tenant,
            plugin: id,
            name: manifest.name.as_str().into(),
            retain_deadline: manifest.retain.deadline,
            hub,
            workers,
            has_timer_handler: exports.timer_handler,
            has_worker: exports.worker,
        };
        for channel in &manifest.channels {
            owner
                .hub
                .channels()
                .open(tenant, &channel.name, channel.capacity)
                .map_err(|source| LoadError::Channel { name: name(), channel: channel.name.clone(), source })?;
        }
        let limits = Limits {
            memory: usize::try_from(manifest.limits.memory.as_u64()).unwrap_or(usize::MAX),
            cpu: manifest.limits.cpu,
            timeout: manifest.limits.timeout,
        };
        Ok(Self { warm: Pool::new(manifest.limits.warm), manifest, template, owner: Arc::new(owner), limits })
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> PluginId {
        self.owner.plugin
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.owner.name
    }

    /// Its name, to be kept without a copy.
    #[must_use]
    pub fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.owner.name)
    }

    /// Whose it is.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.owner.tenant
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
        if self.manifest.isolation == Isolation::Pooled && !instance.is_broken() && !self.template.is_scarce() {
            self.warm.put(instance);
        }
    }

    /// Writes a failure into the plugin's log, whole.
    pub(super) fn log(&self, event: &str, failure: &Failure) {
        let plugin = self.name();
        match failure {
            Failure::Returned(text) => {
                tracing::warn!(target: "plugin", plugin, event, "returned an error: {text}");
            }
            Failure::Trapped { source, .. } => {
                tracing::error!(target: "plugin", plugin, event, trap = format!("{source:?}"), "{failure}");
            }
            Failure::NotStarted(source) => {
                tracing::error!(target: "plugin", plugin, event, cause = format!("{source:?}"), "{failure}");
            }
            Failure::NotExported(_) => tracing::error!(target: "plugin", plugin, event, "{failure}"),
        }
    }
}

/// What a component is, for a person to read.
#[derive(Clone, Debug)]
pub struct Report {
    /// What its bytes are known by.
    pub digest: Digest,
    /// The contract's exports that it has.
    pub exports: Exports,
    /// All that it imports.
    pub imports: Vec<String>,
    /// Its own settings, or the defaults.
    pub manifest: Manifest,
}

/// Checks a component without running it.
///
/// # Errors
/// Says why it cannot run on this host.
pub fn report(engine: &Engine, manifest: Manifest, component: &[u8]) -> Result<Report, LoadError> {
    let name = || manifest.name.clone();
    let loaded = engine.load(component).map_err(|source| LoadError::Component { name: name(), source })?;
    let template =
        Template::prepare(engine, &loaded.component).map_err(|source| LoadError::Prepare { name: name(), source })?;
    Ok(Report {
        digest: loaded.digest,
        exports: template.exports(),
        imports: v1::imports(engine, &loaded.component),
        manifest,
    })
}
