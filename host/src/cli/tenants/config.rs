//! `holdline tenants config`: the values that a tenant's plugins read as configuration.

use std::collections::BTreeMap;

use http::Method;
use serde_json::json;

use super::super::access::Access;
use super::super::api::{Api, Payload, read};
use super::super::table::Column::Words;
use super::super::table::table;
use super::super::terminal;
use crate::admin::shapes::{Tenant, TenantChange};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline tenants config --tenant shop\n  \
    holdline tenants config --tenant shop colour=red currency=EUR\n  \
    holdline tenants config --tenant shop --delete colour")]
pub(super) struct Config {
    /// The values to be set. The others stay as they are.
    #[arg(value_name = "KEY=VALUE", value_parser = change)]
    set: Vec<(String, String)>,
    /// Takes this one away; may be given several times.
    #[arg(long, value_name = "KEY")]
    delete: Vec<String>,
}

pub(super) fn run(args: Config, api: &Api<'_>, access: &Access) -> anyhow::Result<()> {
    let mut answer = api.get(api.of_tenant(&[]))?;
    if !(args.set.is_empty() && args.delete.is_empty()) {
        let tenant: Tenant = read(answer)?;
        let change = TenantChange { hosts: None, grants: None, config: Some(changed(tenant.config, args)) };
        answer = api.ask(Method::PATCH, api.of_tenant(&[]), Payload::Json(json!(change)))?;
    }
    access.tell(answer, |tenant: Tenant| {
        if tenant.config.is_empty() {
            terminal::remark(format!("{} has no values", tenant.name));
        } else {
            let rows: Vec<_> = tenant.config.into_iter().map(<[String; 2]>::from).collect();
            terminal::line(table([Words("key"), Words("value")], &rows));
        }
        if !tenant.grants.config {
            terminal::remark(format!(
                "its plugins may not read them: holdline tenants change {} --config",
                tenant.name
            ));
        }
        Ok(())
    })
}

/// Those that there are, with the changes. All of them are said each time, so that one command is one step.
fn changed(mut values: BTreeMap<String, String>, args: Config) -> BTreeMap<String, String> {
    values.retain(|key, _| !args.delete.contains(key));
    values.extend(args.set);
    values
}

fn change(argument: &str) -> Result<(String, String), String> {
    match argument.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a value is set as in colour=red".to_owned()),
    }
}
