//! Plugins as they live: their manifest, their instances for each event, their workers, their timers, their channels, and the
//! routes that lead to them.

mod background;
mod canary;
mod dispatch;
mod error;
mod folder;
mod loaded;
mod manifest;
mod registry;
mod report;
mod routes;
mod version;
mod versions;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::sync::mpsc;

pub use background::Background;
pub use canary::{Canary, CanaryRules, Record, TakenBack};
pub use dispatch::{Decision, Dispatch};
pub use error::{DeployError, LoadError};
pub use folder::{Change, Followed, WatchError};
pub use loaded::{KEPT, Plugin, Serving};
pub use manifest::{Isolation, MANIFEST_FILE, Manifest, ManifestError, Swap, embed};
pub use registry::{Deployment, Registry};
pub use report::{Report, report};
pub use routes::{RouteError, Routes};
pub use version::Version;

use loaded::Identity;

use crate::engine::{Engine, Share};
use crate::guest::v1::{Capabilities, Granted, WorkerStart};
use crate::hub::Hub;
use crate::ids::{PluginId, TenantId};
use crate::tenant::{Limit, Limits, Tenant, Usage};

/// All plugins of this host, by number.
pub struct Plugins {
    engine: Engine,
    hub: Arc<Hub>,
    plugins: DashMap<PluginId, Arc<Plugin>>,
    names: DashMap<(TenantId, String), PluginId>,
    granted: DashMap<TenantId, Arc<Granted>>,
    last: AtomicU32,
    workers: mpsc::Sender<WorkerStart>,
    taken_back: mpsc::Sender<TakenBack>,
    followed: mpsc::Sender<Followed>,
    // Of all plugins of a tenant together.
    shares: DashMap<TenantId, Arc<Share>>,
}

/// What plugins tell those above.
pub struct Told {
    /// They ask for workers.
    pub workers: mpsc::Receiver<WorkerStart>,
    /// Their canaries were taken back.
    pub taken_back: mpsc::Receiver<TakenBack>,
    /// Folders have changed them. A folder waits for whoever drains this.
    pub followed: mpsc::Receiver<Followed>,
}

impl Plugins {
    /// No plugins yet, and the queues of what they tell.
    #[must_use]
    pub fn new(engine: Engine, hub: Arc<Hub>) -> (Arc<Self>, Told) {
        // Asks beyond this are refused to the guest that asks.
        let (workers, asked) = mpsc::channel(1024);
        // A canary is there once for each plugin, so few come at once; what finds no room is in the log.
        let (taken_back, returned) = mpsc::channel(1024);
        let (followed, changes) = mpsc::channel(64);
        (
            Arc::new(Self {
                engine,
                hub,
                plugins: DashMap::new(),
                names: DashMap::new(),
                granted: DashMap::new(),
                last: AtomicU32::new(0),
                workers,
                taken_back,
                followed,
                shares: DashMap::new(),
            }),
            Told { workers: asked, taken_back: returned, followed: changes },
        )
    }

    /// Compiles, checks and links a component and takes it in. Keep it off the threads that serve.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn load(&self, tenant: &Arc<Tenant>, manifest: Manifest, component: &[u8]) -> Result<Arc<Plugin>, LoadError> {
        let name = manifest.name.clone();
        let beyond = |limit: Limit| LoadError::Quota {
            name: name.clone(),
            limit: limit.name(),
            most: tenant.limits().most(limit),
        };
        let lease = tenant.lease(Limit::Plugins).ok_or_else(|| beyond(Limit::Plugins))?;
        let id = PluginId(self.last.fetch_add(1, Ordering::Relaxed));
        let place = (tenant.id(), name.clone());
        // The name is taken before the long work, so that of two who want it one is told at once.
        match self.names.entry(place.clone()) {
            Entry::Occupied(_) => return Err(LoadError::Exists { name }),
            Entry::Vacant(vacant) => _ = vacant.insert(id),
        }
        let identity = Identity {
            lease,
            id,
            name: name.as_str().into(),
            share: self.share(tenant),
            engine: self.engine.clone(),
            hub: Arc::clone(&self.hub),
            workers: self.workers.clone(),
            taken_back: self.taken_back.clone(),
            usage: Usage::part_of(tenant),
            granted: self.granted(tenant.id()),
        };
        match Plugin::load(identity, manifest, component) {
            Ok(plugin) => {
                self.hub.timers().admit(id);
                let plugin = Arc::new(plugin);
                self.plugins.insert(id, Arc::clone(&plugin));
                Ok(plugin)
            }
            Err(error) => {
                self.names.remove(&place);
                Err(error)
            }
        }
    }

    /// A tenant's part of the computing time, as its weight is now.
    fn share(&self, tenant: &Tenant) -> Arc<Share> {
        let weight = weight(tenant.limits().weight);
        let share = self.shares.entry(tenant.id()).or_insert_with(|| self.engine.share(weight));
        Arc::clone(share.value())
    }

    /// Gives a tenant other limits, from now on.
    pub(super) fn set_limits(&self, tenant: &Tenant, limits: Limits) {
        self.share(tenant).set_weight(weight(limits.weight));
        tenant.set_limits(limits);
    }

    /// What a tenant grants its plugins: nothing until it is said.
    #[must_use]
    pub fn granted(&self, tenant: TenantId) -> Arc<Granted> {
        let nothing = || Arc::new(Granted::new(Capabilities::none()));
        Arc::clone(self.granted.entry(tenant).or_insert_with(nothing).value())
    }

    /// Forgets what a tenant granted and its part of the computing time. It has gone.
    pub(super) fn forget(&self, tenant: TenantId) {
        self.granted.remove(&tenant);
        self.shares.remove(&tenant);
    }

    /// Forgets a plugin, whose timers end. Connections that it has go on with it.
    pub fn remove(&self, plugin: &Plugin) {
        self.plugins.remove(&plugin.id());
        self.hub.timers().forget(plugin.id());
        // Another one may have the name by now, if this one was removed before.
        self.names.remove_if(&(plugin.tenant(), plugin.name().to_owned()), |_, id| *id == plugin.id());
    }

    /// The plugin of this name.
    #[must_use]
    pub fn find(&self, tenant: TenantId, name: &str) -> Option<Arc<Plugin>> {
        let id = *self.names.get(&(tenant, name.to_owned()))?;
        self.get(id)
    }

    /// The plugins of a tenant, by name.
    #[must_use]
    pub fn of(&self, tenant: TenantId) -> Vec<Arc<Plugin>> {
        let mine = self.plugins.iter().filter(|plugin| plugin.tenant() == tenant);
        let mut plugins: Vec<_> = mine.map(|plugin| Arc::clone(plugin.value())).collect();
        plugins.sort_by(|one, other| one.name().cmp(other.name()));
        plugins
    }

    /// Tells what a folder has changed.
    async fn tell(&self, followed: Followed) {
        // Nobody wants to know any more when the host stops.
        let _stopping = self.followed.send(followed).await;
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

/// A weight of 0 would be no time at all.
fn weight(weight: u32) -> NonZeroU32 {
    NonZeroU32::new(weight).unwrap_or(NonZeroU32::MIN)
}
