//! Canaries: versions that are tried on some connections.

use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;

use super::milliseconds;
use super::plugins::{check_note, find};
use crate::admin::ask::{Answer, Ask, empty, ok};
use crate::admin::deploys::Kept;
use crate::admin::fault::Fault;
use crate::admin::ledger::CanaryRecord;
use crate::admin::shapes::{Canary, CanaryChange, CanaryState};
use crate::plugin::{CanaryRules, Plugin, TakenBack};
use crate::tenant::Limit;

/// So many of a hundred connections get it if nobody says who.
const SHARE: f64 = 10.0;

/// What is said with a component.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Put {
    share: Option<f64>,
    header: Option<String>,
    max_failures: Option<f64>,
    p99: Option<String>,
    note: Option<String>,
}

/// The one that is tried, or the last that was taken back.
pub(in crate::admin) async fn get(ask: Ask) -> Answer {
    let (plugin, record) = find(&ask).await?;
    let canary = record.and_then(|record| record.canary).ok_or_else(Fault::no_canary)?;
    ok(&told(&plugin, canary))
}

/// Tries a component.
pub(in crate::admin) async fn put(ask: Ask) -> Answer {
    let (api, tenant, caller) = (ask.api.clone(), ask.tenant()?.clone(), ask.caller.clone());
    let name = ask.parameter("plugin").to_owned();
    let Put { share, header, max_failures, p99, note } = ask.query()?;
    let header = header.as_deref().map(header_of).transpose()?;
    let usual = if header.is_some() { 0.0 } else { SHARE };
    let rules = CanaryRules {
        share: percent("share", share.unwrap_or(usual))?,
        header,
        max_failures: percent("max-failures", max_failures.unwrap_or(CanaryRules::default().max_failures))?,
        p99: p99.map(|text| duration(&text)).transpose()?,
    };
    let note = check_note(note)?;
    let entry = ask.entry("canary.begun");
    if api.changeable(&tenant, &name).await?.0.is_none() {
        return Err(Fault::not_found());
    }
    let _place = api.uploads.place(tenant.id()).await?;
    let component = ask.component(tenant.limits().most(Limit::ComponentSize)).await?;
    let (plugin, canary) = api.try_out(entry, &caller.name, &tenant, &name, (rules, note), component).await?;
    ok(&told(&plugin, canary))
}

/// Changes how it is tried.
pub(in crate::admin) async fn change(ask: Ask) -> Answer {
    let (api, tenant, name) = (ask.api.clone(), ask.tenant()?.clone(), ask.parameter("plugin").to_owned());
    let entry = ask.entry("canary.changed").subject(name.as_str());
    let CanaryChange { share, header, max_failures, p99_ms } = ask.json().await?;
    let _turn = api.turns.of(tenant.name(), &name).await;
    let (plugin, record) = api.changeable(&tenant, &name).await?;
    let (Some(plugin), Some(mut record)) = (plugin, record) else { return Err(Fault::not_found()) };
    let none = || Fault::conflict("no-canary", format!("no version of `{name}` is tried now"));
    let running = plugin.serving().canary.clone().ok_or_else(none)?;
    let mut rules = running.rules.clone();
    rules.share = percent("share", share.unwrap_or(rules.share))?;
    rules.max_failures = percent("max-failures", max_failures.unwrap_or(rules.max_failures))?;
    match header.as_deref() {
        None => {}
        Some("") => rules.header = None,
        Some(text) => rules.header = Some(header_of(text)?),
    }
    match p99_ms {
        None => {}
        Some(0) => rules.p99 = None,
        Some(ms) => rules.p99 = Some(Duration::from_millis(ms)),
    }
    let canary = record.canary.as_mut().ok_or_else(none)?;
    canary.rules = rules.clone();
    let canary = canary.clone();
    api.registry.retry(&plugin, rules)?;
    if let Err(error) = api.ledger.put_plugin(tenant.name(), &name, &record, &entry).await {
        // It may have ended meanwhile; then its rules are nobody's.
        let _as_before = api.registry.retry(&plugin, running.rules.clone());
        return Err(error.into());
    }
    ok(&told(&plugin, canary))
}

/// Takes it back.
pub(in crate::admin) async fn delete(ask: Ask) -> Answer {
    let (api, tenant, name) = (&ask.api, ask.tenant()?, ask.parameter("plugin"));
    let _turn = api.turns.of(tenant.name(), name).await;
    let (plugin, record) = api.changeable(tenant, name).await?;
    let (Some(plugin), Some(mut record)) = (plugin, record) else { return Err(Fault::not_found()) };
    let running = plugin.serving().canary.clone();
    api.registry.take_back(&plugin)?;
    if let Some(running) = running {
        let told = TakenBack {
            tenant: tenant.name().to_owned(),
            plugin: name.to_owned(),
            digest: running.version.digest(),
            why: format!("taken back by {}", ask.caller.name),
            record: running.record(),
        };
        api.canary_ended(ask.entry("canary.taken-back"), &mut record, tenant.name(), (&told, Kept::Yes)).await?;
    }
    empty(StatusCode::NO_CONTENT)
}

fn told(plugin: &Plugin, canary: CanaryRecord) -> Canary {
    let serving = plugin.serving();
    let running = serving.canary.as_ref().filter(|it| it.version.digest().to_string() == canary.version.digest);
    let done = running.map(|running| running.record());
    let (reason, record) = canary.taken_back.map_or((None, done), |(why, record)| (Some(why), Some(record)));
    let record = record.unwrap_or_default();
    let mut connections = 0;
    if let Some(running) = running {
        plugin.hub().for_each_of(plugin.tenant(), |connection| {
            let is_its = connection.plugin() == plugin.name() && connection.labelled() == running.version.number();
            connections += u64::from(is_its);
        });
    }
    Canary {
        plugin: plugin.name().to_owned(),
        digest: canary.version.digest,
        previous: canary.previous,
        since: canary.since,
        state: if running.is_some() { CanaryState::Running } else { CanaryState::TakenBack },
        reason,
        share: canary.rules.share,
        header: canary.rules.header.map(|(name, value)| format!("{name}: {value}")),
        max_failures: canary.rules.max_failures,
        p99_ms: canary.rules.p99.map(milliseconds),
        connections,
        events: record.events,
        failures: record.failures,
        slow: record.slow,
    }
}

fn percent(key: &str, value: f64) -> Result<f64, Fault> {
    // What is no number is in no range, either.
    if (0.0..=100.0).contains(&value) {
        Ok(value)
    } else {
        Err(Fault::invalid(format!("`{key}` is not from 0 to 100")))
    }
}

fn header_of(text: &str) -> Result<(String, String), Fault> {
    let parts = text.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
    let is_header =
        |(name, value): &(&str, &str)| name.parse::<HeaderName>().is_ok() && HeaderValue::from_str(value).is_ok();
    let found = parts.filter(is_header).map(|(name, value)| (name.to_owned(), value.to_owned()));
    found.ok_or_else(|| Fault::invalid("`header` is not `name: value`"))
}

fn duration(text: &str) -> Result<Duration, Fault> {
    let parsed = humantime::parse_duration(text).ok().filter(|duration| !duration.is_zero());
    parsed.ok_or_else(|| Fault::invalid(format!("`p99` is `{text}`, which is no duration such as 50ms")))
}
