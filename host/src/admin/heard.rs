//! What nobody asked for over the API is entered into the ledger, too: canaries that were taken back by themselves, and what folders that
//! are watched have changed.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Api;
use super::deploys::Kept;
use super::ledger::{Entry, PluginRecord};
use crate::plugin::{Change, Followed, TakenBack};

/// Canaries that were taken back by themselves.
pub(super) async fn canaries(api: Arc<Api>, mut taken_back: mpsc::Receiver<TakenBack>) {
    while let Some(told) = taken_back.recv().await {
        let _turn = api.turns.of(&told.tenant, &told.plugin).await;
        let entry = Entry::of_the_host("canary.taken-back").tenant(&told.tenant);
        let entered = match api.ledger.plugin(&told.tenant, &told.plugin).await {
            Ok(Some(mut record)) => api.canary_ended(entry, &mut record, &told.tenant, (&told, Kept::Yes)).await,
            Ok(None) => api.canary_ended(entry, &mut PluginRecord::default(), &told.tenant, (&told, Kept::No)).await,
            Err(error) => Err(error.into()),
        };
        if let Err(fault) = entered {
            tracing::error!(plugin = told.plugin, ?fault, "the end of a canary was not entered");
        }
    }
}

/// What folders have changed.
pub(super) async fn folders(api: Arc<Api>, mut followed: mpsc::Receiver<Followed>) {
    while let Some(Followed { tenant, plugin, file, change }) = followed.recv().await {
        let entry = match change {
            Change::Deployed { digest, previous } => {
                let entry = Entry::of_a_folder("plugin.deployed").detail("digest", digest.to_string());
                match previous {
                    Some(previous) => entry.detail("previous", previous.to_string()),
                    None => entry,
                }
            }
            Change::Removed => Entry::of_a_folder("plugin.deleted"),
        };
        let entry = entry.tenant(&tenant).subject(plugin.as_str()).detail("file", file);
        if let Err(error) = api.ledger.note(&entry).await {
            tracing::error!(tenant, plugin, %error, "what a folder has changed was not entered");
        }
    }
}
