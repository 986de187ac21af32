//! `holdline channels`: what waits between plugins.

use super::access::Access;
use super::api::Api;
use super::table::Column::{Numbers, Words};
use super::table::{count, size, table};
use super::terminal;
use crate::admin::shapes::{Channel, List};

/// Shows the open channels of a tenant, and how full they are.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline channels --tenant shop")]
pub(super) struct Channels {
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(args: Channels) -> anyhow::Result<()> {
    let api = Api::new(&args.access)?;
    args.access.tell(api.get(api.of_tenant(&["channels"]))?, |list: List<Channel>| {
        if list.items.is_empty() {
            terminal::remark("no open channels");
            return Ok(());
        }
        let row = |it: &Channel| {
            let state = if it.closed { "closed" } else { "open" };
            [it.name.clone(), state.to_owned(), count(it.items), count(it.capacity), size(it.bytes)]
        };
        let rows: Vec<_> = list.items.iter().map(row).collect();
        let columns = [Words("name"), Words("state"), Numbers("items"), Numbers("capacity"), Numbers("bytes")];
        terminal::line(table(columns, &rows));
        Ok(())
    })
}
