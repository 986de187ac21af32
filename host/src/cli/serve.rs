//! `holdline serve`: what a configuration file says.

use std::path::PathBuf;

use anyhow::bail;

use super::source::{self, Advice};
use super::{host, terminal};
use crate::config::{CONFIG_FILE, Config};
use crate::telemetry::LogFormat;

/// Serves the plugins of a configuration file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline serve                          serve what holdline.toml says\n  \
    holdline serve --config /etc/chat.toml --log json\n\n\
A configuration:\n  \
    drain = \"10s\"\n  \
    [listen]\n  \
    address = \"127.0.0.1:8080\"\n  \
    static-folder = \"public\"\n  \
    [[plugin]]\n  \
    source = \"plugins/echo\"\n  \
    route = \"/echo\"")]
pub(super) struct Serve {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = CONFIG_FILE)]
    config: PathBuf,
    /// How a line of the log looks; overrides the configuration.
    #[arg(long, value_name = "FORMAT")]
    log: Option<LogFormat>,
}

pub(super) fn run(args: Serve) -> anyhow::Result<()> {
    if !args.config.exists() {
        bail!(Advice {
            message: format!("{} does not exist", args.config.display()),
            hint: "`holdline serve --help` shows what is in one; `holdline run` needs none".to_owned(),
        });
    }
    let mut config = Config::read(&args.config)?;
    if let Some(format) = args.log {
        config.log.format = format;
    }
    if let Some(folder) = config.listen.static_folder.as_ref().filter(|folder| !folder.is_dir()) {
        bail!("{}: the static folder {} does not exist", args.config.display(), folder.display());
    }
    let mut sources = Vec::new();
    for entry in &config.plugins {
        let mut source = source::read(&entry.source)?;
        source.route.clone_from(&entry.route);
        if let Some(isolation) = entry.isolation {
            source.manifest.isolation = isolation;
        }
        sources.push(source);
    }
    let routes: Vec<_> =
        sources.iter().filter_map(|source| Some((source.manifest.name.clone(), source.route.clone()?))).collect();
    host::run(&config, sources, |running| {
        for (name, route) in routes {
            terminal::line(format!("{name} is at ws://{}{route}", running.address()));
        }
    })
}
