//! Running a host in the foreground until a signal stops it.

use std::path::PathBuf;

use anyhow::Context;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use super::terminal::Progress;
use crate::app::{Running, StartError};
use crate::config::Config;
use crate::listeners::Listeners;
use crate::plugin::Deployment;

/// Starts a host, tells where it is, and stops it at SIGINT or SIGTERM; a second signal ends the process at once.
pub(super) fn run(
    config: &Config,
    sources: Vec<Deployment>,
    started: impl FnOnce(&Running) + Send,
) -> anyhow::Result<()> {
    crate::telemetry::start(&config.log)?;
    raise_open_files();
    let listeners = Listeners::inherited().map_err(StartError::from)?;
    runtime()?.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).context("no signals can be caught")?;
        let mut terminate = signal(SignalKind::terminate()).context("no signals can be caught")?;
        let running = start(config, sources, listeners).await?;
        started(&running);
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tokio::select! {
            () = running.stop() => Ok(()),
            _ = interrupt.recv() => anyhow::bail!("stopped at once by a second signal"),
            _ = terminate.recv() => anyhow::bail!("stopped at once by a second signal"),
        }
    })
}

/// Every client is an open file, and the usual soft limit of 1024 is made for programs of another kind: it is raised to what the
/// process may have.
fn raise_open_files() {
    let mut files = getrlimit(Resource::Nofile);
    if files.current == files.maximum {
        return;
    }
    files.current = files.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, files) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

/// Starts a host and shows that it loads its plugins, which takes a while for those that it has to compile.
pub(super) async fn start(config: &Config, sources: Vec<Deployment>, listeners: Listeners) -> anyhow::Result<Running> {
    let names: Vec<&str> = sources.iter().map(|source| source.manifest.name.as_str()).collect();
    let progress = Progress::start(&format!("loading {}", names.join(", ")));
    let mut config = config.clone();
    config.engine.compiler = compiler();
    let running = Running::start(&config, sources, listeners).await?;
    drop(progress);
    Ok(running)
}

/// This program, also when its file has been replaced since it was started: another version would make other code.
pub(super) fn compiler() -> Option<PathBuf> {
    let file = std::env::current_exe().ok().filter(|file| file.exists());
    file.or_else(|| Some(PathBuf::from("/proc/self/exe")))
}

/// The runtime that everything of a host runs on, with a thread for each core.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime could not be started")
}
