//! The whole host: it builds the rooms, joins their queues, runs, and drains when it is told to stop.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::config::Config;
use crate::engine::{Engine, EngineError};
use crate::hub::Hub;
use crate::ids::{NodeId, TenantId};
use crate::message::CloseFrame;
use crate::plugin::{Background, LoadError, Manifest, ManifestError, Plugin, Plugins, RouteError, Routes};
use crate::socket::{Door, ListenError};

/// A plugin, read and ready to be taken in.
#[derive(Clone, Debug)]
pub struct PluginSource {
    /// Its own settings.
    pub manifest: Manifest,
    /// The component.
    pub component: Vec<u8>,
    /// The path that leads to it.
    pub route: Option<String>,
}

impl PluginSource {
    /// The plugin that is in a component file. Without a manifest inside it has the file's name and the defaults.
    ///
    /// # Errors
    /// The file cannot be read, or the manifest in it is wrong.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let component =
            std::fs::read(path).map_err(|source| ManifestError::Unreadable { path: path.to_owned(), source })?;
        let manifest = Manifest::of_component(&component, &path.display().to_string())?
            .unwrap_or_else(|| Manifest::bare(&path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy()));
        Ok(Self { manifest, component, route: None })
    }
}

/// Why a host did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A plugin was not taken in.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A route cannot be had.
    #[error(transparent)]
    Route(#[from] RouteError),
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
            Self::Engine(_) => Some("lower `instances` or `memory` under [engine]".to_owned()),
            Self::Load(error) => error.hint(),
            Self::Route(_) => Some("give each plugin a route of its own, such as `/chat`".to_owned()),
            Self::Listen(ListenError::InUse(_)) => {
                Some("stop the other process, or choose another port with --listen; port 0 takes a free one".to_owned())
            }
            Self::Listen(ListenError::Other { .. }) => {
                Some("choose an address of this machine; ports below 1024 need rights".to_owned())
            }
            Self::Random(_) | Self::Interrupted(_) => None,
        }
    }
}

/// Puts newer versions of one plugin in the place of what serves.
pub struct Swapper {
    background: Background,
    plugin: Arc<Plugin>,
}

impl Swapper {
    /// Lets another version serve from each connection's next event on. Connections, handles, timers, channels and attachments stay.
    ///
    /// # Errors
    /// Says what is wrong with it; what served goes on.
    pub async fn swap(&self, source: PluginSource) -> Result<(), LoadError> {
        self.background.swap(&self.plugin, source.manifest, source.component).await
    }
}

/// A host that runs.
pub struct Running {
    address: SocketAddr,
    hub: Arc<Hub>,
    door: Arc<Door>,
    background: Background,
    plugins: Vec<Arc<Plugin>>,
    clock: JoinHandle<()>,
    drain: Duration,
    close_timeout: Duration,
}

impl Running {
    /// Takes the plugins in, starts their workers and opens the door.
    ///
    /// # Errors
    /// Says what stands in the way; nothing runs then.
    pub async fn start(config: &Config, sources: Vec<PluginSource>) -> Result<Self, StartError> {
        let engine = Engine::new(&config.engine)?;
        // One tenant and one node, until the configuration knows of more.
        let (tenant, node) = (TenantId::default(), NodeId::default());
        let (hub, due) = Hub::new(node, config.hub.clone()).map_err(StartError::Random)?;
        let hub = Arc::new(hub);
        let (plugins, asked) = Plugins::new(engine, Arc::clone(&hub));
        let (plugins, routes, taken_in) = tokio::task::spawn_blocking(move || {
            let mut routes = Routes::default();
            let mut taken_in = Vec::new();
            for source in sources {
                let plugin = plugins.load(tenant, source.manifest, &source.component)?;
                if let Some(route) = &source.route {
                    routes.add(route, &plugin)?;
                }
                taken_in.push(plugin);
            }
            Ok::<_, StartError>((plugins, routes, taken_in))
        })
        .await??;
        let door = Door::new(config.listen.clone(), Arc::clone(&hub), routes);
        let address = door.open().await?;
        let clock = tokio::spawn({
            let hub = Arc::clone(&hub);
            async move { hub.run().await }
        });
        let background = Background::new(plugins, Arc::clone(&hub));
        background.serve(due, asked);
        for plugin in &taken_in {
            background.start(plugin);
        }
        let close_timeout = config.listen.close_timeout;
        let drain = config.drain;
        Ok(Self { address, hub, door, background, plugins: taken_in, clock, drain, close_timeout })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its connections.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Where newer versions of a plugin can be handed in, if there is one of this name.
    #[must_use]
    pub fn swapper(&self, name: &str) -> Option<Swapper> {
        let plugin = self.plugins.iter().find(|plugin| plugin.name() == name)?;
        Some(Swapper { background: self.background.clone(), plugin: Arc::clone(plugin) })
    }

    /// Stops, in bounded time: nobody is accepted and nothing is retained any more; held connections get up to the drain time for
    /// their delivery; then workers end; then every connection is closed with 1001 and gets its close event.
    pub async fn stop(self) {
        self.door.close();
        self.hub.refuse_retentions();
        let (connections, held) = (self.hub.connection_count(), self.hub.held_count());
        tracing::info!(connections, held, "stopping");
        if tokio::time::timeout(self.drain, self.hub.none_held()).await.is_err() {
            tracing::warn!(held = self.hub.held_count(), "connections are still held after the drain time");
        }
        // Nobody is left for them to deliver to, and the close events need the instances that they hold.
        self.background.stop().await;
        self.hub.for_each(|connection| connection.close(CloseFrame::GOING_AWAY));
        // A handshake may take its time; then a handler that does not return has had its own.
        if tokio::time::timeout(self.close_timeout * 2, self.door.closed()).await.is_err() {
            tracing::warn!(connections = self.hub.connection_count(), "events that have not returned are given up");
            self.hub.abandon_events();
            if tokio::time::timeout(self.close_timeout * 2, self.door.closed()).await.is_err() {
                tracing::warn!(connections = self.hub.connection_count(), "connections are left behind");
            }
        }
        self.clock.abort();
        tracing::info!("stopped");
    }
}
