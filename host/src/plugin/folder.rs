//! A folder whose components are the plugins of a tenant: one that comes or changes is deployed, one that goes is removed. One that is
//! broken leaves what served, and the log says why.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::loaded::Plugin;
use super::registry::{Deployment, Registry};
use crate::digest::Digest;
use crate::telemetry;
use crate::tenant::TenantName;

/// A change is looked at when nothing has changed for so long: a file that is being copied changes many times.
const QUIET: Duration = Duration::from_millis(200);

/// A folder cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("the folder {folder} cannot be watched", folder = folder.display())]
pub struct WatchError {
    /// Which.
    folder: PathBuf,
    /// Why not.
    source: notify::Error,
}

/// A folder has changed a plugin.
#[derive(Clone, Debug)]
pub struct Followed {
    /// Whose plugin it is.
    pub tenant: String,
    /// Which.
    pub plugin: String,
    /// The file's name in the folder.
    pub file: String,
    /// What was done.
    pub change: Change,
}

/// What a folder has done to a plugin.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// It serves now.
    Deployed {
        /// The version.
        digest: Digest,
        /// The one in whose place.
        previous: Option<Digest>,
    },
    /// Its file has gone, and so has it.
    Removed,
}

/// The components of a folder, as they were when it was looked at last.
struct Folder {
    registry: Registry,
    tenant: TenantName,
    path: PathBuf,
    known: HashMap<PathBuf, Known>,
}

struct Known {
    changed: Option<SystemTime>,
    size: u64,
    // None if it could not be deployed.
    plugin: Option<String>,
}

impl Registry {
    /// Takes in what is in the folder, and follows its changes until the host stops.
    ///
    /// # Errors
    /// The folder is not there or cannot be watched.
    pub async fn follow(&self, tenant: TenantName, path: PathBuf) -> Result<(), WatchError> {
        // Watched before the first look, so that nothing is missed between the two.
        let (mut changes, watcher) = watch(&path).map_err(|source| WatchError { folder: path.clone(), source })?;
        let mut folder = Folder { registry: self.clone(), tenant, path, known: HashMap::new() };
        folder.look().await;
        self.background().spawn(async move {
            let _watching = watcher;
            while changes.recv().await.is_some() {
                while let Ok(Some(())) = tokio::time::timeout(QUIET, changes.recv()).await {}
                folder.look().await;
            }
        });
        Ok(())
    }
}

impl Folder {
    async fn look(&mut self) {
        let there = match self.components() {
            Ok(there) => there,
            Err(error) => {
                // What it cannot see it does not take away.
                tracing::error!(folder = %self.path.display(), %error, "the folder of plugins cannot be read");
                return;
            }
        };
        let paths: HashSet<&PathBuf> = there.iter().map(|(path, ..)| path).collect();
        let gone: Vec<PathBuf> = self.known.keys().filter(|path| !paths.contains(path)).cloned().collect();
        for path in gone {
            if let Some(Known { plugin: Some(name), .. }) = self.known.remove(&path) {
                self.remove(&path, &name).await;
            }
        }
        for (path, changed, size) in there {
            let before = self.known.get(&path);
            if before.is_some_and(|known| known.changed == changed && known.size == size) {
                continue;
            }
            let served = before.and_then(|known| known.plugin.clone());
            let plugin = self.deploy(&path).await.or(served);
            self.known.insert(path, Known { changed, size, plugin });
        }
    }

    /// The components in it, with what tells whether one has changed.
    fn components(&self) -> std::io::Result<Vec<(PathBuf, Option<SystemTime>, u64)>> {
        let mut there = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            let is_component = path.extension().is_some_and(|ending| ending == "wasm");
            // One that has gone since is seen with the next change.
            if let Ok(about) = fs::metadata(&path)
                && is_component
                && about.is_file()
            {
                there.push((path, about.modified().ok(), about.len()));
            }
        }
        there.sort();
        Ok(there)
    }

    /// The name of the plugin, if it serves now.
    async fn deploy(&self, path: &Path) -> Option<String> {
        let tenant = self.tenant.as_str();
        let shown = path.display();
        let mut deployment = match Deployment::read(path) {
            Ok(deployment) => deployment,
            Err(error) => {
                tracing::error!(tenant, file = %shown, error = telemetry::chain(&error), "a plugin was not deployed");
                return None;
            }
        };
        let name = deployment.manifest.name.clone();
        deployment.tenant = self.tenant.clone();
        deployment.route = Some(format!("/{name}"));
        let previous = self.plugin(&name).map(|plugin| plugin.serving().version.digest());
        match self.registry.deploy(deployment).await {
            Ok(plugin) => {
                let digest = plugin.serving().version.digest();
                tracing::info!(tenant, plugin = name, version = %digest, file = %shown, "deployed");
                self.tell(path, &name, Change::Deployed { digest, previous }).await;
                Some(name)
            }
            Err(error) => {
                let (error, hint) = (telemetry::chain(&error), error.hint());
                tracing::error!(tenant, plugin = name, file = %shown, error, hint, "a plugin was not deployed");
                None
            }
        }
    }

    async fn remove(&self, path: &Path, name: &str) {
        if let Some(plugin) = self.plugin(name) {
            self.registry.remove(&plugin);
            tracing::info!(tenant = self.tenant.as_str(), plugin = name, "removed: its file has gone");
            self.tell(path, name, Change::Removed).await;
        }
    }

    fn plugin(&self, name: &str) -> Option<Arc<Plugin>> {
        let tenant = self.registry.tenants().get(self.tenant.as_str())?;
        self.registry.find(tenant.id(), name)
    }

    async fn tell(&self, path: &Path, plugin: &str, change: Change) {
        // Its tenant may read this, and where the folder is on the host is not for everybody.
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (tenant, plugin) = (self.tenant.to_string(), plugin.to_owned());
        self.registry.plugins().tell(Followed { tenant, plugin, file, change }).await;
    }
}

/// Tells of changes below the folder for as long as the watcher lives.
fn watch(path: &Path) -> notify::Result<(mpsc::Receiver<()>, RecommendedWatcher)> {
    // One change that waits stands for all that come before it is looked at.
    let (tell, changes) = mpsc::channel(1);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _told_already = tell.try_send(());
        }
    })?;
    watcher.watch(path, RecursiveMode::NonRecursive)?;
    Ok((changes, watcher))
}
