//! What can be done to a running host: tenants come and go, plugins are deployed and removed. Each is done as a whole or not at all. What
//! becomes of a plugin's versions is in `versions.rs`, and the folders that are watched in `folder.rs`.

use std::path::Path;
use std::sync::Arc;

use super::Plugins;
use super::background::Background;
use super::error::{DeployError, LoadError};
use super::loaded::Plugin;
use super::manifest::{Manifest, ManifestError};
use super::routes::{RouteError, Routes};
use crate::guest::v1::Capabilities;
use crate::hub::Hub;
use crate::ids::TenantId;
use crate::message::CloseFrame;
use crate::tenant::{Limits, Tenant, TenantExists, TenantName, Tenants};

/// All that comes and goes while the host runs.
#[derive(Clone)]
pub struct Registry {
    tenants: Arc<Tenants>,
    plugins: Arc<Plugins>,
    routes: Arc<Routes>,
    background: Background,
    hub: Arc<Hub>,
}

/// A plugin, or another version of one, to be taken in.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Its own settings.
    pub manifest: Manifest,
    /// The component.
    pub component: Vec<u8>,
    /// The path that leads to it; none leaves it as it is.
    pub route: Option<String>,
    /// Whose it is.
    pub tenant: TenantName,
}

impl Deployment {
    /// The plugin that is in a component file, for the host itself. Without a manifest inside it has the file's name and the defaults.
    ///
    /// # Errors
    /// The file cannot be read, or the manifest in it is wrong.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let component =
            std::fs::read(path).map_err(|source| ManifestError::Unreadable { path: path.to_owned(), source })?;
        let manifest = Manifest::of_component(&component, &path.display().to_string())?
            .unwrap_or_else(|| Manifest::bare(&path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy()));
        Ok(Self { manifest, component, route: None, tenant: TenantName::default() })
    }
}

impl Registry {
    /// No plugins yet.
    #[must_use]
    pub fn new(tenants: Arc<Tenants>, plugins: Arc<Plugins>, hub: Arc<Hub>) -> Self {
        let background = Background::new(Arc::clone(&plugins), Arc::clone(&hub));
        Self { tenants, plugins, routes: Arc::default(), background, hub }
    }

    /// The tenants.
    #[must_use]
    pub fn tenants(&self) -> &Arc<Tenants> {
        &self.tenants
    }

    /// The plugins.
    #[must_use]
    pub fn plugins(&self) -> &Arc<Plugins> {
        &self.plugins
    }

    /// The routes.
    #[must_use]
    pub fn routes(&self) -> &Arc<Routes> {
        &self.routes
    }

    /// What plugins do beside connections.
    #[must_use]
    pub fn background(&self) -> &Background {
        &self.background
    }

    /// The connections and channels.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Takes a tenant in.
    ///
    /// # Errors
    /// There is one of this name.
    pub fn add_tenant(
        &self,
        name: TenantName,
        hosts: Vec<String>,
        limits: Limits,
    ) -> Result<Arc<Tenant>, TenantExists> {
        self.tenants.add(name, hosts, limits)
    }

    /// Takes a tenant out with all that it has: nobody finds it any more, its plugins end, its connections are closed with 1001, and its
    /// channels are closed.
    pub fn remove_tenant(&self, tenant: &Tenant) {
        let _was_there = self.tenants.remove(tenant.name());
        self.routes.remove_all(tenant.id());
        for plugin in self.plugins.of(tenant.id()) {
            self.remove(&plugin);
        }
        self.hub.for_each_of(tenant.id(), |connection| connection.close(CloseFrame::GOING_AWAY));
        self.hub.channels().forget(tenant);
        self.plugins.forget(tenant.id());
    }

    /// Gives a tenant other host names, and its plugins their routes at them.
    ///
    /// # Errors
    /// One of the routes is taken there; then all is as it was.
    pub fn set_hosts(&self, tenant: &Tenant, hosts: Vec<String>) -> Result<(), RouteError> {
        let before = tenant.hosts();
        let plugins = self.plugins.of(tenant.id());
        let routed: Vec<_> = plugins.iter().filter_map(|plugin| Some((plugin, self.routes.of(plugin)?))).collect();
        let set = |hosts: &[String]| {
            routed.iter().try_for_each(|(plugin, route)| {
                self.routes.set(hosts, route, plugin, plugin.serving().version.exports())
            })
        };
        if let Err(error) = set(&hosts) {
            // They had them, and whoever wants one of them now is refused as long as the others are not theirs.
            let _they_were_theirs = set(&before);
            return Err(error);
        }
        tenant.set_hosts(hosts);
        Ok(())
    }

    /// Gives a tenant other limits, from now on. What it has beyond them it keeps.
    pub fn set_limits(&self, tenant: &Tenant, limits: Limits) {
        self.plugins.set_limits(tenant, limits);
    }

    /// Grants the plugins of a tenant this and no more, from now on. One that asks for more than is granted is not taken in.
    pub fn grant(&self, tenant: &Tenant, capabilities: Capabilities) {
        self.plugins.granted(tenant.id()).set(capabilities);
    }

    /// The plugin of this name.
    #[must_use]
    pub fn find(&self, tenant: TenantId, name: &str) -> Option<Arc<Plugin>> {
        self.plugins.find(tenant, name)
    }

    /// Takes a plugin in, or lets another version of it serve. It is compiled, checked and tried with one instance before it has any
    /// event, and if anything is wrong with it all stays as it was.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub async fn deploy(&self, deployment: Deployment) -> Result<Arc<Plugin>, DeployError> {
        let Deployment { manifest, component, route, tenant } = deployment;
        let found = self.tenants.get(tenant.as_str());
        let tenant = &found.ok_or_else(|| DeployError::NoTenant { plugin: manifest.name.clone(), tenant })?;
        if let Some(plugin) = self.plugins.find(tenant.id(), &manifest.name) {
            self.swap(&plugin, manifest, component, route).await?;
            return Ok(plugin);
        }
        let plugin = self.take_in(tenant, manifest, component).await?;
        if let Some(route) = route
            && let Err(error) = self.routes.set(&tenant.hosts(), &route, &plugin, plugin.serving().version.exports())
        {
            self.plugins.remove(&plugin);
            return Err(error.into());
        }
        self.background.start(&plugin, &plugin.serving().version);
        self.is_there(&plugin)?;
        Ok(plugin)
    }

    /// Whoever has just let a version of a plugin serve looks whether the plugin was removed meanwhile: that did not find this one, which
    /// goes now.
    pub(super) fn is_there(&self, plugin: &Plugin) -> Result<(), LoadError> {
        if self.plugins.get(plugin.id()).is_some() {
            return Ok(());
        }
        self.remove(plugin);
        Err(LoadError::Removed { name: plugin.name().to_owned() })
    }

    /// Takes a plugin out: its workers and its timers end, nobody connects to it any more, and its connections are closed with 1001.
    pub fn remove(&self, plugin: &Plugin) {
        self.routes.remove(plugin);
        self.plugins.remove(plugin);
        plugin.end();
        self.hub.for_each_of(plugin.tenant(), |connection| {
            // Another one may have the name by now, but its name is there once for it.
            if std::ptr::eq(connection.plugin(), plugin.name()) {
                connection.close(CloseFrame::GOING_AWAY);
            }
        });
    }

    async fn take_in(
        &self,
        tenant: &Arc<Tenant>,
        manifest: Manifest,
        component: Vec<u8>,
    ) -> Result<Arc<Plugin>, LoadError> {
        let name = manifest.name.clone();
        let (plugins, owner) = (Arc::clone(&self.plugins), Arc::clone(tenant));
        let loaded = tokio::task::spawn_blocking(move || plugins.load(&owner, manifest, &component)).await;
        let plugin = loaded.map_err(|_| LoadError::Interrupted { name: name.clone() })??;
        let version = Arc::clone(&plugin.serving().version);
        if let Err(source) = version.instantiate().await {
            self.plugins.remove(&plugin);
            return Err(LoadError::Instance { name, source });
        }
        Ok(plugin)
    }
}
