//! What was changed over the API before the last start. A plugin that cannot be taken in again is in the log and stays in the ledger:
//! the others serve.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::Api;
use super::deploys::{deployment, manifest};
use super::fault::Fault;
use super::ledger::{PluginRecord, VersionRecord};
use super::limits;
use crate::digest::Digest;
use crate::plugin::Manifest;
use crate::store::StoreError;

pub(super) async fn restore(api: &Arc<Api>) -> Result<(), StoreError> {
    for (name, record) in api.ledger.tenants().await? {
        let limits = limits::read(&record.limits);
        let (Ok(parsed), Ok(limits)) = (name.parse(), limits) else {
            tracing::error!(
                tenant = name,
                "a tenant of the store has limits or a name that this version does not know"
            );
            continue;
        };
        match api.registry.add_tenant(parsed, record.hosts, limits) {
            Ok(tenant) => api.grant(&tenant).await?,
            Err(error) => {
                tracing::warn!(tenant = name, %error, "the configuration declares a tenant that was made over the admin API");
            }
        }
    }
    let places = std::thread::available_parallelism().map_or(1, usize::from);
    let mut plugins = api.ledger.all_plugins().await?.into_iter();
    let mut under_way = JoinSet::new();
    loop {
        while under_way.len() < places
            && let Some(((tenant, plugin), record)) = plugins.next()
        {
            let api = Arc::clone(api);
            under_way.spawn(async move {
                if let Err(error) = plugin_again(&api, &tenant, &plugin, record).await {
                    tracing::error!(tenant, plugin, ?error, "a plugin that was deployed before does not serve");
                }
            });
        }
        match under_way.join_next().await {
            Some(_one_is_done) => {}
            None => break,
        }
    }
    // What a deploy has left that did not come to its end.
    api.ledger.sweep().await
}

async fn plugin_again(api: &Api, tenant: &str, name: &str, record: PluginRecord) -> Result<(), Fault> {
    if api.declared.plugins.contains(&(tenant.to_owned(), name.to_owned())) {
        tracing::warn!(
            tenant,
            plugin = name,
            "the configuration declares a plugin that was deployed over the admin API"
        );
        return Ok(());
    }
    let tenant = api.registry.tenants().get(tenant).ok_or_else(Fault::not_found)?;
    if api.registry.find(tenant.id(), name).is_some() {
        tracing::warn!(
            tenant = tenant.name(),
            plugin = name,
            "a folder has a plugin that was deployed over the admin API"
        );
        return Ok(());
    }
    let serving = record.serving().ok_or_else(Fault::not_found)?;
    let (made, component) = again(api, &record, name, serving).await?;
    let plugin = api.registry.deploy(deployment(&tenant, made, component, record.route.clone())?).await?;
    if let Some(canary) = record.running() {
        let (made, component) = again(api, &record, name, &canary.version).await?;
        api.registry.try_out(&plugin, made, component, canary.rules.clone()).await?;
    }
    Ok(())
}

async fn again(
    api: &Api,
    record: &PluginRecord,
    name: &str,
    version: &VersionRecord,
) -> Result<(Manifest, Vec<u8>), Fault> {
    let digest: Digest = version.digest.parse().map_err(|_| Fault::not_found())?;
    let component = api.ledger.store().component(digest).await?.ok_or_else(Fault::not_found)?;
    Ok((manifest(name, &component, version.isolation, record.swap)?, component.to_vec()))
}
