//! `holdline run`: one plugin, all its exports, no configuration file.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::granting::Granting;
use super::terminal;
use super::{host, source};
use crate::config::Config;
use crate::engine::CachePlace;
use crate::plugin::Isolation;
use crate::telemetry::LogFormat;

/// Serves one plugin. A folder is built first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline run echo.wasm                              serve a component\n  \
    holdline run plugins/mirror --listen 127.0.0.1:9100 build a folder and serve it\n  \
    holdline run echo.wasm --route /echo --isolation pooled")]
pub(super) struct Run {
    /// A component, or the folder of a plugin.
    source: PathBuf,
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
    /// Compile the component even if it was compiled before, and keep nothing.
    #[arg(long)]
    no_cache: bool,
    /// How a line of the log looks.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    log: LogFormat,
    /// Which lines are logged: a level, or directives as in `info,plugin=debug`.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: String,
}

pub(super) fn run(args: Run) -> anyhow::Result<()> {
    let mut source = source::read(&args.source)?;
    source.route = Some(args.route.clone());
    if let Some(isolation) = args.isolation {
        source.manifest.isolation = isolation;
    }
    let mut config = Config::default();
    config.listen.address = args.listen;
    args.granting.into(&mut config);
    if args.no_cache {
        config.engine.cache = CachePlace::Nowhere;
    }
    config.log.format = args.log;
    config.log.level = args.log_level;
    let name = source.manifest.name.clone();
    host::run(&config, vec![source], |running| {
        terminal::line(format!("{name} is at ws://{}{}", running.address(), args.route));
    })
}
