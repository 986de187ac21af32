//! Held connections: any backend can answer one, by its handle alone.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use tokio::time::timeout;

use super::connections::frame;
use super::{Part, milliseconds};
use crate::admin::ask::{Answer, Ask, empty, ok};
use crate::admin::fault::Fault;
use crate::admin::shapes::{Close, Held, List};
use crate::hub::{DelayedError, Told, Written};

/// So long one who wants to know waits until a message is written. After that it is known only that it waits in the outbox.
const CONFIRM: Duration = Duration::from_secs(30);

/// Whether to answer when the message was written.
#[derive(Debug, Deserialize)]
struct Confirm {
    #[serde(default)]
    confirm: bool,
}

/// Whether a retention ends with a message.
#[derive(Clone, Copy, Debug)]
enum Then {
    Ends,
    GoesOn,
}

/// Held ones, the oldest first.
pub(in crate::admin) async fn list(ask: Ask) -> Answer {
    let (api, tenant) = (ask.api.clone(), ask.tenant()?.id());
    let part: Part = ask.query()?;
    let most = part.most()?;
    let page = move || {
        let held = api.registry.hub().held_of(tenant);
        let is_wanted = |plugin: &str| part.plugin.as_deref().is_none_or(|wanted| wanted == plugin);
        let wanted = held.into_iter().filter(|(connection, _)| is_wanted(connection.plugin())).take(most);
        let told = wanted.map(|(connection, held)| Held {
            handle: held.handle.get(),
            connection: connection.id().to_string(),
            plugin: connection.plugin().to_owned(),
            age_ms: milliseconds(held.age),
            deadline_ms: milliseconds(held.left),
            delivery: held.delivery.map(|delivery| delivery.0),
        });
        List { items: told.collect(), next: None }
    };
    ok(&tokio::task::spawn_blocking(page).await.map_err(|_| Fault::interrupted())?)
}

/// Answers one and ends the retention.
pub(in crate::admin) async fn send(ask: Ask) -> Answer {
    deliver(ask, Then::Ends).await
}

/// Sends it a message; it stays held.
pub(in crate::admin) async fn push(ask: Ask) -> Answer {
    deliver(ask, Then::GoesOn).await
}

async fn deliver(ask: Ask, then: Then) -> Answer {
    let (api, tenant, handle) = (ask.api.clone(), ask.tenant()?.id(), handle(&ask)?);
    let Confirm { confirm } = ask.query()?;
    let message = ask.message().await?;
    let (told, written): (Option<Told>, Option<Written>) = if confirm {
        let (told, written) = Written::receipt();
        (Some(told), Some(written))
    } else {
        (None, None)
    };
    match then {
        Then::Ends => api.registry.hub().send(tenant, handle, message, told)?,
        Then::GoesOn => api.registry.hub().push(tenant, handle, message, told)?,
    }
    match written {
        None => empty(StatusCode::ACCEPTED),
        Some(written) => match timeout(CONFIRM, written.wait()).await {
            Ok(outcome) => {
                outcome?;
                empty(StatusCode::NO_CONTENT)
            }
            Err(_) => empty(StatusCode::ACCEPTED),
        },
    }
}

/// Closes one.
pub(in crate::admin) async fn close(ask: Ask) -> Answer {
    let (api, tenant, handle) = (ask.api.clone(), ask.tenant()?.id(), handle(&ask)?);
    let entry = ask.entry("connection.closed").subject(handle.to_string());
    let Close { code, reason } = ask.json().await?;
    let frame = frame(code, reason)?;
    let entry = entry.detail("code", frame.code());
    api.registry.hub().close(tenant, handle, frame)?;
    api.ledger.note(&entry).await?;
    empty(StatusCode::ACCEPTED)
}

/// Ends a retention and sends nothing.
pub(in crate::admin) async fn release(ask: Ask) -> Answer {
    ask.api.registry.hub().release(ask.tenant()?.id(), handle(&ask)?)?;
    empty(StatusCode::NO_CONTENT)
}

fn handle(ask: &Ask) -> Result<u64, DelayedError> {
    ask.number("handle").ok_or(DelayedError::InvalidHandle)
}
