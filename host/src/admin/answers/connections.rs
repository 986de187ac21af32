//! Open connections: looked at, sent to, closed.

use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;

use super::{Page, Part, timestamp, to_u64};
use crate::admin::Api;
use crate::admin::ask::{Answer, Ask, empty, ok};
use crate::admin::fault::Fault;
use crate::admin::shapes::{Connection as Told, ConnectionState};
use crate::hub::{Connection, Doing};
use crate::ids::ConnectionId;
use crate::message::CloseFrame;
use crate::plugin::Plugin;

/// The Close frame that is wanted.
#[derive(Debug, Deserialize)]
struct Farewell {
    code: Option<u16>,
    reason: Option<String>,
}

/// Open ones, by id.
pub(in crate::admin) async fn list(ask: Ask) -> Answer {
    let (api, tenant) = (ask.api.clone(), ask.tenant()?.clone());
    let part: Part = ask.query()?;
    let most = part.most()?;
    let after = part.after.as_deref().map(str::parse::<ConnectionId>).transpose();
    let after = after.map_err(|error| Fault::invalid(format!("`after`: {error}")))?;
    // A tenant may have very many, and whoever waits for a thread of the host would wait for this.
    let page = move || {
        let mut ids = Vec::new();
        api.registry.hub().for_each_of(tenant.id(), |connection| {
            let is_wanted = part.plugin.as_deref().is_none_or(|plugin| connection.plugin() == plugin);
            if is_wanted && after.is_none_or(|after| connection.id() > after) {
                ids.push(connection.id());
            }
        });
        ids.sort_unstable();
        let next = (ids.len() > most).then(|| ids.get(most - 1).map(ToString::to_string)).flatten();
        let found = ids.iter().take(most).filter_map(|id| api.registry.hub().connection(tenant.id(), *id));
        let items = found.filter_map(|connection| told(&api, &connection)).collect();
        Page { items, next }
    };
    ok(&tokio::task::spawn_blocking(page).await.map_err(|_| Fault::interrupted())?)
}

/// One.
pub(in crate::admin) async fn get(ask: Ask) -> Answer {
    let connection = find(&ask)?;
    ok(&told(&ask.api, &connection).ok_or_else(Fault::not_found)?)
}

/// Closes it.
pub(in crate::admin) async fn close(ask: Ask) -> Answer {
    let connection = find(&ask)?;
    let Farewell { code, reason } = ask.query()?;
    let frame = frame(code, reason)?;
    let entry = ask.entry("connection.closed").subject(connection.id().to_string()).detail("code", frame.code());
    ask.api.ledger.note(&entry).await?;
    connection.close(frame);
    empty(StatusCode::ACCEPTED)
}

/// Sends it a message.
pub(in crate::admin) async fn send(ask: Ask) -> Answer {
    let connection = find(&ask)?;
    connection.post(ask.message().await?, None)?;
    empty(StatusCode::ACCEPTED)
}

/// The frame of this code and reason.
pub(super) fn frame(code: Option<u16>, reason: Option<String>) -> Result<CloseFrame, Fault> {
    let code = code.unwrap_or(CloseFrame::NORMAL.code());
    CloseFrame::new(code, reason.unwrap_or_default()).map_err(|error| Fault::invalid(error.to_string()))
}

fn find(ask: &Ask) -> Result<Arc<Connection>, Fault> {
    let tenant = ask.tenant()?.id();
    let id = ask.parameter("id").parse().map_err(|_| Fault::not_found())?;
    ask.api.registry.hub().connection(tenant, id).ok_or_else(Fault::not_found)
}

/// None if its plugin has gone, and it is about to.
fn told(api: &Api, connection: &Connection) -> Option<Told> {
    let plugin: Arc<Plugin> = api.registry.find(connection.tenant(), connection.plugin())?;
    let version = plugin.version_of(connection.labelled());
    let is_canary = plugin.serving().canary.as_ref().is_some_and(|canary| Arc::ptr_eq(&canary.version, &version));
    let look = connection.snapshot();
    let upgrade = connection.upgrade();
    Some(Told {
        id: connection.id().to_string(),
        plugin: connection.plugin().to_owned(),
        version: version.digest().to_string(),
        canary: is_canary,
        path: upgrade.path.to_string(),
        subprotocol: connection.subprotocol().map(str::to_owned),
        remote_address: upgrade.remote_address.to_string(),
        opened: timestamp(look.opened),
        state: match look.doing {
            Doing::Idle => ConnectionState::Idle,
            Doing::Handling => ConnectionState::Handling,
            Doing::Held => ConnectionState::Held,
            Doing::Closing => ConnectionState::Closing,
        },
        round_trip_us: look.round_trip.map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX)),
        handle: look.held.map(|held| held.handle.get()),
        outbox_bytes: to_u64(look.outbox),
        inbox_messages: look.inbox.into(),
        attachment_bytes: to_u64(look.attachment),
    })
}
