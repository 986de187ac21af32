//! Channels and timers.

use http::StatusCode;

use super::{Part, timestamp, to_u64};
use crate::admin::ask::{Answer, Ask, empty, ok};
use crate::admin::fault::Fault;
use crate::admin::shapes::{Channel, List, Timer};
use crate::ids::TimerId;

/// Channels, by name.
pub(in crate::admin) async fn channels(ask: Ask) -> Answer {
    let channels = ask.api.registry.hub().channels().list(ask.tenant()?.id());
    let told = channels.into_iter().map(|(name, channel)| Channel {
        name,
        capacity: to_u64(channel.capacity()),
        items: to_u64(channel.len()),
        bytes: to_u64(channel.size()),
        closed: channel.is_closed(),
    });
    ok(&List { items: told.collect(), next: None })
}

/// Pending timers, those first that run first.
pub(in crate::admin) async fn timers(ask: Ask) -> Answer {
    let (api, tenant) = (ask.api.clone(), ask.tenant()?.id());
    let part: Part = ask.query()?;
    let most = part.most()?;
    let list = move || {
        let mut items = Vec::new();
        for plugin in api.registry.plugins().of(tenant) {
            if part.plugin.as_deref().is_some_and(|wanted| wanted != plugin.name()) {
                continue;
            }
            items.extend(api.registry.hub().timers().list(plugin.id()).into_iter().map(|timer| Timer {
                id: timer.id.0,
                plugin: plugin.name().to_owned(),
                next: timestamp(timer.next),
                repeats: timer.repeats,
                payload_bytes: to_u64(timer.payload.len()),
            }));
        }
        items.sort_by_key(|timer| (timer.next, timer.id));
        items.truncate(most);
        List { items, next: None }
    };
    ok(&tokio::task::spawn_blocking(list).await.map_err(|_| Fault::interrupted())?)
}

/// Cancels a timer.
pub(in crate::admin) async fn cancel(ask: Ask) -> Answer {
    let (api, tenant) = (&ask.api, ask.tenant()?);
    let id = TimerId(ask.number("id").ok_or_else(Fault::not_found)?);
    let timers = api.registry.hub().timers();
    let plugins = api.registry.plugins().of(tenant.id());
    let its = plugins.iter().find(|plugin| timers.cancel(plugin.id(), id).is_ok()).ok_or_else(Fault::not_found)?;
    let entry = ask.entry("timer.cancelled").subject(id.0.to_string()).detail("plugin", its.name());
    api.ledger.note(&entry).await?;
    empty(StatusCode::NO_CONTENT)
}
