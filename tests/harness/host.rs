//! The real host, in this process, on a port of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use holdline::app::{Running, StartError};
use holdline::config::{Config, TenantEntry};
use holdline::engine::CachePlace;
use holdline::gate::Reason;
use holdline::hub::Hub;
use holdline::listeners::Listeners;
use holdline::plugin::{Deployment, Manifest, Registry};
use holdline::store::StorePlace;
use holdline::tenant::{Limits, TenantName};

use super::client::Client;
use super::guests::{Guest, sample};
use super::operator::Operator;
use super::program::{caches, folder};
use super::{log, within};

/// How often a count of the hub is looked at, which tells nobody that it has changed.
const LOOK: Duration = Duration::from_millis(1);

/// A host that is not started yet.
pub(crate) struct Setup {
    config: Config,
    plugins: Vec<Deployment>,
}

impl Setup {
    /// No plugins, and the defaults on a port that the system chooses.
    pub(crate) fn new() -> Self {
        log::keep();
        let mut config = Config::default();
        config.listen.address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        // Hosts of several tests run at once, and each would reserve room for many.
        config.engine.instances = 64;
        config.store.folder = StorePlace::Memory;
        config.engine.cache = CachePlace::Folder(caches().join("holdline"));
        Self { config, plugins: Vec::new() }
    }

    /// Changes the configuration.
    pub(crate) fn configured(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// A guest at the route that has its name. The name is the one in its log; the manifest is what follows the name in
    /// plugin.toml.
    pub(crate) fn guest(self, guest: Guest, name: &str, manifest: &str) -> anyhow::Result<Self> {
        let manifest = Manifest::parse(&format!("name = {name:?}\n{manifest}"), name)?;
        let route = Some(format!("/{name}"));
        Ok(self.source(Deployment { manifest, component: guest.component()?, route, tenant: TenantName::default() }))
    }

    /// A sample plugin at the route that has its name, with its own manifest after this change.
    pub(crate) fn sample(self, name: &str, change: impl FnOnce(&mut Manifest)) -> anyhow::Result<Self> {
        let (mut manifest, component) = sample(name)?;
        change(&mut manifest);
        let route = Some(format!("/{name}"));
        Ok(self.source(Deployment { manifest, component, route, tenant: TenantName::default() }))
    }

    /// Takes the route of the last plugin away, or gives it another one.
    pub(crate) fn at(mut self, route: Option<&str>) -> Self {
        if let Some(plugin) = self.plugins.last_mut() {
            plugin.route = route.map(str::to_owned);
        }
        self
    }

    /// Another tenant, at all host names or at these.
    #[allow(dead_code, reason = "it is the suite's")]
    pub(crate) fn tenant(mut self, name: &str, hosts: &[&str], limits: Limits) -> anyhow::Result<Self> {
        let hosts = hosts.iter().map(|&host| host.to_owned()).collect();
        self.config.tenants.push(TenantEntry { name: name.parse()?, hosts, limits, ..TenantEntry::default() });
        Ok(self)
    }

    /// Gives the last plugin to another tenant.
    #[allow(dead_code, reason = "it is the suite's")]
    pub(crate) fn of(mut self, tenant: &str) -> anyhow::Result<Self> {
        if let Some(plugin) = self.plugins.last_mut() {
            plugin.tenant = tenant.parse()?;
        }
        Ok(self)
    }

    /// Changes the component of the last plugin.
    #[allow(dead_code, reason = "it is the benchmark's, which is a program of its own")]
    pub(crate) fn changed(mut self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        if let Some(plugin) = self.plugins.last_mut() {
            change(&mut plugin.component);
        }
        self
    }

    /// A plugin as it is.
    pub(crate) fn source(mut self, source: Deployment) -> Self {
        self.plugins.push(source);
        self
    }

    /// With an admin API, and a store in a folder of this name, which is empty at first.
    #[allow(dead_code, reason = "it is the suite's")]
    pub(crate) fn operated(mut self, store: &str) -> anyhow::Result<Self> {
        let folder = folder(store)?;
        self.config.admin.address = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        self.config.store.folder = StorePlace::Folder(folder.join("store"));
        Ok(self)
    }

    /// Starts it.
    pub(crate) async fn start(self) -> anyhow::Result<Host> {
        let store = match &self.config.store.folder {
            StorePlace::Folder(folder) => folder.clone(),
            StorePlace::User | StorePlace::Memory => PathBuf::new(),
        };
        Ok(Host { running: Running::start(&self.config, self.plugins, Listeners::default()).await?, store })
    }

    /// The error with which it does not start.
    pub(crate) async fn refusal(self) -> anyhow::Result<StartError> {
        Running::start(&self.config, self.plugins, Listeners::default()).await.err().context("the host has started")
    }
}

/// A host that runs. It ends with the runtime of its test, if not before.
pub(crate) struct Host {
    running: Running,
    store: PathBuf,
}

impl Host {
    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address()
    }

    pub(crate) fn hub(&self) -> &Hub {
        self.running.hub()
    }

    /// How often somebody was refused at its door for this reason.
    #[allow(dead_code, reason = "it is the suite's")]
    pub(crate) fn refused(&self, reason: Reason) -> u64 {
        self.running.gate().tally().refused(reason)
    }

    /// A client at this path.
    pub(crate) async fn connect(&self, path: &str) -> anyhow::Result<Client> {
        self.connect_with(path, &[]).await
    }

    /// A client at this path, with these headers in its handshake.
    pub(crate) async fn connect_with(&self, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Client> {
        Client::connect(self.address(), path, headers).await
    }

    /// Waits until the hub is as wanted.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&Hub) -> bool) -> anyhow::Result<()> {
        let mut look = tokio::time::interval(LOOK);
        let seen = async {
            while !wanted(self.hub()) {
                look.tick().await;
            }
        };
        within(what, seen).await
    }

    /// Waits until so many connections are held.
    pub(crate) async fn holds(&self, count: usize) -> anyhow::Result<()> {
        self.until(&format!("the number of {count} held connections"), |hub| hub.held_count() == count).await
    }

    /// Lets another version of a plugin serve.
    #[allow(dead_code, reason = "it is the suite's")]
    pub(crate) async fn swap(&self, name: &str, manifest: &str, component: Vec<u8>) -> anyhow::Result<()> {
        let manifest = Manifest::parse(&format!("name = {name:?}\n{manifest}"), name)?;
        let deployment = Deployment { manifest, component, route: None, tenant: TenantName::default() };
        self.registry().deploy(deployment).await?;
        Ok(())
    }

    /// Where HTTP without TLS is sent on to HTTPS.
    #[allow(dead_code, reason = "it is the suite's")]
    pub(crate) fn redirect(&self) -> anyhow::Result<SocketAddr> {
        self.running.redirect_address().context("nothing is sent on")
    }

    /// The folder of its store.
    #[allow(dead_code, reason = "it is the suite's")]
    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    /// Who has the first token of its admin API.
    #[allow(dead_code, reason = "it is the suite's")]
    pub(crate) fn operator(&self) -> anyhow::Result<Operator> {
        Operator::first(self.running.admin_address().context("it has no admin API")?, &self.store)
    }

    /// What can be done to its tenants and plugins.
    #[allow(dead_code, reason = "it is the suite's")]
    pub(crate) fn registry(&self) -> &Registry {
        self.running.registry()
    }

    pub(crate) async fn stop(self) {
        self.running.stop().await;
    }
}
