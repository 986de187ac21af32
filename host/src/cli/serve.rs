//! `holdline serve`: what a configuration file says.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::bail;

use super::source::{self, Advice};
use super::{host, terminal};
use crate::config::{CONFIG_FILE, Config};
use crate::telemetry::LogFormat;
use crate::tenant::TenantName;

/// Serves the plugins of a configuration file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline serve                          serve what holdline.toml says\n  \
    holdline serve --config /etc/chat.toml --log json\n\n\
A configuration:\n  \
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
    let own = config.plugins.iter().map(|plugin| (TenantName::default(), plugin));
    let of_tenants = config.tenants.iter().flat_map(|it| it.plugins.iter().map(|plugin| (it.name.clone(), plugin)));
    for (tenant, entry) in own.chain(of_tenants) {
        let mut source = source::read(&entry.source)?;
        source.tenant = tenant;
        source.route.clone_from(&entry.route);
        if let Some(name) = &entry.name {
            source.manifest.name.clone_from(name);
        }
        if let Some(isolation) = entry.isolation {
            source.manifest.isolation = isolation;
        }
        if let Some(origins) = &entry.origins {
            source.manifest.origins = Some(origins.clone());
        }
        if let Some(jwt) = &entry.jwt {
            source.manifest.jwt = Some(jwt.clone());
        }
        sources.push(source);
    }
    // A host name of the configuration is what clients are to ask for, wherever it leads.
    let hosts: HashMap<_, _> =
        config.tenants.iter().filter_map(|tenant| Some((tenant.name.clone(), tenant.hosts.first()?.clone()))).collect();
    let places: Vec<_> = sources
        .iter()
        .filter_map(|source| {
            Some((source.manifest.name.clone(), hosts.get(&source.tenant).cloned(), source.route.clone()?))
        })
        .collect();
    let scheme = if config.listen.tls.is_some() { "wss" } else { "ws" };
    host::run(&config, sources, |running| {
        let (address, port) = (running.address(), running.address().port());
        for (name, host, route) in places {
            let host = host.map_or_else(|| address.to_string(), |host| format!("{host}:{port}"));
            terminal::line(format!("{name} is at {scheme}://{host}{route}"));
        }
        if let Some(address) = running.redirect_address() {
            terminal::line(format!("http://{address} is sent on to https"));
        }
    })
}
