//! Hosts that live as long as the process, on one thread: one with a door, and one without.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytesize::ByteSize;
use holdline::app::Running;
use holdline::config::Config;
use holdline::engine::{CachePlace, Engine, Settings};
use holdline::gate::Reason;
use holdline::hub::{Hub, TimerDue};
use holdline::ids::{NodeId, TenantId};
use holdline::listeners::Listeners;
use holdline::plugin::{Deployment, Manifest, Plugin, Registry, Told};
use holdline::store::StorePlace;
use holdline::tenant::{Limits, Tenant, TenantName, Tenants};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

/// What takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for something that is to come at once.
///
/// # Panics
/// It does not come.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("{what} does not come"),
    }
}

/// A host with a door.
pub struct Served {
    runtime: Runtime,
    running: Running,
    // Each client comes from another address, else the system runs out of pairs of ports.
    clients: AtomicU32,
}

impl Served {
    /// Starts one with these plugins, each at the route of its name: what follows the name in its manifest, and its component.
    ///
    /// # Panics
    /// It does not start.
    pub fn new(change: impl FnOnce(&mut Config), plugins: &[(&str, &str, &[u8])]) -> Self {
        let mut config = Config::default();
        config.listen.address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        config.engine = engine();
        config.store.folder = StorePlace::Memory;
        change(&mut config);
        let deployments = plugins.iter().map(|(name, manifest, component)| Deployment {
            manifest: Manifest::parse(&format!("name = {name:?}\n{manifest}"), name).expect("a manifest"),
            component: component.to_vec(),
            route: Some(format!("/{name}")),
            tenant: TenantName::default(),
        });
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let running =
            runtime.block_on(Running::start(&config, deployments.collect(), Listeners::default())).expect("a host");
        Self { runtime, running, clients: AtomicU32::new(0) }
    }

    /// Runs something, and the host meanwhile.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Another client.
    ///
    /// # Panics
    /// The system has no socket.
    pub async fn call(&self) -> TcpStream {
        let [.., high, low] = self.clients.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 1, high, low], 0))).expect("an address");
        let stream = socket.connect(self.running.address()).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        stream
    }

    /// Waits until the last client has gone.
    ///
    /// # Panics
    /// Something is left of one.
    pub async fn emptied(&self) {
        let hub = self.running.hub();
        let tenant = self.running.registry().tenants().get("default").expect("the host's own");
        let is_empty = || {
            use holdline::tenant::Limit::{Connections, HeldConnections, WaitingBytes};
            let used = [Connections, HeldConnections, WaitingBytes].map(|limit| tenant.usage().used(limit));
            hub.connection_count() == 0 && hub.held_count() == 0 && used == [0; 3]
        };
        within("the end of the last connection", async {
            while !is_empty() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// How often clients were refused for this reason.
    pub fn refused(&self, reason: Reason) -> u64 {
        self.running.gate().tally().refused(reason)
    }

    /// The plugin of this name.
    ///
    /// # Panics
    /// There is none.
    pub fn plugin(&self, name: &str) -> Arc<Plugin> {
        self.running.registry().find(TenantId::default(), name).expect("the plugin")
    }
}

/// A host without a door: plugins, and a hub whose timers run when it is told to.
pub struct Plugins {
    runtime: Runtime,
    /// What is done to its plugins.
    pub registry: Registry,
    /// The connections.
    pub hub: Arc<Hub>,
    // Until they are served: nobody asks before.
    queues: Option<(mpsc::Receiver<TimerDue>, Told)>,
}

impl Default for Plugins {
    fn default() -> Self {
        Self::new()
    }
}

impl Plugins {
    /// One without plugins, by the clock of the system.
    ///
    /// # Panics
    /// It does not start.
    pub fn new() -> Self {
        Self::on(Builder::new_current_thread().enable_all().build().expect("a runtime"))
    }

    /// One whose timers and workers run, by the clock of the system.
    ///
    /// # Panics
    /// It does not start.
    pub fn in_time() -> Self {
        Self::new().serving()
    }

    /// The same, but its time passes when nothing else is to be done.
    ///
    /// # Panics
    /// It does not start.
    pub fn out_of_time() -> Self {
        let paused = Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        Self::on(paused).serving()
    }

    fn serving(mut self) -> Self {
        let (due, told) = self.queues.take().expect("they are not served");
        let inside = self.runtime.enter();
        self.registry.background().serve(due, told.workers);
        let hub = Arc::clone(&self.hub);
        self.runtime.spawn(async move { hub.run().await });
        drop(inside);
        self
    }

    fn on(runtime: Runtime) -> Self {
        let inside = runtime.enter();
        let mut settings = holdline::hub::Settings::default();
        settings.message_size = ByteSize::kib(64);
        settings.outbox_size = ByteSize::kib(256);
        // The same few components, again and again.
        let cache = CachePlace::Folder(std::env::temp_dir().join("holdline-fuzz"));
        let engine =
            Engine::new(&Settings { cache, ..engine() }).expect("an engine").with_messages_of(settings.message_size);
        let (hub, due) = Hub::new(NodeId::default(), settings).expect("random numbers");
        let hub = Arc::new(hub);
        let (plugins, told) = holdline::plugin::Plugins::new(engine, Arc::clone(&hub));
        let tenants = Arc::new(Tenants::new(Limits { instances: 32, ..Limits::default() }));
        let registry = Registry::new(tenants, plugins, Arc::clone(&hub));
        drop(inside);
        Self { runtime, registry, hub, queues: Some((due, told)) }
    }

    /// Runs something, and what its plugins do meanwhile.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Whose they are.
    ///
    /// # Panics
    /// Never: the host's own tenant is always there.
    pub fn tenant(&self) -> Arc<Tenant> {
        self.registry.tenants().get("default").expect("the host's own")
    }
}

fn engine() -> Settings {
    Settings {
        instances: 32,
        memory: ByteSize::mib(64),
        component_size: ByteSize::kib(64),
        // What is compiled is small, and each process compiles it once.
        cache: CachePlace::Nowhere,
        ..Settings::default()
    }
}
