//! `holdline check`: what a component is, and whether this host can run it.

use std::path::PathBuf;

use super::{host, source, terminal};
use crate::engine::{self, Engine};
use crate::plugin::{Manifest, report};

/// Shows what a component exports, imports and asks for, and whether this host can run it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    holdline check mirror.wasm")]
pub(super) struct Check {
    /// A component, or the folder of a plugin, which is built first.
    source: PathBuf,
}

pub(super) fn run(args: Check) -> anyhow::Result<()> {
    let source = source::read(&args.source)?;
    let engine = Engine::new(&engine::Settings { compiler: host::compiler(), ..engine::Settings::default() })?;
    let report = report(&engine, source.manifest, &source.component)?;
    terminal::line(format!("{} runs on this host", report.manifest.name));
    terminal::line(format!("  digest     {}", report.digest));
    terminal::line(format!("  exports    {}", report.exports));
    terminal::line("  imports");
    for import in &report.imports {
        terminal::line(format!("    {import}"));
    }
    if report.grants.is_empty() {
        terminal::line("  needs      no grant");
    }
    for grant in &report.grants {
        terminal::line(format!("  needs      {} under [grants] in holdline.toml", grant.line()));
    }
    for row in asks(&report.manifest) {
        terminal::line(format!("  {row}"));
    }
    Ok(())
}

fn asks(manifest: &Manifest) -> Vec<String> {
    let limits = &manifest.limits;
    let mut rows = vec![
        format!("isolation  {:?}", manifest.isolation).to_lowercase(),
        format!(
            "limits     {} of memory, {:?} of computing and {:?} in all for an event",
            limits.memory, limits.cpu, limits.timeout
        ),
    ];
    rows.extend(manifest.workers.iter().map(|worker| format!("worker     {} × {}", worker.name, worker.instances)));
    rows.extend(
        manifest.channels.iter().map(|channel| format!("channel    {}, capacity {}", channel.name, channel.capacity)),
    );
    rows
}
