//! Secrets of a tenant: they are put and deleted, and never told.

use http::StatusCode;
use jiff::Timestamp;

use crate::admin::ask::{Answer, Ask, empty, ok};
use crate::admin::fault::Fault;
use crate::admin::ledger::SecretRecord;
use crate::admin::shapes::{List, Secret};

/// No secret is larger.
const SECRET: usize = 64 << 10;

/// Their names.
pub(in crate::admin) async fn list(ask: Ask) -> Answer {
    let secrets = ask.api.ledger.secrets(ask.tenant()?.name()).await?;
    let told = |(name, record): (String, SecretRecord)| Secret { name, changed: record.changed, by: record.by };
    ok(&List { items: secrets.into_iter().map(told).collect(), next: None })
}

/// Puts one.
pub(in crate::admin) async fn put(ask: Ask) -> Answer {
    let (api, tenant, by) = (ask.api.clone(), ask.tenant()?.clone(), ask.caller.name.clone());
    let name = name(&ask)?;
    let entry = ask.entry("secret.put").subject(name.as_str());
    let value = ask.text(SECRET).await?;
    let _turn = api.turns.of(tenant.name(), &name).await;
    if api.registry.tenants().get(tenant.name()).is_none_or(|it| it.id() != tenant.id()) {
        return Err(Fault::not_found());
    }
    let record = SecretRecord { value, changed: Timestamp::now(), by };
    api.ledger.put_secret(tenant.name(), &name, &record, &entry).await?;
    api.grant(&tenant).await?;
    empty(StatusCode::NO_CONTENT)
}

/// Deletes one.
pub(in crate::admin) async fn delete(ask: Ask) -> Answer {
    let (owner, name) = (ask.tenant()?, name(&ask)?);
    let tenant = owner.name();
    let _turn = ask.api.turns.of(tenant, &name).await;
    let secrets = ask.api.ledger.secrets(tenant).await?;
    if !secrets.iter().any(|(other, _)| *other == name) {
        return Err(Fault::not_found());
    }
    ask.api.ledger.delete_secret(tenant, &name, &ask.entry("secret.deleted").subject(name.as_str())).await?;
    ask.api.grant(owner).await?;
    empty(StatusCode::NO_CONTENT)
}

fn name(ask: &Ask) -> Result<String, Fault> {
    let name = ask.parameter("name");
    let is_name = (1..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if is_name {
        Ok(name.to_owned())
    } else {
        Err(Fault::invalid("a secret's name has 1 to 63 letters, digits, `-`, `_` and `.`"))
    }
}
