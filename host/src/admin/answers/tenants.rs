//! Tenants, their limits, and what they use.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{to_u64, totals};
use crate::admin::Api;
use crate::admin::ask::{Answer, Ask, empty, json, ok};
use crate::admin::fault::Fault;
use crate::admin::granting::Given;
use crate::admin::ledger::{Dropped, Ledger, TenantRecord};
use crate::admin::limits;
use crate::admin::shapes::{Declared, List, NewTenant, Tenant as Told, TenantChange};
use crate::store::Batch;
use crate::telemetry;
use crate::tenant::{Limit, Limits, Tenant, TenantName};
use crate::token::Scope;

/// All that the token can see.
pub(in crate::admin) async fn list(ask: Ask) -> Answer {
    let mut items = Vec::new();
    for tenant in ask.api.registry.tenants().all() {
        let is_seen = match &ask.caller.scope {
            Scope::Host => true,
            Scope::Tenant(own) => own == tenant.name(),
        };
        if is_seen {
            items.push(told(&ask.api, &tenant).await?);
        }
    }
    ok(&List { items, next: None })
}

/// One.
pub(in crate::admin) async fn get(ask: Ask) -> Answer {
    ok(&told(&ask.api, ask.tenant()?).await?)
}

/// Makes one.
pub(in crate::admin) async fn create(ask: Ask) -> Answer {
    let (api, entry) = (ask.api.clone(), ask.entry("tenant.created"));
    let NewTenant { name, hosts, grants, config } = ask.json().await?;
    let parsed: TenantName = name.parse().map_err(|error| Fault::invalid(format!("{error}")))?;
    let hosts = host_names(hosts.unwrap_or_default())?;
    let _alone = api.turns.alone(&name).await;
    let record = TenantRecord {
        hosts: hosts.clone(),
        limits: Map::new(),
        grants: grants.unwrap_or_default(),
        config: config.unwrap_or_default(),
        created: entry.at(),
    };
    let tenant = api.registry.add_tenant(parsed, hosts, Limits::default());
    let tenant = tenant.map_err(|error| Fault::conflict("exists", error.to_string()))?;
    let entry = entry.tenant(&name).subject(name.as_str());
    let batch = Ledger::put_tenant(Batch::new().new_tenant(&name), &name, &record)?;
    if let Err(error) = api.ledger.commit(batch, &entry).await {
        api.registry.remove_tenant(&tenant);
        return Err(error.into());
    }
    api.grant(&tenant).await?;
    json(StatusCode::CREATED, &told(&api, &tenant).await?)
}

/// Changes its hosts, grants and configuration.
pub(in crate::admin) async fn change(ask: Ask) -> Answer {
    let (api, tenant, entry) = (ask.api.clone(), ask.tenant()?.clone(), ask.entry("tenant.changed"));
    let TenantChange { hosts, grants, config } = ask.json().await?;
    let _alone = api.turns.alone(tenant.name()).await;
    let mut record = stored(&api, &tenant).await?;
    let before = tenant.hosts();
    if let Some(hosts) = hosts {
        record.hosts = host_names(hosts)?;
        api.registry.set_hosts(&tenant, record.hosts.clone())?;
    }
    record.grants = grants.unwrap_or(record.grants);
    record.config = config.unwrap_or(record.config);
    let batch = Ledger::put_tenant(Batch::new(), tenant.name(), &record)?;
    if let Err(error) = api.ledger.commit(batch, &entry.subject(tenant.name())).await {
        // They were its own until now.
        let _as_before = api.registry.set_hosts(&tenant, before.to_vec());
        return Err(error.into());
    }
    api.grant(&tenant).await?;
    ok(&told(&api, &tenant).await?)
}

/// Deletes it with all that it has.
pub(in crate::admin) async fn delete(ask: Ask) -> Answer {
    let (api, tenant) = (&ask.api, ask.tenant()?);
    let _alone = api.turns.alone(tenant.name()).await;
    stored(api, tenant).await?;
    let entry = ask.entry("tenant.deleted").subject(tenant.name());
    // First what is told to be gone: a crash after it finds no tenant any more.
    api.ledger.delete_tenant(tenant.name(), &entry).await?;
    api.registry.remove_tenant(tenant);
    api.uploads.forget(tenant.id());
    telemetry::lines().forget(tenant.name());
    api.ledger.sweep_later(Dropped::Something);
    empty(StatusCode::NO_CONTENT)
}

/// Its limits.
pub(in crate::admin) async fn limits(ask: Ask) -> Answer {
    let tenant = ask.tenant()?;
    let record = ask.api.ledger.tenant(tenant.name()).await?;
    let set = record.filter(|_| !is_declared(&ask.api, tenant)).map(|record| record.limits);
    ok(&List { items: limits::list(&tenant.limits(), set.as_ref()), next: None })
}

/// Replaces them.
pub(in crate::admin) async fn set_limits(ask: Ask) -> Answer {
    let (api, tenant, entry) = (ask.api.clone(), ask.tenant()?.clone(), ask.entry("limits.changed"));
    let values: Map<String, Value> = ask.json().await?;
    let limits = limits::read(&values)?;
    let _alone = api.turns.alone(tenant.name()).await;
    let mut record = stored(&api, &tenant).await?;
    let mut entry = entry.subject(tenant.name());
    for (key, value) in &values {
        entry = entry.detail(key, value.clone());
    }
    record.limits = values;
    api.ledger.commit(Ledger::put_tenant(Batch::new(), tenant.name(), &record)?, &entry).await?;
    api.registry.set_limits(&tenant, limits);
    ok(&List { items: limits::list(&tenant.limits(), Some(&record.limits)), next: None })
}

/// What it uses, beside its limits.
pub(in crate::admin) async fn usage(ask: Ask) -> Answer {
    ok(&List { items: limits::usage(ask.tenant()?, &ask.api.rates), next: None })
}

/// What is written of a tenant that may be changed here.
pub(super) async fn stored(api: &Api, tenant: &Tenant) -> Result<TenantRecord, Fault> {
    if is_declared(api, tenant) {
        return Err(Fault::declared(&format!("the tenant `{}`", tenant.name())));
    }
    api.ledger.tenant(tenant.name()).await?.ok_or_else(Fault::not_found)
}

/// When a tenant was made that is in the store; before that its name was somebody else's.
pub(super) async fn since(api: &Api, tenant: &Tenant) -> Result<Option<Timestamp>, Fault> {
    if is_declared(api, tenant) {
        return Ok(None);
    }
    Ok(api.ledger.tenant(tenant.name()).await?.map(|record| record.created))
}

fn is_declared(api: &Api, tenant: &Tenant) -> bool {
    api.declared.tenants.contains_key(tenant.name())
}

async fn told(api: &Api, tenant: &Tenant) -> Result<Told, Fault> {
    let is_declared = is_declared(api, tenant);
    let Given { grants, config, .. } = api.given(tenant).await?;
    let usage = tenant.usage();
    Ok(Told {
        name: tenant.name().to_owned(),
        hosts: tenant.hosts().to_vec(),
        declared_in: if is_declared { Declared::Configuration } else { Declared::Store },
        grants,
        config,
        plugins: to_u64(usage.used(Limit::Plugins)),
        totals: totals(usage, usage.used(Limit::Connections), usage.used(Limit::HeldConnections)),
    })
}

/// Host names: in lower case, without a port.
fn host_names(names: Vec<String>) -> Result<Vec<String>, Fault> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_name = |name: &String| name.len() <= 253 && name.split('.').all(is_label);
    match names.iter().find(|name| !is_name(name)) {
        Some(wrong) => Err(Fault::invalid(format!("`{wrong}` is no host name"))),
        None => Ok(names.into_iter().map(|name| name.to_ascii_lowercase()).collect()),
    }
}
