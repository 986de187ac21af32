//! `holdline usage`: what a tenant uses of what it may.

use super::access::Access;
use super::api::Api;
use super::table::Column::{Numbers, Words};
use super::table::{count, percent, size, span, table};
use super::terminal;
use crate::admin::shapes::{List, Unit, Usage};

/// Shows what a tenant uses beside its limits, and how often each of them was met.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline usage\n  \
    holdline usage --tenant shop --json")]
pub(super) struct UsageArgs {
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(args: UsageArgs) -> anyhow::Result<()> {
    let api = Api::new(&args.access)?;
    args.access.tell(api.get(api.of_tenant(&["usage"]))?, |list: List<Usage>| {
        let rows: Vec<_> = list.items.iter().map(row).collect();
        let columns = [Words("limit"), Numbers("used"), Numbers("of"), Numbers("share"), Numbers("refused")];
        terminal::line(table(columns, &rows));
        Ok(())
    })
}

fn row(usage: &Usage) -> [String; 5] {
    let amount = |number| amount(number, usage.unit);
    let (limit, share) = match usage.limit {
        None => ("none".to_owned(), "-".to_owned()),
        Some(0) => (amount(0), "-".to_owned()),
        // A share needs no more than a float has.
        #[allow(clippy::cast_precision_loss, reason = "it is shown with one digit behind the point")]
        Some(limit) => (amount(limit), percent(usage.used as f64 / limit as f64 * 100.0)),
    };
    [usage.key.clone(), amount(usage.used), limit, share, count(usage.refused)]
}

fn amount(number: u64, unit: Unit) -> String {
    match unit {
        Unit::Count => count(number),
        Unit::Bytes => size(number),
        Unit::Ms => span(number),
        Unit::PerSecond => format!("{}/s", count(number)),
        Unit::BytesPerSecond => format!("{}/s", size(number)),
        Unit::Percent => format!("{number}%"),
    }
}
