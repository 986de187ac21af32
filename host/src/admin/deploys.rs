//! Changes of plugins: each is done through the registry and written into the ledger, and is told as done when both are. What cannot be
//! written is undone.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::Api;
use super::fault::Fault;
use super::ledger::{CanaryRecord, Dropped, Entry, PluginRecord, VersionRecord};
use super::shapes::Outcome;
use crate::digest::Digest;
use crate::plugin::{CanaryRules, Deployment, Isolation, Manifest, Plugin, Registry, Swap, TakenBack};
use crate::tenant::Tenant;

/// What is said with a component.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) route: Option<String>,
    pub(super) isolation: Option<Isolation>,
    pub(super) swap: Option<Swap>,
    pub(super) note: Option<String>,
}

/// What came of a deploy, a rollback or a promotion.
pub(super) struct Done {
    pub(super) outcome: Outcome,
    pub(super) plugin: Arc<Plugin>,
    pub(super) previous: Option<Digest>,
    pub(super) begun: Instant,
}

/// The manifest of a component, under the name that it is deployed by.
pub(super) fn manifest(
    name: &str,
    component: &[u8],
    isolation: Option<Isolation>,
    swap: Option<Swap>,
) -> Result<Manifest, Fault> {
    let found = Manifest::of_component(component, "the component").map_err(|error| Fault::refused(&error))?;
    let mut manifest = found.unwrap_or_else(|| Manifest::bare(name));
    name.clone_into(&mut manifest.name);
    manifest.isolation = isolation.unwrap_or(manifest.isolation);
    manifest.swap = swap.unwrap_or(manifest.swap);
    Ok(manifest)
}

impl Api {
    /// The plugin and what is written of it, if it may be changed here.
    pub(super) async fn changeable(
        &self,
        tenant: &Tenant,
        name: &str,
    ) -> Result<(Option<Arc<Plugin>>, Option<PluginRecord>), Fault> {
        // It may have gone while this waited for its turn.
        if self.registry.tenants().get(tenant.name()).is_none_or(|it| it.id() != tenant.id()) {
            return Err(Fault::not_found());
        }
        if self.declared.plugins.contains(&(tenant.name().to_owned(), name.to_owned())) {
            return Err(Fault::declared(&format!("the plugin `{name}`")));
        }
        let plugin = self.registry.find(tenant.id(), name);
        let record = self.ledger.plugin(tenant.name(), name).await?;
        if plugin.is_some() && record.is_none() {
            let message = format!("the plugin `{name}` is that of a file in a folder that is watched");
            return Err(
                Fault::conflict("declared-in-folder", message).hint("change the file, or give this one another name")
            );
        }
        Ok((plugin, record))
    }

    /// Takes a component in, and lets it serve.
    pub(super) async fn deploy(
        &self,
        entry: Entry,
        by: &str,
        tenant: &Tenant,
        name: &str,
        wanted: Wanted,
        component: Vec<u8>,
    ) -> Result<Done, Fault> {
        let begun = Instant::now();
        let _turn = self.turns.of(tenant.name(), name).await;
        let (plugin, record) = self.changeable(tenant, name).await?;
        let mut record = record.unwrap_or_default();
        record.swap = wanted.swap.or(record.swap);
        let manifest = manifest(name, &component, wanted.isolation, record.swap)?;
        let digest = Digest::of(&component);
        let previous = plugin.as_ref().map(|plugin| plugin.serving().version.digest());
        let entry = entry.subject(name).detail("digest", digest.to_string());
        if let Some(plugin) = &plugin
            && is_as_before(&self.registry, plugin, digest, &manifest, wanted.route.as_deref())
        {
            // A canary was to end with a deploy, whatever it brings.
            let _there_may_be_none = self.registry.take_back(plugin);
            record.canary = None;
            self.ledger.put_plugin(tenant.name(), name, &record, &entry).await?;
            return Ok(Done { outcome: Outcome::Unchanged, plugin: Arc::clone(plugin), previous, begun });
        }
        let kept: Arc<[u8]> = component.as_slice().into();
        let version = version_record(digest, by, component.len(), &manifest, &wanted);
        let before = plugin.as_ref().map(|plugin| self.registry.routes().of(plugin));
        let route = wanted.route.or_else(|| plugin.is_none().then(|| record.route.clone()).flatten());
        let deployed = self.registry.deploy(deployment(tenant, manifest, component, route)?).await?;
        record.route = self.registry.routes().of(&deployed);
        let dropped = record.serve(version);
        // Only now: what cannot serve takes no room on the disk.
        let keeping = self.ledger.keeping().await;
        let written = match self.ledger.store().keep_component(kept).await {
            Ok(_) => self.ledger.put_plugin(tenant.name(), name, &record, &entry).await,
            Err(error) => Err(error),
        };
        drop(keeping);
        if let Err(error) = written {
            self.undo(&deployed, previous, before.flatten()).await;
            // One that was served before comes from the store when it is asked for.
            deployed.forget(digest);
            return Err(error.into());
        }
        self.ledger.sweep_later(dropped);
        let outcome = if previous.is_some() { Outcome::Swapped } else { Outcome::Created };
        Ok(Done { outcome, plugin: deployed, previous, begun })
    }

    /// What was not written down did not happen.
    async fn undo(&self, plugin: &Arc<Plugin>, previous: Option<Digest>, route: Option<String>) {
        let Some(previous) = previous else { return self.registry.remove(plugin) };
        if let Err(error) = self.registry.roll_back(plugin, Some(previous)).await {
            tracing::error!(plugin = plugin.name(), %error, "a deploy that could not be written down serves until the next start");
            return;
        }
        let exports = plugin.serving().version.exports();
        let routed = match route {
            Some(route) => self.registry.routes().set(&plugin.owner().hosts(), &route, plugin, exports),
            None => {
                self.registry.routes().remove(plugin);
                Ok(())
            }
        };
        if let Err(error) = routed {
            tracing::error!(plugin = plugin.name(), %error, "the route of a deploy that was undone stays as it is");
        }
    }

    /// Lets a version that is kept serve again: the one whose digest begins so, or the latest.
    pub(super) async fn roll_back(
        &self,
        entry: Entry,
        tenant: &Tenant,
        name: &str,
        wanted: Option<&str>,
    ) -> Result<Done, Fault> {
        let begun = Instant::now();
        let _turn = self.turns.of(tenant.name(), name).await;
        let (plugin, record) = self.changeable(tenant, name).await?;
        let (Some(plugin), Some(mut record)) = (plugin, record) else { return Err(Fault::not_found()) };
        let none = || Fault::conflict("no-version", format!("the plugin `{name}` has no such version that is kept"));
        let found = match wanted {
            None => record.versions.get(1).ok_or_else(none)?,
            Some(prefix) => one_of(&record, prefix)?.ok_or_else(none)?,
        };
        let version = found.clone();
        let digest: Digest = version.digest.parse().map_err(|_| none())?;
        let previous = plugin.serving().version.digest();
        let entry = entry.subject(name).detail("digest", digest.to_string()).detail("previous", previous.to_string());
        if digest == previous {
            self.ledger.note(&entry).await?;
            return Ok(Done { outcome: Outcome::Unchanged, plugin, previous: Some(previous), begun });
        }
        if plugin.kept(Some(digest)).is_some() {
            self.registry.roll_back(&plugin, Some(digest)).await?;
        } else {
            // It served before the last start of the host.
            let component = self.ledger.store().component(digest).await?.ok_or_else(none)?;
            let manifest = manifest(name, &component, version.isolation, record.swap)?;
            self.registry.deploy(deployment(tenant, manifest, component.to_vec(), None)?).await?;
        }
        let dropped = record.serve(version);
        if let Err(error) = self.ledger.put_plugin(tenant.name(), name, &record, &entry).await {
            self.undo(&plugin, Some(previous), record.route).await;
            return Err(error.into());
        }
        self.ledger.sweep_later(dropped);
        Ok(Done { outcome: Outcome::Swapped, plugin, previous: Some(previous), begun })
    }

    /// Tries a component on some connections.
    pub(super) async fn try_out(
        &self,
        entry: Entry,
        by: &str,
        tenant: &Tenant,
        name: &str,
        (rules, note): (CanaryRules, Option<String>),
        component: Vec<u8>,
    ) -> Result<(Arc<Plugin>, CanaryRecord), Fault> {
        let _turn = self.turns.of(tenant.name(), name).await;
        let (plugin, record) = self.changeable(tenant, name).await?;
        let (Some(plugin), Some(mut record)) = (plugin, record) else { return Err(Fault::not_found()) };
        let isolation = record.serving().and_then(|version| version.isolation);
        let manifest = manifest(name, &component, isolation, record.swap)?;
        let digest = Digest::of(&component);
        let wanted = Wanted { isolation, note, ..Wanted::default() };
        let version = version_record(digest, by, component.len(), &manifest, &wanted);
        let kept: Arc<[u8]> = component.as_slice().into();
        self.registry.try_out(&plugin, manifest, component, rules.clone()).await?;
        let previous = plugin.serving().version.digest().to_string();
        let canary = CanaryRecord { version, previous, since: Timestamp::now(), rules, taken_back: None };
        let dropped = record.canary.replace(canary.clone()).into();
        let entry = entry.subject(name).detail("digest", digest.to_string());
        let keeping = self.ledger.keeping().await;
        let written = match self.ledger.store().keep_component(kept).await {
            Ok(_) => self.ledger.put_plugin(tenant.name(), name, &record, &entry).await,
            Err(error) => Err(error),
        };
        drop(keeping);
        if let Err(error) = written {
            let _it_may_have_ended = self.registry.take_back(&plugin);
            return Err(error.into());
        }
        self.ledger.sweep_later(dropped);
        Ok((plugin, canary))
    }

    /// Lets the canary serve all.
    pub(super) async fn promote(&self, entry: Entry, tenant: &Tenant, name: &str) -> Result<Done, Fault> {
        let begun = Instant::now();
        let _turn = self.turns.of(tenant.name(), name).await;
        let (plugin, record) = self.changeable(tenant, name).await?;
        let (Some(plugin), Some(mut record)) = (plugin, record) else { return Err(Fault::not_found()) };
        let previous = plugin.serving().version.digest();
        let route = record.route.clone();
        self.registry.promote(&plugin).await?;
        let digest = plugin.serving().version.digest();
        let dropped = record.canary.take().map_or(Dropped::Nothing, |canary| record.serve(canary.version));
        let entry = entry.subject(name).detail("digest", digest.to_string()).detail("previous", previous.to_string());
        if let Err(error) = self.ledger.put_plugin(tenant.name(), name, &record, &entry).await {
            self.undo(&plugin, Some(previous), route).await;
            return Err(error.into());
        }
        self.ledger.sweep_later(dropped);
        Ok(Done { outcome: Outcome::Swapped, plugin, previous: Some(previous), begun })
    }

    /// Enters into the ledger that a canary ended.
    pub(super) async fn canary_ended(
        &self,
        entry: Entry,
        record: &mut PluginRecord,
        tenant: &str,
        (told, is_kept): (&TakenBack, Kept),
    ) -> Result<(), Fault> {
        let digest = told.digest.to_string();
        if let Some(canary) = record.canary.as_mut().filter(|canary| canary.version.digest == digest) {
            canary.taken_back = Some((told.why.clone(), told.record));
        }
        let entry = entry.subject(&told.plugin).detail("digest", digest).detail("reason", told.why.as_str());
        match is_kept {
            Kept::Yes => Ok(self.ledger.put_plugin(tenant, &told.plugin, record, &entry).await?),
            Kept::No => Ok(self.ledger.note(&entry).await?),
        }
    }
}

/// Whether a plugin has a record.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kept {
    Yes,
    No,
}

/// The version whose digest begins so; two of them are none.
fn one_of<'r>(record: &'r PluginRecord, prefix: &str) -> Result<Option<&'r VersionRecord>, Fault> {
    let digits = prefix.strip_prefix("sha256:").unwrap_or(prefix);
    if digits.len() < 8 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(Fault::invalid(format!("`{prefix}` is no digest, and no beginning of one with 8 digits at least")));
    }
    let is_it = |version: &&VersionRecord| version.digest.trim_start_matches("sha256:").starts_with(digits);
    let mut found = record.versions.iter().filter(is_it);
    Ok(found.next().filter(|_| found.next().is_none()))
}

fn is_as_before(
    registry: &Registry,
    plugin: &Plugin,
    digest: Digest,
    manifest: &Manifest,
    route: Option<&str>,
) -> bool {
    let serving = plugin.serving();
    serving.version.digest() == digest
        && serving.version.manifest() == manifest
        && route.is_none_or(|route| registry.routes().of(plugin).as_deref() == Some(route))
}

fn version_record(digest: Digest, by: &str, size: usize, manifest: &Manifest, wanted: &Wanted) -> VersionRecord {
    VersionRecord {
        digest: digest.to_string(),
        at: Timestamp::now(),
        by: by.to_owned(),
        size,
        language: manifest.language.map(|language| language.id().to_owned()),
        note: wanted.note.clone(),
        isolation: wanted.isolation,
    }
}

pub(super) fn deployment(
    tenant: &Tenant,
    manifest: Manifest,
    component: Vec<u8>,
    route: Option<String>,
) -> Result<Deployment, Fault> {
    let tenant = tenant.name().parse().map_err(|_| Fault::not_found())?;
    Ok(Deployment { manifest, component, route, tenant })
}
