//! The channels of all tenants, by name.

use std::collections::HashMap;
use std::sync::Arc;

use dashmap::DashMap;

use super::channel::Channel;
use super::error::ChannelError;
use super::settings::{self, ChannelSettings};
use crate::ids::TenantId;
use crate::tenant::{Limit, Tenant};

const MAX_NAME: usize = 255;

/// Which channel a name means, for each tenant.
pub struct Channels {
    settings: ChannelSettings,
    // Each tenant's apart: whoever looks through its channels meets nobody else's.
    channels: DashMap<TenantId, HashMap<String, Arc<Channel>>>,
}

impl Channels {
    pub(super) fn new(settings: ChannelSettings) -> Self {
        Self { settings, channels: DashMap::new() }
    }

    /// Opens the channel of this name, making it if there is none.
    ///
    /// # Errors
    /// `InvalidName`, `TooLarge`, `WrongCapacity`, `QuotaExceeded`; `Closed` if it was closed and is not drained yet.
    pub fn open(&self, tenant: &Arc<Tenant>, name: &str, capacity: u32) -> Result<Arc<Channel>, ChannelError> {
        check_name(name)?;
        if capacity > self.settings.capacity {
            return Err(ChannelError::TooLarge);
        }
        let capacity = usize::try_from(capacity).map_err(|_| ChannelError::TooLarge)?;
        let fresh = || Arc::new(Channel::new(capacity, settings::bytes(self.settings.item_size), Arc::clone(tenant)));
        let mut channels = self.channels.entry(tenant.id()).or_default();
        if let Some(channel) = channels.get_mut(name) {
            return if channel.is_over() {
                *channel = fresh();
                Ok(Arc::clone(channel))
            } else if channel.is_closed() {
                Err(ChannelError::Closed)
            } else if channel.capacity() != capacity {
                Err(ChannelError::WrongCapacity)
            } else {
                Ok(Arc::clone(channel))
            };
        }
        let has_room =
            |channels: &HashMap<_, _>| channels.len() < self.settings.count && tenant.has_room(Limit::Channels, 1);
        if !has_room(&channels) {
            // A name that is used once may never be looked at again.
            channels.retain(|_, channel| !channel.is_over());
            tenant.recount(Limit::Channels, tenant.usage().used(Limit::Channels), channels.len());
        }
        if !has_room(&channels) {
            tenant.refuse(Limit::Channels);
            return Err(ChannelError::QuotaExceeded);
        }
        let channel = fresh();
        channels.insert(name.to_owned(), Arc::clone(&channel));
        tenant.recount(Limit::Channels, 0, 1);
        Ok(channel)
    }

    /// Finds a channel that is open, or closed and not drained yet.
    ///
    /// # Errors
    /// `InvalidName`, `Unknown`.
    pub fn lookup(&self, tenant: TenantId, name: &str) -> Result<Arc<Channel>, ChannelError> {
        check_name(name)?;
        let found = self.channels.get(&tenant).and_then(|channels| channels.get(name).map(Arc::clone));
        found.filter(|channel| !channel.is_over()).ok_or(ChannelError::Unknown)
    }

    /// The channels of a tenant, by name.
    #[must_use]
    pub fn list(&self, tenant: TenantId) -> Vec<(String, Arc<Channel>)> {
        let Some(channels) = self.channels.get(&tenant) else { return Vec::new() };
        let there = channels.iter().filter(|(_, channel)| !channel.is_over());
        let mut list: Vec<_> = there.map(|(name, channel)| (name.clone(), Arc::clone(channel))).collect();
        drop(channels);
        list.sort_by(|one, other| one.0.cmp(&other.0));
        list
    }

    /// Closes and forgets all channels of a tenant that has gone.
    pub fn forget(&self, tenant: &Tenant) {
        if let Some((_, channels)) = self.channels.remove(&tenant.id()) {
            tenant.recount(Limit::Channels, channels.len(), 0);
            for channel in channels.values() {
                channel.close();
            }
        }
    }
}

fn check_name(name: &str) -> Result<(), ChannelError> {
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(ChannelError::InvalidName);
    }
    Ok(())
}
