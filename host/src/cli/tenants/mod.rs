//! `holdline tenants`: who there is on a host, and what each may have.

mod config;
mod limits;
mod secrets;

use clap::Subcommand;
use http::Method;
use serde_json::{Value, json};

use super::access::Access;
use super::api::{Api, Payload, Target};
use super::table::Column::{Numbers, Words};
use super::table::{count, facts, size, table, word};
use super::terminal;
use crate::admin::shapes::{Grants, List, NewTenant, Tenant, TenantChange};
use crate::outgoing::HostPattern;

/// Shows tenants, makes and deletes them, and says what they may have.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline tenants\n  \
    holdline tenants show shop\n  \
    holdline tenants create shop --host shop.example\n  \
    holdline tenants change shop --http api.example --http '*.example.com:8443' --keyvalue\n  \
    holdline tenants limits --tenant shop connections=500 memory=32MiB\n  \
    holdline tenants config --tenant shop colour=red\n  \
    holdline tenants secrets put api-key --tenant shop < key.txt\n  \
    holdline tenants delete shop")]
pub(super) struct Tenants {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows one.
    Show {
        /// Which.
        name: String,
    },
    /// Makes one.
    Create {
        /// Its name: small letters, digits and `-`.
        name: String,
        #[command(flatten)]
        wishes: Wishes,
    },
    /// Changes its hosts or grants. Of each of them, what is given replaces what was.
    Change {
        /// Which.
        name: String,
        #[command(flatten)]
        wishes: Wishes,
        /// It has no host names of its own any more.
        #[arg(long, conflicts_with = "host")]
        no_hosts: bool,
        /// Its plugins may import nothing but the Holdline interfaces, clocks, random and the log.
        #[arg(long, conflicts_with_all = ["http", "keyvalue", "config", "secret"])]
        no_grants: bool,
    },
    /// Deletes it, with its plugins and all they keep.
    Delete {
        /// Which.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Shows the limits of a tenant, or sets some.
    Limits(limits::Limits),
    /// Shows the values of its configuration, sets some, or takes some away.
    Config(config::Config),
    /// Shows the names of its secrets, puts one, or deletes one.
    Secrets(secrets::Secrets),
}

/// What a tenant is to have.
#[derive(Debug, clap::Args)]
struct Wishes {
    /// Requests to this host name are its own; may be given several times.
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// Its plugins may send HTTP requests to this host; may be given several times.
    #[arg(long, value_name = "HOST[:PORT]")]
    http: Vec<HostPattern>,
    /// Its plugins may keep keys and values.
    #[arg(long)]
    keyvalue: bool,
    /// Its plugins may read its configuration.
    #[arg(long)]
    config: bool,
    /// Its plugins may read this secret; may be given several times.
    #[arg(long, value_name = "NAME")]
    secret: Vec<String>,
}

impl Wishes {
    fn hosts(&self) -> Option<Vec<String>> {
        (!self.host.is_empty()).then(|| self.host.clone())
    }

    fn grants(&self) -> Option<Grants> {
        let grants = Grants {
            http: self.http.clone(),
            keyvalue: self.keyvalue,
            config: self.config,
            secrets: self.secret.clone(),
        };
        (grants != Grants::default()).then_some(grants)
    }
}

pub(super) fn run(args: Tenants) -> anyhow::Result<()> {
    let api = Api::new(&args.access)?;
    let access = &args.access;
    let Some(command) = args.command else {
        return access.tell(api.get(Target::new(&["v1", "tenants"]))?, |list: List<Tenant>| {
            all(&list.items);
            Ok(())
        });
    };
    match command {
        Command::Show { name } => show(access, api.get(place(&name))?),
        Command::Create { name, wishes } => {
            let tenant = NewTenant { hosts: wishes.hosts(), grants: wishes.grants(), config: None, name };
            show(access, api.ask(Method::POST, Target::new(&["v1", "tenants"]), Payload::Json(json!(tenant)))?)
        }
        Command::Change { name, wishes, no_hosts, no_grants } => {
            let change = TenantChange {
                hosts: wishes.hosts().or(no_hosts.then(Vec::new)),
                grants: wishes.grants().or(no_grants.then(Grants::default)),
                config: None,
            };
            show(access, api.ask(Method::PATCH, place(&name), Payload::Json(json!(change)))?)
        }
        Command::Delete { name, yes } => {
            if !yes {
                terminal::confirm(&format!("delete {name} with its plugins, keys and secrets?"))?;
            }
            access.done(api.ask(Method::DELETE, place(&name), Payload::Empty)?, format!("{name} is deleted"))
        }
        Command::Limits(args) => limits::run(&args, &api, access),
        Command::Config(args) => config::run(args, &api, access),
        Command::Secrets(args) => secrets::run(args, &api, access),
    }
}

fn place(name: &str) -> Target {
    Target::new(&["v1", "tenants", name])
}

fn show(access: &Access, answer: Value) -> anyhow::Result<()> {
    access.tell(answer, |tenant: Tenant| {
        terminal::line(one(&tenant));
        Ok(())
    })
}

fn all(tenants: &[Tenant]) {
    let rows: Vec<_> = tenants
        .iter()
        .map(|it| {
            [
                it.name.clone(),
                it.hosts.join(", "),
                word(it.declared_in),
                count(it.plugins),
                count(it.totals.connections),
                count(it.totals.held),
                count(it.totals.events),
                count(it.totals.failures),
                size(it.totals.memory_bytes),
            ]
        })
        .collect();
    let columns = [
        Words("name"),
        Words("hosts"),
        Words("declared in"),
        Numbers("plugins"),
        Numbers("connections"),
        Numbers("held"),
        Numbers("events"),
        Numbers("failures"),
        Numbers("memory"),
    ];
    terminal::line(table(columns, &rows));
}

fn one(tenant: &Tenant) -> String {
    let none = |list: &[String]| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    let granted = |is_granted: bool| if is_granted { "granted" } else { "not granted" }.to_owned();
    facts(&[
        ("name", tenant.name.clone()),
        ("hosts", none(&tenant.hosts)),
        ("declared in", word(tenant.declared_in)),
        ("http", none(&tenant.grants.http.iter().map(ToString::to_string).collect::<Vec<_>>())),
        ("keyvalue", granted(tenant.grants.keyvalue)),
        ("config", granted(tenant.grants.config)),
        ("secrets", none(&tenant.grants.secrets)),
        ("plugins", count(tenant.plugins)),
        ("connections", format!("{}, {} of them held", count(tenant.totals.connections), count(tenant.totals.held))),
        ("events", format!("{}, {} failed", count(tenant.totals.events), count(tenant.totals.failures))),
        ("memory", size(tenant.totals.memory_bytes)),
    ])
}
