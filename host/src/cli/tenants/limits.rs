//! `holdline tenants limits`: what a tenant may use at most.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use super::super::access::Access;
use super::super::api::{Api, Payload, read};
use super::super::table::Column::Words;
use super::super::table::table;
use super::super::terminal;
use crate::admin::shapes::{Limit, List};

/// What stands for the value that holds when none is set.
const DEFAULT: &str = "default";

/// What stands for no limit at all.
const NONE: &str = "none";

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline tenants limits --tenant shop\n  \
    holdline tenants limits --tenant shop connections=500 memory=32MiB\n  \
    holdline tenants limits --tenant shop connections=default")]
pub(super) struct Limits {
    /// The limits to be set; a value of `default` takes one back, `none` is no limit. The others stay as they are.
    #[arg(value_name = "KEY=VALUE", value_parser = change)]
    changes: Vec<(String, Option<Value>)>,
}

pub(super) fn run(args: &Limits, api: &Api<'_>, access: &Access) -> anyhow::Result<()> {
    let target = || api.of_tenant(&["limits"]);
    let mut answer = api.get(target())?;
    if !args.changes.is_empty() {
        let limits: List<Limit> = read(answer)?;
        answer = api.ask(Method::PUT, target(), Payload::Json(json!(changed(limits.items, &args.changes))))?;
    }
    access.tell(answer, |list: List<Limit>| {
        let rows: Vec<_> =
            list.items.iter().map(|limit| [limit.key.clone(), text(&limit.value), origin(limit)]).collect();
        terminal::line(table([Words("limit"), Words("value"), Words("set")], &rows));
        Ok(())
    })
}

/// Those that are set, with the changes. All of them are said each time, so that one command is one step.
fn changed(limits: Vec<Limit>, changes: &[(String, Option<Value>)]) -> BTreeMap<String, Value> {
    let set = limits.into_iter().filter(|limit| limit.is_set);
    let mut values: BTreeMap<String, Value> = set.map(|limit| (limit.key, limit.value)).collect();
    for (key, value) in changes {
        match value {
            Some(value) => values.insert(key.clone(), value.clone()),
            None => values.remove(key),
        };
    }
    values
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => NONE.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn origin(limit: &Limit) -> String {
    if limit.is_set { format!("yes; the default is {}", text(&limit.default)) } else { "no".to_owned() }
}

fn change(argument: &str) -> Result<(String, Option<Value>), String> {
    let Some((key, value)) = argument.split_once('=').filter(|(key, value)| !key.is_empty() && !value.is_empty())
    else {
        return Err("a limit is set as in connections=500".to_owned());
    };
    let value = match value {
        DEFAULT => None,
        NONE => Some(Value::Null),
        text => Some(text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number))),
    };
    Ok((key.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_set_is_said_and_default_takes_it_back() {
        let limit = |key: &str, is_set| Limit { key: key.to_owned(), value: json!(1), default: json!(9), is_set };
        let limits = vec![limit("a", true), limit("b", true), limit("c", false)];
        let changes = ["b=default", "d=64MiB", "e=none", "f=7"].map(|it| change(it).expect("a change"));
        assert_eq!(json!(changed(limits, &changes)), json!({ "a": 1, "d": "64MiB", "e": null, "f": 7 }));
        for bad in ["a", "=1", "a=", ""] {
            assert!(change(bad).is_err(), "{bad}");
        }
    }
}
