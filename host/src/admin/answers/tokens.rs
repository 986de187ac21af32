//! Tokens.

use http::StatusCode;
use jiff::Timestamp;

use crate::admin::ask::{Answer, Ask, empty, json, ok};
use crate::admin::fault::Fault;
use crate::admin::ledger::NotDeleted;
use crate::admin::shapes::{List, MadeToken, NewToken, Token as Told};
use crate::token::{Record, Scope, Token, TokenId};

/// No name is longer.
const NAME: usize = 63;

/// Whom the audit log knows besides tokens.
const WHO_ELSE: [&str; 3] = ["host", "configuration", "folder"];

/// Those in the scope of the one that asks.
pub(in crate::admin) async fn list(ask: Ask) -> Answer {
    let seen = ask.api.ledger.tokens().into_iter().filter(|record| is_seen(&ask.caller.scope, record));
    ok(&List { items: seen.map(told).collect(), next: None })
}

/// Makes one.
pub(in crate::admin) async fn create(ask: Ask) -> Answer {
    let (api, own, entry) = (ask.api.clone(), ask.caller.scope.clone(), ask.entry("token.created"));
    let NewToken { name, role, tenant, expires } = ask.json().await?;
    if name.is_empty() || name.chars().count() > NAME || name.chars().any(char::is_control) {
        return Err(Fault::invalid(format!("a token's name has 1 to {NAME} characters")));
    }
    if WHO_ELSE.contains(&name.as_str()) {
        return Err(Fault::invalid(format!("`{name}` is what the audit log calls somebody else")));
    }
    if expires.is_some_and(|expires| expires <= Timestamp::now()) {
        return Err(Fault::invalid("`expires` is past"));
    }
    let scope = match (own, tenant) {
        (Scope::Tenant(own), Some(other)) if other != own => return Err(Fault::not_found()),
        (Scope::Tenant(own), _) => Scope::Tenant(own),
        (Scope::Host, Some(tenant)) => Scope::Tenant(tenant),
        (Scope::Host, None) => Scope::Host,
    };
    // Nobody takes the tenant away while it gets a token.
    let _turn = match &scope {
        Scope::Tenant(tenant) => {
            let turn = api.turns.of(tenant, "").await;
            api.registry.tenants().get(tenant).ok_or_else(Fault::not_found)?;
            Some(turn)
        }
        Scope::Host => None,
    };
    let token = Token::generate().map_err(|_| Fault::interrupted())?;
    let record = Record::new(&token, name, role, scope, expires);
    let mut entry = entry.subject(record.id.to_string()).detail("name", record.name.as_str());
    entry = entry.detail("role", role.to_string());
    if let Scope::Tenant(tenant) = &record.scope {
        entry = entry.tenant(tenant);
    }
    api.ledger.put_token(record.clone(), &entry).await?;
    let Told { id, name, role, tenant, created, expires, last_used } = told(record);
    let token = token.reveal().to_owned();
    json(StatusCode::CREATED, &MadeToken { id, name, role, tenant, created, expires, last_used, token })
}

/// Deletes one.
pub(in crate::admin) async fn delete(ask: Ask) -> Answer {
    let id = TokenId::from(ask.parameter("id"));
    let record = ask.api.ledger.tokens().into_iter().find(|record| record.id == id);
    let record = record.filter(|record| is_seen(&ask.caller.scope, record)).ok_or_else(Fault::not_found)?;
    let mut entry = ask.entry("token.deleted").subject(id.to_string()).detail("name", record.name.as_str());
    if let Scope::Tenant(tenant) = &record.scope {
        entry = entry.tenant(tenant);
    }
    match ask.api.ledger.delete_token(&id, &entry).await {
        Ok(()) => empty(StatusCode::NO_CONTENT),
        Err(NotDeleted::Unknown) => Err(Fault::not_found()),
        Err(NotDeleted::LastOwner) => {
            let fault = Fault::conflict("last-owner", "it is the last owner token of the host");
            Err(fault.hint("make another one first: without any, nobody could"))
        }
        Err(NotDeleted::Store(error)) => Err(error.into()),
    }
}

fn is_seen(own: &Scope, record: &Record) -> bool {
    *own == Scope::Host || record.scope == *own
}

fn told(record: Record) -> Told {
    let Record { id, name, role, scope, created, expires, last_used, .. } = record;
    let tenant = match scope {
        Scope::Tenant(tenant) => Some(tenant),
        Scope::Host => None,
    };
    Told { id, name, role, tenant, created, expires, last_used }
}
