//! Which version of a plugin serves: another one takes its place, is tried on some connections first, or one that served before comes
//! back. Connections, handles, timers, channels and attachments stay through all of it.

use std::sync::Arc;

use super::canary::CanaryRules;
use super::error::{DeployError, LoadError};
use super::loaded::Plugin;
use super::manifest::{Manifest, Swap};
use super::registry::Registry;
use super::version::Version;
use crate::engine::Digest;

impl Registry {
    /// Lets another version of a plugin serve, at this route or where it is: it is compiled, checked and tried with one instance before a
    /// single event goes to it, and if anything is wrong with it the one before goes on.
    pub(super) async fn swap(
        &self,
        plugin: &Arc<Plugin>,
        manifest: Manifest,
        component: Vec<u8>,
        route: Option<String>,
    ) -> Result<(), DeployError> {
        let _one_at_a_time = plugin.changing.lock().await;
        let version = prepare(plugin, manifest, component).await?;
        version.open_channels()?;
        // A version that has no handler cannot have the route of the one before, either.
        if let Some(route) = route.or_else(|| self.routes().of(plugin)) {
            self.routes().set(&plugin.owner().hosts(), &route, plugin, version.exports())?;
        }
        Ok(self.let_serve(plugin, version)?)
    }

    /// Gives some connections of a plugin another version, which is checked and tried first. Timers, workers and channels stay with the one
    /// that serves.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub async fn try_out(
        &self,
        plugin: &Arc<Plugin>,
        manifest: Manifest,
        component: Vec<u8>,
        rules: CanaryRules,
    ) -> Result<(), LoadError> {
        let _one_at_a_time = plugin.changing.lock().await;
        let version = prepare(plugin, manifest, component).await?;
        plugin.try_out(version, rules);
        self.is_there(plugin)
    }

    /// Lets the canary of a plugin serve all.
    ///
    /// # Errors
    /// There is none, or it cannot have its channels.
    pub async fn promote(&self, plugin: &Arc<Plugin>) -> Result<(), LoadError> {
        let _one_at_a_time = plugin.changing.lock().await;
        let canary = plugin.serving().canary.clone().ok_or_else(|| no_canary(plugin))?;
        canary.version.open_channels()?;
        self.let_serve(plugin, Arc::clone(&canary.version))
    }

    /// Changes who gets the canary of a plugin, and what it must not do.
    ///
    /// # Errors
    /// There is none.
    pub fn retry(&self, plugin: &Plugin, rules: CanaryRules) -> Result<(), LoadError> {
        plugin.set_rules(rules).map(drop).ok_or_else(|| no_canary(plugin))
    }

    /// Takes the canary of a plugin back.
    ///
    /// # Errors
    /// There is none.
    pub fn take_back(&self, plugin: &Plugin) -> Result<(), LoadError> {
        let canary = plugin.serving().canary.clone();
        let is_done = canary.is_some_and(|canary| plugin.take_back(&canary));
        is_done.then_some(()).ok_or_else(|| no_canary(plugin))
    }

    /// Lets a version of a plugin that served before serve again: the one with this digest, or the latest.
    ///
    /// # Errors
    /// It is not kept, or cannot have its channels.
    pub async fn roll_back(&self, plugin: &Arc<Plugin>, digest: Option<Digest>) -> Result<(), LoadError> {
        let _one_at_a_time = plugin.changing.lock().await;
        let kept = plugin.kept(digest).ok_or_else(|| LoadError::NotKept { name: plugin.name().to_owned(), digest })?;
        kept.open_channels()?;
        self.let_serve(plugin, Arc::new(kept.again()))
    }

    /// From now on this one, whose channels are open. The resident workers of the version before end when they have nothing in hand, and
    /// those of the new one are there already; workers that a plugin has started itself go on to their own end.
    fn let_serve(&self, plugin: &Arc<Plugin>, version: Arc<Version>) -> Result<(), LoadError> {
        let before = Arc::clone(&plugin.serving().version);
        plugin.swap(Arc::clone(&version));
        self.background().start(plugin, &version);
        if version.manifest().swap == Swap::NewConnections {
            let drain = version.manifest().swap_drain;
            self.background().spawn(async move {
                tokio::time::sleep(drain).await;
                before.cool();
            });
        }
        self.is_there(plugin)
    }
}

async fn prepare(plugin: &Arc<Plugin>, manifest: Manifest, component: Vec<u8>) -> Result<Arc<Version>, LoadError> {
    let name = manifest.name.clone();
    let loading = Arc::clone(plugin);
    let loaded = tokio::task::spawn_blocking(move || loading.prepare(manifest, &component)).await;
    let version = loaded.map_err(|_| LoadError::Interrupted { name: name.clone() })??;
    version.instantiate().await.map_err(|source| LoadError::Instance { name, source })?;
    Ok(Arc::new(version))
}

fn no_canary(plugin: &Plugin) -> LoadError {
    LoadError::NoCanary { name: plugin.name().to_owned() }
}
