//! Plugins as they live: their manifest, their instances for each event, their workers, their timers, their channels, and the
//! routes that lead to them.

mod background;
mod dispatch;
mod error;
mod loaded;
mod manifest;
mod report;
mod routes;
mod version;

use std::sync::Arc;

use dashmap::DashMap;
use tokio::sync::mpsc;

pub use background::Background;
pub use dispatch::{Decision, Dispatch};
pub use error::LoadError;
pub use loaded::Plugin;
pub use manifest::{Isolation, MANIFEST_FILE, Manifest, ManifestError, embed};
pub use report::{Report, report};
pub use routes::{RouteError, Routes};
pub use version::Version;

use loaded::Identity;

use crate::engine::Engine;
use crate::guest::v1::WorkerStart;
use crate::hub::Hub;
use crate::ids::{PluginId, TenantId};

/// All plugins of this host, by number.
pub struct Plugins {
    engine: Engine,
    hub: Arc<Hub>,
    plugins: DashMap<PluginId, Arc<Plugin>>,
    workers: mpsc::Sender<WorkerStart>,
}

impl Plugins {
    /// No plugins yet, and the queue in which they ask for workers.
    #[must_use]
    pub fn new(engine: Engine, hub: Arc<Hub>) -> (Arc<Self>, mpsc::Receiver<WorkerStart>) {
        // Asks beyond this are refused to the guest that asks.
        let (workers, asked) = mpsc::channel(1024);
        (Arc::new(Self { engine, hub, plugins: DashMap::new(), workers }), asked)
    }

    /// Compiles, checks and links a component and takes it in. Keep it off the threads that serve.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn load(&self, tenant: TenantId, manifest: Manifest, component: &[u8]) -> Result<Arc<Plugin>, LoadError> {
        let id = PluginId(u32::try_from(self.plugins.len()).unwrap_or(u32::MAX));
        let identity = Identity {
            tenant,
            id,
            name: manifest.name.as_str().into(),
            engine: self.engine.clone(),
            hub: Arc::clone(&self.hub),
            workers: self.workers.clone(),
        };
        let plugin = Arc::new(Plugin::load(identity, manifest, component)?);
        self.plugins.insert(id, Arc::clone(&plugin));
        Ok(plugin)
    }

    /// How many instances may be alive at once.
    pub(crate) fn instances(&self) -> usize {
        self.engine.instances()
    }

    /// The plugin of this number.
    #[must_use]
    pub fn get(&self, id: PluginId) -> Option<Arc<Plugin>> {
        self.plugins.get(&id).map(|plugin| Arc::clone(plugin.value()))
    }
}
