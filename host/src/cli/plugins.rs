//! `holdline plugins`: what serves on a host, and the versions of one plugin.

use http::Method;
use serde_json::json;

use super::access::Access;
use super::api::{Api, Payload, read};
use super::table::Column::{Numbers, Words};
use super::table::{ago, count, facts, or_dash, short, size, table, word};
use super::terminal;
use crate::admin::shapes::{List, Plugin, Version};

/// Shows the plugins of a tenant, or one of them with its versions, or deletes it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline plugins\n  \
    holdline plugins echo                  its versions\n  \
    holdline plugins echo --delete         closes its connections")]
pub(super) struct Plugins {
    /// Only this one, with its versions.
    name: Option<String>,
    /// Delete it, with its versions.
    #[arg(long, requires = "name")]
    delete: bool,
    /// Do not ask before something is deleted.
    #[arg(long, requires = "delete")]
    yes: bool,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(args: Plugins) -> anyhow::Result<()> {
    let api = Api::new(&args.access)?;
    let Some(name) = &args.name else {
        return args.access.tell(api.get(api.of_tenant(&["plugins"]))?, |list: List<Plugin>| {
            all(&list.items, args.access.tenant());
            Ok(())
        });
    };
    if args.delete {
        if !args.yes {
            terminal::confirm(&format!("delete {name} of {}, and close its connections?", args.access.tenant()))?;
        }
        let answer = api.ask(Method::DELETE, api.of_tenant(&["plugins", name]), Payload::Empty)?;
        return args.access.done(answer, format!("{name} is deleted"));
    }
    let plugin = api.get(api.of_tenant(&["plugins", name]))?;
    let versions = api.get(api.of_tenant(&["plugins", name, "versions"]))?;
    if args.access.is_json() {
        terminal::line(serde_json::to_string_pretty(&json!({ "plugin": plugin, "versions": versions }))?);
        return Ok(());
    }
    one(&read(plugin)?, &read::<List<Version>>(versions)?.items);
    Ok(())
}

fn all(plugins: &[Plugin], tenant: &str) {
    if plugins.is_empty() {
        return terminal::remark(format!("{tenant} has no plugins"));
    }
    let rows: Vec<_> = plugins
        .iter()
        .map(|plugin| {
            [
                plugin.name.clone(),
                or_dash(plugin.route.as_ref()),
                short(&plugin.serving),
                or_dash(plugin.canary.as_deref().map(short)),
                word(plugin.isolation),
                count(plugin.versions),
                count(plugin.totals.connections),
                count(plugin.totals.held),
                count(plugin.totals.events),
                count(plugin.totals.failures),
                ago(plugin.deployed_at),
            ]
        })
        .collect();
    let columns = [
        Words("name"),
        Words("route"),
        Words("serving"),
        Words("canary"),
        Words("isolation"),
        Numbers("versions"),
        Numbers("connections"),
        Numbers("held"),
        Numbers("events"),
        Numbers("failures"),
        Numbers("age"),
    ];
    terminal::line(table(columns, &rows));
}

fn one(plugin: &Plugin, versions: &[Version]) {
    let totals = &plugin.totals;
    terminal::line(facts(&[
        ("name", plugin.name.clone()),
        ("tenant", plugin.tenant.clone()),
        ("route", or_dash(plugin.route.as_ref())),
        ("isolation", word(plugin.isolation)),
        ("swap", word(plugin.swap)),
        ("declared in", word(plugin.declared_in)),
        ("exports", plugin.exports.join(", ")),
        ("connections", format!("{}, {} of them held", count(totals.connections), count(totals.held))),
        ("events", format!("{}, {} failed", count(totals.events), count(totals.failures))),
        ("memory", size(totals.memory_bytes)),
    ]));
    terminal::line("");
    let rows: Vec<_> = versions
        .iter()
        .map(|version| {
            [
                short(&version.digest),
                word(version.state),
                ago(version.deployed_at),
                version.by.clone(),
                size(version.size),
                or_dash(version.language.as_ref()),
                count(version.connections),
                or_dash(version.note.as_ref()),
            ]
        })
        .collect();
    let columns = [
        Words("version"),
        Words("state"),
        Numbers("age"),
        Words("by"),
        Numbers("size"),
        Words("language"),
        Numbers("connections"),
        Words("note"),
    ];
    terminal::line(table(columns, &rows));
}
