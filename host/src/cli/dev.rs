//! `holdline dev`: serves a plugin while it is being written, and swaps it under the open connections whenever a source changes.

use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::{Context, bail};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::runtime::Handle;

use super::granting::Granting;
use super::{host, source, terminal};
use crate::config::Config;
use crate::plugin::{Deployment, Isolation, Registry};
use crate::store::StorePlace;

/// An editor writes a file in several steps, and a checkout many files: a build begins when nothing has changed for so long.
const QUIET: Duration = Duration::from_millis(100);

/// Folders in which tools leave what they make, beside those whose name begins with a dot.
const MADE: [&str; 4] = ["target", "node_modules", "__pycache__", "dist"];

/// Serves a plugin, and swaps it under the open connections when its sources change.
///
/// Shows its log, and each message that comes and goes. What does not compile is shown, and what served goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline dev hello\n  \
    holdline dev . --listen 127.0.0.1:9100")]
pub(super) struct Dev {
    /// The folder, with a plugin.toml in it.
    folder: PathBuf,
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The path that leads to the plugin, with all below it.
    #[arg(long, value_name = "PATH", default_value = "/")]
    route: String,
    /// How long its instances live; overrides its manifest.
    #[arg(long)]
    isolation: Option<Isolation>,
    #[command(flatten)]
    granting: Granting,
    /// Which lines are logged: a level, or directives as in `info,plugin=debug`. Messages have the target `traffic`.
    #[arg(long, value_name = "LEVEL", default_value = "info,traffic=trace")]
    log_level: String,
}

pub(super) fn run(args: Dev) -> anyhow::Result<()> {
    let Dev { folder, listen, route, isolation, granting, log_level } = args;
    let read = move |folder: &Path| {
        let mut source = source::build(folder)?;
        source.route = Some(route.clone());
        if let Some(isolation) = isolation {
            source.manifest.isolation = isolation;
        }
        anyhow::Ok(source)
    };
    // Watched before the first build, so that nothing that is saved meanwhile is missed.
    let (changes, _watcher) = watch(&folder)?;
    let first = read(&folder)?;
    let (name, path) = (first.manifest.name.clone(), first.route.clone().unwrap_or_default());
    let mut config = Config::default();
    config.store.folder = StorePlace::Memory;
    config.listen.address = listen;
    granting.into(&mut config);
    config.log.level = log_level;
    let mut serving = first.component.clone();
    host::run(&config, vec![first], |running| {
        terminal::line(format!(
            "{name} is at ws://{}{path}; it is built anew when a file of {} changes",
            running.address(),
            folder.display()
        ));
        let registry = running.registry().clone();
        let runtime = Handle::current();
        // A thread, because builds block. It ends with the process.
        std::thread::spawn(move || {
            while changed(&changes) {
                match read(&folder) {
                    // A tool has touched a file, or a comment has changed.
                    Ok(source) if source.component == serving => {
                        terminal::remark("the component is the same: nothing was swapped");
                    }
                    Ok(source) => {
                        let component = source.component.clone();
                        match swap(&runtime, &registry, source, &name) {
                            Ok(()) => serving = component,
                            Err(error) => kept(&error),
                        }
                    }
                    Err(error) => kept(&error),
                }
            }
        });
    })
}

fn swap(runtime: &Handle, registry: &Registry, source: Deployment, name: &str) -> anyhow::Result<()> {
    if source.manifest.name != name {
        bail!("the plugin is called {} now: start `holdline dev` anew for that", source.manifest.name);
    }
    runtime.block_on(registry.deploy(source))?;
    terminal::remark(format!("{name} was swapped; connections stay open"));
    Ok(())
}

fn kept(error: &anyhow::Error) {
    super::report(error);
    terminal::remark("the version before goes on serving");
}

/// Hears of changes in the folder for as long as the watcher lives.
fn watch(folder: &Path) -> anyhow::Result<(Receiver<()>, RecommendedWatcher)> {
    // One change that waits stands for all that come before it is looked at.
    let (tell, changes) = mpsc::sync_channel(1);
    let root = folder.canonicalize().with_context(|| format!("{} does not exist", folder.display()))?;
    let within = root.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // What went wrong with one look is seen again with the next change.
        let Ok(event) = event else { return };
        let is_change = !matches!(event.kind, EventKind::Access(_));
        if is_change && event.paths.iter().any(|path| is_source(path.strip_prefix(&within).unwrap_or(path))) {
            let _told_already = tell.try_send(());
        }
    })
    .context("files cannot be watched here")?;
    watcher
        .watch(&root, RecursiveMode::Recursive)
        .with_context(|| format!("{} cannot be watched", folder.display()))?;
    Ok((changes, watcher))
}

/// Waits for a change, and until it is quiet again. False when there will be no more.
fn changed(changes: &Receiver<()>) -> bool {
    if changes.recv().is_err() {
        return false;
    }
    while changes.recv_timeout(QUIET).is_ok() {}
    true
}

/// Whether a file of the folder is somebody's writing, and not what a tool made of it.
fn is_source(path: &Path) -> bool {
    let made = path.components().any(|part| match part {
        Component::Normal(name) => {
            let name = name.to_string_lossy();
            name.starts_with('.') || name.ends_with('~') || MADE.contains(&name.as_ref())
        }
        _ => false,
    });
    !made && path.extension().is_none_or(|ending| ending != "wasm" && ending != "swp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_make_is_no_source() {
        for source in ["lib.rs", "src/deep/x.py", "plugin.toml", "page/index.html"] {
            assert!(is_source(Path::new(source)), "{source}");
        }
        for made in
            ["target/release/x.rs", "node_modules/a/index.js", ".git/HEAD", "hello.wasm", "lib.rs~", ".lib.rs.swp"]
        {
            assert!(!is_source(Path::new(made)), "{made}");
        }
    }
}
