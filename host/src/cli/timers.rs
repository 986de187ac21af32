//! `holdline timers`: what plugins have set for later.

use http::Method;

use super::access::Access;
use super::api::{Api, Payload};
use super::table::Column::{Numbers, Words};
use super::table::{or_dash, size, table};
use super::terminal;
use crate::admin::shapes::{List, Timer};

/// Shows the pending timers of a tenant's plugins, the next one first, or cancels one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline timers --plugin reminder\n  \
    holdline timers --cancel 81")]
pub(super) struct Timers {
    /// Only those of this plugin.
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Cancel the one with this id.
    #[arg(long, value_name = "ID", conflicts_with = "plugin")]
    cancel: Option<u64>,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(args: Timers) -> anyhow::Result<()> {
    let api = Api::new(&args.access)?;
    if let Some(id) = args.cancel {
        let answer = api.ask(Method::DELETE, api.of_tenant(&["timers", &id.to_string()]), Payload::Empty)?;
        return args.access.done(answer, format!("timer {id} will not run"));
    }
    let target = api.of_tenant(&["timers"]).with_some("plugin", args.plugin.as_ref()).with("limit", args.limit);
    args.access.tell(api.get(target)?, |list: List<Timer>| {
        if list.items.is_empty() {
            terminal::remark("no timers");
            return Ok(());
        }
        let row = |it: &Timer| {
            let next = it.next.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
            [it.id.to_string(), it.plugin.clone(), next, or_dash(it.repeats.as_ref()), size(it.payload_bytes)]
        };
        let rows: Vec<_> = list.items.iter().map(row).collect();
        let columns = [Numbers("id"), Words("plugin"), Words("next"), Words("repeats"), Numbers("payload")];
        terminal::line(table(columns, &rows));
        Ok(())
    })
}
