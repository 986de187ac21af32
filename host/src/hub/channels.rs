//! The channels of all tenants, by name.

use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use super::channel::Channel;
use super::error::ChannelError;
use super::settings::{self, ChannelSettings};
use crate::ids::TenantId;

const MAX_NAME: usize = 255;

/// Which channel a name means, for each tenant.
pub struct Channels {
    settings: ChannelSettings,
    channels: DashMap<(TenantId, String), Arc<Channel>>,
    // How many channels each tenant has. Apart from the names, so that the limit is counted without looking at all of them.
    counts: DashMap<TenantId, usize>,
}

impl Channels {
    pub(super) fn new(settings: ChannelSettings) -> Self {
        Self { settings, channels: DashMap::new(), counts: DashMap::new() }
    }

    /// Opens the channel of this name, making it if there is none.
    ///
    /// # Errors
    /// `InvalidName`, `TooLarge`, `WrongCapacity`, `QuotaExceeded`; `Closed` if it was closed and is not drained yet.
    pub fn open(&self, tenant: TenantId, name: &str, capacity: u32) -> Result<Arc<Channel>, ChannelError> {
        check_name(name)?;
        if capacity > self.settings.capacity {
            return Err(ChannelError::TooLarge);
        }
        let capacity = usize::try_from(capacity).map_err(|_| ChannelError::TooLarge)?;
        match self.find_or_make(tenant, name, capacity) {
            Err(ChannelError::QuotaExceeded) if self.clear_away(tenant) > 0 => {
                self.find_or_make(tenant, name, capacity)
            }
            outcome => outcome,
        }
    }

    fn find_or_make(&self, tenant: TenantId, name: &str, capacity: usize) -> Result<Arc<Channel>, ChannelError> {
        let fresh = || Arc::new(Channel::new(capacity, settings::bytes(self.settings.item_size)));
        match self.channels.entry((tenant, name.to_owned())) {
            Entry::Occupied(mut entry) => {
                let channel = entry.get();
                if channel.is_over() {
                    let channel = fresh();
                    entry.insert(Arc::clone(&channel));
                    Ok(channel)
                } else if channel.is_closed() {
                    Err(ChannelError::Closed)
                } else if channel.capacity() != capacity {
                    Err(ChannelError::WrongCapacity)
                } else {
                    Ok(Arc::clone(channel))
                }
            }
            Entry::Vacant(entry) => {
                let mut count = self.counts.entry(tenant).or_default();
                if *count >= self.settings.count {
                    return Err(ChannelError::QuotaExceeded);
                }
                *count += 1;
                let channel = fresh();
                entry.insert(Arc::clone(&channel));
                Ok(channel)
            }
        }
    }

    /// Finds a channel that is open, or closed and not drained yet.
    ///
    /// # Errors
    /// `InvalidName`, `Unknown`.
    pub fn lookup(&self, tenant: TenantId, name: &str) -> Result<Arc<Channel>, ChannelError> {
        check_name(name)?;
        let key = (tenant, name.to_owned());
        let found = self.channels.get(&key).map(|channel| Arc::clone(channel.value())).ok_or(ChannelError::Unknown)?;
        if !found.is_over() {
            return Ok(found);
        }
        // Whoever stumbles over a channel that is over clears it away.
        if self.channels.remove_if(&key, |_, channel| Arc::ptr_eq(channel, &found)).is_some() {
            self.fewer(tenant, 1);
        }
        Err(ChannelError::Unknown)
    }

    /// Clears away what is over of a tenant that is at its limit, and says how many: a name that is used once may never be looked
    /// at again.
    fn clear_away(&self, tenant: TenantId) -> usize {
        let mut cleared = 0;
        self.channels.retain(|(owner, _), channel| {
            let over = *owner == tenant && channel.is_over();
            cleared += usize::from(over);
            !over
        });
        self.fewer(tenant, cleared);
        cleared
    }

    fn fewer(&self, tenant: TenantId, cleared: usize) {
        if let Some(mut count) = self.counts.get_mut(&tenant) {
            *count = count.saturating_sub(cleared);
        }
    }
}

fn check_name(name: &str) -> Result<(), ChannelError> {
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(ChannelError::InvalidName);
    }
    Ok(())
}
