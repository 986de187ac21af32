//! One plugin: who it is, for as long as the host runs, and the version of it that serves now.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::{Mutex, MutexGuard, mpsc};

use super::error::LoadError;
use super::manifest::Manifest;
use super::version::Version;
use crate::engine::Engine;
use crate::guest::v1::{Exports, Failure, Owner, WorkerStart};
use crate::hub::Hub;
use crate::ids::{PluginId, TenantId};

/// A plugin that was taken in.
pub struct Plugin {
    identity: Identity,
    // Read by every event of every connection: readers write nothing that they share.
    current: ArcSwap<Version>,
    swapping: Mutex<()>,
}

/// What stays the same in all its versions.
pub(super) struct Identity {
    pub(super) tenant: TenantId,
    pub(super) id: PluginId,
    pub(super) name: Arc<str>,
    pub(super) engine: Engine,
    pub(super) hub: Arc<Hub>,
    pub(super) workers: mpsc::Sender<WorkerStart>,
}

impl Identity {
    /// Whose the instances of a version are.
    pub(super) fn owner(&self, manifest: &Manifest, exports: Exports) -> Owner {
        Owner {
            tenant: self.tenant,
            plugin: self.id,
            name: Arc::clone(&self.name),
            retain_deadline: manifest.retain.deadline,
            hub: Arc::clone(&self.hub),
            workers: self.workers.clone(),
            has_timer_handler: exports.timer_handler,
            has_worker: exports.worker,
        }
    }
}

impl Plugin {
    pub(super) fn load(identity: Identity, manifest: Manifest, component: &[u8]) -> Result<Self, LoadError> {
        let version = Version::load(&identity, manifest, component)?;
        version.open_channels()?;
        Ok(Self { identity, current: ArcSwap::from_pointee(version), swapping: Mutex::new(()) })
    }

    /// Another version of it, which does not serve yet.
    pub(super) fn prepare(&self, manifest: Manifest, component: &[u8]) -> Result<Version, LoadError> {
        Version::load(&self.identity, manifest, component)
    }

    /// Lets another version serve from each connection's next event on. Events that are under way end in the one before.
    pub(super) fn swap(&self, version: Arc<Version>) {
        self.current.swap(version).retired().cancel();
    }

    /// Held for as long as a swap takes: two of them at once could leave the older version serving.
    pub(super) async fn swapping(&self) -> MutexGuard<'_, ()> {
        self.swapping.lock().await
    }

    /// The version that serves now.
    #[must_use]
    pub fn version(&self) -> Guard<Arc<Version>> {
        self.current.load()
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> PluginId {
        self.identity.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// Its name, to be kept without a copy.
    #[must_use]
    pub fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.identity.name)
    }

    /// Whose it is.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.identity.tenant
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
