//! The whole host: it builds the rooms, joins their queues, runs, and drains when it is told to stop.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::admin::{Admin, AdminError, Declared, Given};
use crate::config::Config;
use crate::engine::{Engine, EngineError};
use crate::gate::{Gate, GateError};
use crate::guest::v1::{Grants, Secret};
use crate::hub::{Drain, Hub};
use crate::ids::NodeId;
use crate::listeners::{ListenError, Listeners};
use crate::outgoing::{Trust, TrustError};
use crate::plugin::{DeployError, Deployment, LoadError, Plugins, Registry, WatchError};
use crate::socket::{Door, Tls, TlsError};
use crate::store::{OpenError, Store};
use crate::tenant::{Limits, TenantExists, TenantName, Tenants};

/// Why a host did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No store.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// No admin API.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// No engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The servers that plugins ask cannot be believed.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The host cannot say who it is.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A plugin was not taken in.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// A folder of plugins is not there.
    #[error(transparent)]
    Folder(#[from] WatchError),
    /// Two tenants have the same name.
    #[error(transparent)]
    Tenant(#[from] TenantExists),
    /// Nobody could connect.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The port cannot be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// The thread that compiles has died.
    #[error("compiling was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl StartError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Admin(error) => error.hint(),
            Self::Engine(_) => Some("lower `instances` or `memory` under [engine]".to_owned()),
            Self::Trust(_) => Some("`roots` under [outgoing] is a file with one certificate or more in PEM".to_owned()),
            Self::Tls(error) => error.hint(),
            Self::Deploy(error) => error.hint(),
            Self::Folder(_) => Some("make the folder, or leave `folder` out".to_owned()),
            Self::Tenant(_) => Some("give each [[tenant]] a name of its own; `default` is the host itself".to_owned()),
            Self::Gate(_) => Some("name the networks of the proxies: `trust = [\"10.0.0.0/8\"]`".to_owned()),
            Self::Listen(error) => Some(error.hint().to_owned()),
            Self::Random(_) | Self::Interrupted(_) => None,
        }
    }
}

/// Takes all of them in, as many at once as there are cores: compiling is most of it, and what is in the cache is mostly waiting.
async fn take_in(registry: &Registry, deployments: Vec<Deployment>) -> Result<(), StartError> {
    let mut names = HashSet::new();
    for Deployment { manifest, tenant, .. } in &deployments {
        // Taken in as they come, the second would be another version of the first.
        if !names.insert((tenant.clone(), manifest.name.clone())) {
            return Err(DeployError::from(LoadError::Exists { name: manifest.name.clone() }).into());
        }
    }
    let places = std::thread::available_parallelism().map_or(1, usize::from);
    let mut deployments = deployments.into_iter();
    let mut under_way = JoinSet::new();
    loop {
        while under_way.len() < places
            && let Some(deployment) = deployments.next()
        {
            let registry = registry.clone();
            under_way.spawn(async move { registry.deploy(deployment).await });
        }
        match under_way.join_next().await {
            Some(taken_in) => _ = taken_in??,
            None => return Ok(()),
        }
    }
}

/// What only the configuration changes.
fn declared(config: &Config, deployments: &[Deployment]) -> Declared {
    let name = |deployment: &Deployment| (deployment.tenant.to_string(), deployment.manifest.name.clone());
    let given = |grants: &Grants, config: &BTreeMap<String, String>, secrets: &BTreeMap<String, Secret>| Given {
        grants: grants.clone(),
        config: config.clone(),
        secrets: secrets.clone(),
    };
    let own = (TenantName::default().to_string(), given(&config.grants, &config.config, &config.secrets));
    let others = config.tenants.iter().map(|it| (it.name.to_string(), given(&it.grants, &it.config, &it.secrets)));
    Declared { tenants: others.chain([own]).collect(), plugins: deployments.iter().map(name).collect() }
}

/// A host that runs.
pub struct Running {
    address: SocketAddr,
    hub: Arc<Hub>,
    gate: Arc<Gate>,
    door: Arc<Door>,
    registry: Registry,
    admin: Arc<Admin>,
    hearing: AbortOnDropHandle<()>,
    clock: JoinHandle<()>,
    drain: Drain,
    close_timeout: Duration,
}

impl Running {
    /// Takes the plugins in, starts their workers and opens the door, on these sockets if it is given any.
    ///
    /// # Errors
    /// Says what stands in the way; nothing runs then.
    pub async fn start(
        config: &Config,
        deployments: Vec<Deployment>,
        listeners: Listeners,
    ) -> Result<Self, StartError> {
        let trust = Trust::new(&config.outgoing)?;
        let tls = config.listen.tls.as_ref().map(Tls::new).transpose()?;
        let listen = &config.listen;
        let gate = Gate::new(listen.proxies.clone(), listen.connections_per_address, listen.connects_per_second)?;
        let gate = Arc::new(gate);
        let place = config.store.folder.clone();
        let store = tokio::task::spawn_blocking(move || Store::at(&place)).await??;
        let engine = Engine::new(&config.engine)?.with_messages_of(config.hub.message_size);
        // One node, until the configuration knows of more.
        let (hub, due) = Hub::new(NodeId::default(), config.hub.clone()).map_err(StartError::Random)?;
        let hub = Arc::new(hub);
        let (plugins, told) = Plugins::new(engine, Arc::clone(&hub));
        let tenants = Arc::new(Tenants::new(config.limits.clone().unwrap_or_else(Limits::unlimited)));
        let registry = Registry::new(tenants, plugins, Arc::clone(&hub));
        for tenant in &config.tenants {
            registry.add_tenant(tenant.name.clone(), tenant.hosts.clone(), tenant.limits.clone())?;
        }
        config.warn_of_overcommitment();
        let declared = declared(config, &deployments);
        let (settings, watched) = (config.admin.clone(), Arc::clone(&gate));
        let admin = Admin::open(settings, listeners.admin, store, registry.clone(), watched, declared, trust).await?;
        let admin = Arc::new(admin);
        // Aborted if the start fails, so that the store is free again.
        let hearing = AbortOnDropHandle::new(tokio::spawn({
            let admin = Arc::clone(&admin);
            async move { admin.hear(told.taken_back, told.followed).await }
        }));
        take_in(&registry, deployments).await?;
        let own = config.folder.iter().map(|folder| (TenantName::default(), folder));
        let of_tenants = config.tenants.iter().filter_map(|it| Some((it.name.clone(), it.folder.as_ref()?)));
        for (tenant, folder) in own.chain(of_tenants) {
            registry.follow(tenant, folder.clone()).await?;
        }
        admin.restore().await?;
        let door = Door::new(listen.clone(), Arc::clone(&gate), tls, Arc::clone(&hub), Arc::clone(registry.routes()));
        let address = door.open(listeners.listen, listeners.redirect).await?;
        let clock = tokio::spawn({
            let hub = Arc::clone(&hub);
            async move { hub.run().await }
        });
        registry.background().serve(due, told.workers);
        admin.ready();
        let close_timeout = config.listen.close_timeout;
        let drain = config.drain.clone();
        Ok(Self { address, hub, gate, door, registry, admin, hearing, clock, drain, close_timeout })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where HTTP without TLS is sent on to HTTPS, if it is.
    #[must_use]
    pub fn redirect_address(&self) -> Option<SocketAddr> {
        self.door.redirect()
    }

    /// Where its admin API listens, if it does.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.address()
    }

    /// Its connections.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// What it refuses at its door.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// What can be done to its tenants and plugins.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Stops, in bounded time: nobody is accepted and nothing is retained any more; connections are closed one after the other, those
    /// that are held after all others, and wait up to the drain time for their delivery; then workers end, and the last are closed. Each
    /// gets its close event.
    pub async fn stop(self) {
        self.admin.drain();
        self.door.close();
        self.hub.refuse_retentions();
        let (connections, held) = (self.hub.connection_count(), self.hub.held_count());
        tracing::info!(connections, held, "stopping");
        let until = Instant::now() + self.drain.timeout;
        self.hub.part(&self.drain, until, |connection| !connection.is_held()).await;
        if tokio::time::timeout_at(until, self.hub.none_held()).await.is_err() {
            tracing::warn!(held = self.hub.held_count(), "connections are still held after the drain time");
        }
        // Nobody is left for them to deliver to, and the close events need the instances that they hold.
        self.registry.background().stop().await;
        self.hub.part(&self.drain, until, |_| true).await;
        // A handshake may take its time; then a handler that does not return has had its own.
        if tokio::time::timeout(self.close_timeout * 2, self.door.closed()).await.is_err() {
            tracing::warn!(connections = self.hub.connection_count(), "events that have not returned are given up");
            self.hub.abandon_events();
            if tokio::time::timeout(self.close_timeout * 2, self.door.closed()).await.is_err() {
                tracing::warn!(connections = self.hub.connection_count(), "connections are left behind");
            }
        }
        self.clock.abort();
        self.admin.close(self.close_timeout).await;
        // It has the store until then.
        let _ended = self.hearing.await;
        tracing::info!("stopped");
    }
}
