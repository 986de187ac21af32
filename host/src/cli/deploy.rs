//! `holdline deploy`: a component to a running host, for all of its connections or for a share of them.

use std::path::PathBuf;
use std::time::Instant;

use http::Method;

use super::access::Access;
use super::api::{Api, Payload, Target};
use super::canary::{self, Trial};
use super::source;
use super::table::{short, span};
use super::terminal::{self, Progress};
use crate::admin::shapes::{Canary, Compiled, Deployment, Outcome};
use crate::plugin::{Isolation, Swap};

/// Sends a plugin to a running host. A folder is built first; open connections stay open.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline deploy plugins/echo --route /echo\n  \
    holdline deploy echo.wasm --swap new-connections   open connections keep the version they have\n  \
    holdline deploy echo.wasm --canary 10% --p99 50ms  a tenth; slow or failing, it is taken back\n  \
    holdline deploy echo.wasm --header 'x-beta: 1'     only who asks for it\n  \
    holdline deploy echo.wasm --tenant shop --json")]
pub(super) struct Deploy {
    /// A component, or the folder of a plugin.
    source: PathBuf,
    /// What the plugin is called on the host; without it, as its manifest says.
    #[arg(long)]
    name: Option<String>,
    /// The path that leads to it, with all below it; without it, as it was.
    #[arg(long, value_name = "PATH")]
    route: Option<String>,
    /// How long its instances live; overrides its manifest.
    #[arg(long)]
    isolation: Option<Isolation>,
    /// When open connections get the new version; without it, as it was.
    #[arg(long, value_name = "WHEN")]
    swap: Option<Swap>,
    /// What the list of versions says about it.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Only so many of the connections get it, until it is promoted or taken back.
    #[arg(long, value_name = "PERCENT", value_parser = canary::percent, conflicts_with_all = ["route", "isolation", "swap"])]
    canary: Option<f64>,
    #[command(flatten)]
    trial: Trial,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(args: Deploy) -> anyhow::Result<()> {
    let api = Api::new(&args.access)?;
    if args.source.is_dir() {
        // Whether there is such a host, and such a tenant for this token, is better known before minutes of building.
        api.get(api.of_tenant(&[]))?;
    }
    let source = source::read(&args.source)?;
    let name = args.name.as_deref().unwrap_or(&source.manifest.name);
    let progress = Progress::start(&format!("deploying {name}"));
    let begun = Instant::now();
    let upload = |target: Target| {
        let target = target.with_some("note", args.note.as_ref());
        api.ask(Method::PUT, target, Payload::Bytes("application/wasm", &source.component))
    };
    if args.canary.is_some() || !args.trial.is_empty() {
        let answer = upload(args.trial.ask(args.canary, api.of_tenant(&["plugins", name, "canary"])))?;
        drop(progress);
        return args.access.tell(answer, |canary: Canary| {
            terminal::line(canary::words(&canary));
            Ok(())
        });
    }
    let target = api.of_tenant(&["plugins", name]).with_some("route", args.route.as_ref());
    let target = target.with_some("isolation", args.isolation.map(super::table::word));
    let answer = upload(target.with_some("swap", args.swap.map(super::table::word)))?;
    let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    drop(progress);
    args.access.tell(answer, |deployment: Deployment| {
        terminal::line(words(&deployment, took));
        Ok(())
    })
}

/// What serves now, and what it took.
fn words(deployment: &Deployment, took: u64) -> String {
    let effort = match deployment.compiled {
        Compiled::Fresh => format!("compiled and ready in {}", span(deployment.ms)),
        Compiled::Cache => format!("ready in {} from the compiled cache", span(deployment.ms)),
    };
    format!("{}; {effort}, {} with the upload", now(deployment), span(took))
}

/// What serves now, in place of what, and where.
pub(super) fn now(deployment: &Deployment) -> String {
    let plugin = &deployment.plugin;
    let version = short(&deployment.version.digest);
    let mut text = match (deployment.outcome, &deployment.previous) {
        (Outcome::Unchanged, _) => format!("{} serves {version}, as before", plugin.name),
        (_, Some(previous)) => format!("{} serves {version} in place of {}", plugin.name, short(previous)),
        (_, None) => format!("{} serves {version}", plugin.name),
    };
    if let Some(route) = &plugin.route {
        text.push_str(&format!(", at {route}"));
    }
    text
}
