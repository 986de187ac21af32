//! `holdline audit`: who has done what.

use super::access::Access;
use super::api::{Api, Target};
use super::table::Column::{Numbers, Words};
use super::table::{or_dash, short, table, word};
use super::terminal;
use crate::admin::shapes::{AuditEntry, List};

/// Shows what was done in a tenant, or on the whole host: who, what, and what came of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline audit --last 20\n  \
    holdline audit --tenant shop\n  \
    holdline audit --whole-host --json")]
pub(super) struct Audit {
    /// How many of the newest entries.
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u16).range(1..=1000))]
    last: u16,
    /// What was done on the host and in all of its tenants.
    #[arg(long)]
    whole_host: bool,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(args: Audit) -> anyhow::Result<()> {
    let api = Api::new(&args.access)?;
    let target = if args.whole_host { Target::new(&["v1", "audit"]) } else { api.of_tenant(&["audit"]) };
    args.access.tell(api.get(target.with("last", args.last))?, |list: List<AuditEntry>| {
        all(&list.items);
        Ok(())
    })
}

fn all(entries: &[AuditEntry]) {
    if entries.is_empty() {
        return terminal::remark("nothing was done yet");
    }
    let rows: Vec<_> = entries
        .iter()
        .map(|it| {
            [
                it.sequence.to_string(),
                it.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
                it.who.clone(),
                it.what.clone(),
                or_dash(it.tenant.as_ref()),
                or_dash(it.subject.as_ref()),
                word(it.outcome),
                details(it),
            ]
        })
        .collect();
    let columns = [
        Numbers("number"),
        Words("at"),
        Words("who"),
        Words("what"),
        Words("tenant"),
        Words("subject"),
        Words("outcome"),
        Words("details"),
    ];
    terminal::line(table(columns, &rows));
}

fn details(entry: &AuditEntry) -> String {
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) if text.starts_with("sha256:") => short(text),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let parts = entry.details.iter().map(|(key, value)| format!("{key}={}", text(value)));
    parts.collect::<Vec<_>>().join(" ")
}
