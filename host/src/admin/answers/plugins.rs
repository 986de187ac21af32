//! Plugins, and what serves of them.

use std::collections::HashMap;
use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;

use super::{milliseconds, timestamp, to_u64, totals};
use crate::admin::Api;
use crate::admin::ask::{Answer, Ask, empty, json, ok};
use crate::admin::deploys::{Done, Wanted};
use crate::admin::fault::Fault;
use crate::admin::ledger::{Dropped, PluginRecord};
use crate::admin::shapes::{self, Compiled, Declared, Deployment, List, Outcome, Rollback, VersionState};
use crate::engine::Made;
use crate::hub::Connection;
use crate::plugin::{Isolation, Plugin, Swap, Version};
use crate::tenant::{Limit, Tenant};

/// No note is longer.
const NOTE: usize = 200;

/// What is said with a component.
#[derive(Debug, Deserialize)]
struct Put {
    route: Option<String>,
    isolation: Option<Isolation>,
    swap: Option<Swap>,
    note: Option<String>,
}

/// All of a tenant.
pub(in crate::admin) async fn list(ask: Ask) -> Answer {
    let tenant = ask.tenant()?;
    let mut records: HashMap<_, _> = ask.api.ledger.plugins(tenant.name()).await?.into_iter().collect();
    let plugins = ask.api.registry.plugins().of(tenant.id());
    let mut counts: HashMap<String, Counts> = HashMap::new();
    ask.api.registry.hub().for_each_of(tenant.id(), |connection| {
        counts.entry(connection.plugin().to_owned()).or_default().add(connection);
    });
    let told = |plugin: &Arc<Plugin>| {
        let counts = counts.remove(plugin.name()).unwrap_or_default();
        told(&ask.api, plugin, records.remove(plugin.name()).as_ref(), counts)
    };
    ok(&List { items: plugins.iter().map(told).collect(), next: None })
}

/// One.
pub(in crate::admin) async fn get(ask: Ask) -> Answer {
    let (plugin, record) = find(&ask).await?;
    ok(&told(&ask.api, &plugin, record.as_ref(), Counts::of(&plugin)))
}

/// Deploys a component.
pub(in crate::admin) async fn put(ask: Ask) -> Answer {
    let (api, tenant, caller) = (ask.api.clone(), ask.tenant()?.clone(), ask.caller.clone());
    let name = name(&ask)?;
    let Put { route, isolation, swap, note } = ask.query()?;
    let wanted = Wanted { route, isolation, swap, note: check_note(note)? };
    let entry = ask.entry("plugin.deployed");
    // Before anything is read: who may not change it need not send it.
    api.changeable(&tenant, &name).await?;
    let _place = api.uploads.place(tenant.id()).await?;
    let component = ask.component(tenant.limits().most(Limit::ComponentSize)).await?;
    let done = api.deploy(entry, &caller.name, &tenant, &name, wanted, component).await?;
    let status = if done.outcome == Outcome::Created { StatusCode::CREATED } else { StatusCode::OK };
    json(status, &deployment(&api, &tenant, done).await?)
}

/// Takes it out.
pub(in crate::admin) async fn delete(ask: Ask) -> Answer {
    let (api, tenant, name) = (&ask.api, ask.tenant()?, ask.parameter("plugin"));
    let _turn = api.turns.of(tenant.name(), name).await;
    let (plugin, record) = api.changeable(tenant, name).await?;
    if record.is_none() {
        return Err(Fault::not_found());
    }
    api.ledger.delete_plugin(tenant.name(), name, &ask.entry("plugin.deleted").subject(name)).await?;
    if let Some(plugin) = plugin {
        api.registry.remove(&plugin);
    }
    api.ledger.sweep_later(Dropped::Something);
    empty(StatusCode::NO_CONTENT)
}

/// Its versions, the newest first.
pub(in crate::admin) async fn versions(ask: Ask) -> Answer {
    let (plugin, record) = find(&ask).await?;
    let mut items = all_versions(&plugin, record.as_ref());
    items.sort_by_key(|version| std::cmp::Reverse(version.deployed_at));
    ok(&List { items, next: None })
}

/// Lets a version that is kept serve.
pub(in crate::admin) async fn roll_back(ask: Ask) -> Answer {
    let (api, tenant, name) = (ask.api.clone(), ask.tenant()?.clone(), ask.parameter("plugin").to_owned());
    let entry = ask.entry("plugin.rolled-back");
    let Rollback { version } = ask.json().await?;
    let done = api.roll_back(entry, &tenant, &name, version.as_deref()).await?;
    ok(&deployment(&api, &tenant, done).await?)
}

/// Lets the canary serve all.
pub(in crate::admin) async fn promote(ask: Ask) -> Answer {
    let (api, tenant) = (&ask.api, ask.tenant()?);
    let done = api.promote(ask.entry("canary.promoted"), tenant, ask.parameter("plugin")).await?;
    ok(&deployment(api, tenant, done).await?)
}

/// The plugin in the path, and what is written of it.
pub(super) async fn find(ask: &Ask) -> Result<(Arc<Plugin>, Option<PluginRecord>), Fault> {
    let (tenant, name) = (ask.tenant()?, ask.parameter("plugin"));
    let plugin = ask.api.registry.find(tenant.id(), name).ok_or_else(Fault::not_found)?;
    let record = ask.api.ledger.plugin(tenant.name(), name).await?;
    Ok((plugin, record))
}

/// A name that can be part of a path, of a key and of a file's name.
pub(super) fn name(ask: &Ask) -> Result<String, Fault> {
    let name = ask.parameter("plugin");
    let is_name = (1..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && !name.starts_with('.');
    if is_name {
        Ok(name.to_owned())
    } else {
        Err(Fault::invalid(
            "a plugin's name has 1 to 63 letters, digits, `-`, `_` and `.`, and does not begin with `.`",
        ))
    }
}

pub(super) fn check_note(note: Option<String>) -> Result<Option<String>, Fault> {
    match &note {
        Some(text) if text.chars().count() > NOTE => {
            Err(Fault::invalid(format!("`note` is longer than {NOTE} characters")))
        }
        _ => Ok(note),
    }
}

async fn deployment(api: &Api, tenant: &Tenant, done: Done) -> Result<Deployment, Fault> {
    let Done { outcome, plugin, previous, begun } = done;
    let ms = milliseconds(begun.elapsed());
    let record = api.ledger.plugin(tenant.name(), plugin.name()).await?;
    let serving = Arc::clone(&plugin.serving().version);
    let digest = serving.digest().to_string();
    let version = all_versions(&plugin, record.as_ref()).into_iter().find(|version| version.digest == digest);
    Ok(Deployment {
        outcome,
        plugin: told(api, &plugin, record.as_ref(), Counts::of(&plugin)),
        // It serves, so it is among them, unless another one has taken its place meanwhile.
        version: version.ok_or_else(Fault::interrupted)?,
        previous: previous.map(|digest| digest.to_string()),
        compiled: match serving.compiled() {
            Made::Now if outcome != Outcome::Unchanged => Compiled::Fresh,
            Made::Now | Made::Before => Compiled::Cache,
        },
        ms,
    })
}

/// How many connections a plugin has.
#[derive(Clone, Copy, Default)]
struct Counts {
    all: usize,
    held: usize,
}

impl Counts {
    fn add(&mut self, connection: &Connection) {
        self.all += 1;
        self.held += usize::from(connection.is_held());
    }

    fn of(plugin: &Plugin) -> Self {
        let mut counts = Self::default();
        each(plugin, |connection| counts.add(connection));
        counts
    }
}

/// Calls `look` with every connection of a plugin.
fn each(plugin: &Plugin, mut look: impl FnMut(&Connection)) {
    plugin.hub().for_each_of(plugin.tenant(), |connection| {
        if connection.plugin() == plugin.name() {
            look(connection);
        }
    });
}

fn told(api: &Api, plugin: &Plugin, record: Option<&PluginRecord>, counts: Counts) -> shapes::Plugin {
    let serving = plugin.serving();
    let manifest = serving.version.manifest();
    let (tenant, name) = (plugin.owner().name().to_owned(), plugin.name().to_owned());
    let declared_in = if api.declared.plugins.contains(&(tenant.clone(), name.clone())) {
        Declared::Configuration
    } else if record.is_some() {
        Declared::Store
    } else {
        Declared::Folder
    };
    shapes::Plugin {
        name,
        tenant,
        route: api.registry.routes().of(plugin),
        isolation: manifest.isolation,
        swap: manifest.swap,
        declared_in,
        exports: serving.version.exports().names().map(str::to_owned).collect(),
        serving: serving.version.digest().to_string(),
        canary: serving.canary.as_ref().map(|canary| canary.version.digest().to_string()),
        versions: to_u64(record.map_or_else(|| 1 + plugin.all_kept().len(), |record| record.versions.len())),
        deployed_at: match record.and_then(PluginRecord::serving) {
            Some(version) => version.at,
            None => timestamp(serving.version.since()),
        },
        totals: totals(plugin.usage(), counts.all, counts.held),
    }
}

/// What is written of them; of a plugin that nothing is written of, what is known of those that are kept.
fn all_versions(plugin: &Plugin, record: Option<&PluginRecord>) -> Vec<shapes::Version> {
    let serving = plugin.serving();
    let mut connections: HashMap<String, u64> = HashMap::new();
    each(plugin, |connection| {
        *connections.entry(plugin.version_of(connection.labelled()).digest().to_string()).or_default() += 1;
    });
    let canary = serving.canary.as_ref().map(|canary| &canary.version);
    let kept = plugin.all_kept();
    let alive: Vec<&Arc<Version>> = std::iter::once(&serving.version).chain(canary).chain(&kept).collect();
    let state = |digest: &str| {
        if serving.version.digest().to_string() == digest {
            VersionState::Serving
        } else if canary.is_some_and(|version| version.digest().to_string() == digest) {
            VersionState::Canary
        } else {
            VersionState::Kept
        }
    };
    let mut versions: Vec<_> = match record {
        Some(record) => {
            let tried = record.running().map(|canary| &canary.version);
            let written = record.versions.iter().chain(tried.filter(|_| canary.is_some())).cloned();
            written
                .map(|version| shapes::Version {
                    state: state(&version.digest),
                    connections: connections.remove(&version.digest).unwrap_or(0),
                    digest: version.digest,
                    deployed_at: version.at,
                    by: version.by,
                    size: to_u64(version.size),
                    language: version.language,
                    note: version.note,
                })
                .collect()
        }
        None => Vec::new(),
    };
    for version in alive {
        let digest = version.digest().to_string();
        let connections = connections.remove(&digest).unwrap_or(0);
        if versions.iter().any(|other| other.digest == digest) || (record.is_some() && connections == 0) {
            continue;
        }
        versions.push(shapes::Version {
            // What nothing is written of any more cannot be gone back to.
            state: if record.is_some() { VersionState::Retired } else { state(&digest) },
            digest,
            deployed_at: timestamp(version.since()),
            by: "configuration".to_owned(),
            size: to_u64(version.size()),
            language: version.manifest().language.map(|language| language.id().to_owned()),
            note: None,
            connections,
        });
    }
    versions
}
