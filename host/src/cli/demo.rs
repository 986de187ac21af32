//! `holdline demo`: the sample plugins and a page to try them on.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::source::{self, Advice};
use super::terminal::{self, Progress};
use super::{host, talk};
use crate::config::Config;
use crate::listeners::Listeners;
use crate::plugin::Deployment;
use crate::store::StorePlace;
use crate::toolchain::{self, Language};

const PLUGINS: [&str; 3] = ["echo", "mirror", "ticker"];

/// Builds the sample plugins, serves them and a page to try them on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline demo           serve, and print what to open\n  \
    holdline demo --check   talk to the plugins, print the conversation and end")]
pub(super) struct Demo {
    /// Address and port; port 0 takes a free one. The default is 127.0.0.1:8080, or a free port with --check.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Talk to the plugins with a client of its own, print the conversation and end.
    #[arg(long)]
    check: bool,
}

pub(super) fn run(args: Demo) -> anyhow::Result<()> {
    let root = checkout()?;
    install(&root)?;
    let sources = PLUGINS.iter().map(|name| plugin(&root, name)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut config = Config::default();
    config.store.folder = StorePlace::Memory;
    let port = if args.check { 0 } else { 8080 };
    config.listen.address = args.listen.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    config.listen.static_folder = Some(root.join("host").join("demo"));
    if args.check {
        return check(&config, sources);
    }
    host::run(&config, sources, |running| {
        terminal::line(format!("open http://{}/ in a browser; Ctrl-C ends the demo", running.address()));
    })
}

fn plugin(root: &Path, name: &str) -> anyhow::Result<Deployment> {
    let mut source = source::build(&root.join("plugins").join(name))?;
    source.route = Some(format!("/{name}"));
    Ok(source)
}

fn check(config: &Config, sources: Vec<Deployment>) -> anyhow::Result<()> {
    crate::telemetry::start(&config.log)?;
    host::runtime()?.block_on(async {
        let running = host::start(config, sources, Listeners::default()).await?;
        let talked = talk::all(running.address()).await;
        running.stop().await;
        talked
    })
}

fn install(root: &Path) -> anyhow::Result<()> {
    if toolchain::Rust::find(root).is_ok() {
        return Ok(());
    }
    let progress = Progress::start("getting the Rust guest toolchain");
    toolchain::install(Language::Rust, root, &|news| progress.hear(news))?;
    progress.done("the Rust guest toolchain is there");
    Ok(())
}

/// The sample plugins and the page are not in the program: they are looked for from here upwards.
fn checkout() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("there is no current folder")?;
    let found = here.ancestors().find(|folder| folder.join("plugins/echo/plugin.toml").exists());
    let Some(found) = found else {
        bail!(Advice {
            message: format!("the sample plugins are not in {} or above it", here.display()),
            hint: "run the demo in a checkout of Holdline; `holdline run` serves a plugin of your own".to_owned(),
        });
    };
    Ok(found.to_owned())
}
