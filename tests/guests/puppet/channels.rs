//! Commands of channels, by name.

use std::time::Duration;

use holdline_guest::{Channel, ChannelError, Result, select};
use serde_json::{Value, json};

use crate::command::Command;
use crate::stage::{Stage, outcome, text};

impl Stage<'_> {
    /// What came of it; none if it is no command of a channel.
    pub(crate) fn of_channel(&mut self, command: &Command) -> Option<Value> {
        Some(match command {
            Command::Open { channel, capacity } => {
                let opened = Channel::open(channel, *capacity).map(|opened| self.keep(channel, opened));
                outcome(opened)
            }
            Command::Put { channel, item, timeout_ms } => outcome(self.put(channel, item, *timeout_ms)),
            Command::Offer { channel, item } => self.on(channel, |channel| channel.offer_json(item)),
            Command::OfferHandle { channel } => {
                let handle = self.handle;
                self.on(channel, |channel| channel.offer_json(&handle))
            }
            Command::Receive { channel, timeout_ms } => self.on(channel, |channel| match timeout_ms {
                None => channel.receive().map(shown),
                Some(ms) => channel.receive_timeout(Duration::from_millis(*ms)).map(shown),
            }),
            Command::Poll { channel } => self.on(channel, |channel| Ok(channel.poll()?.map(shown))),
            Command::Peek { channel } => self.on(channel, |channel| Ok(channel.peek()?.map(shown))),
            Command::Len { channel } => self.on(channel, |channel| Ok(channel.len())),
            Command::Capacity { channel } => self.on(channel, |channel| Ok(channel.capacity())),
            Command::CloseChannel { channel } => self.on(channel, |channel| {
                channel.close();
                Ok(())
            }),
            Command::Select { channels, timeout_ms } => outcome(self.select(channels, *timeout_ms)),
            _ => return None,
        })
    }

    fn on<T: serde::Serialize>(&mut self, name: &str, act: impl FnOnce(&Channel) -> Result<T, ChannelError>) -> Value {
        outcome(self.channel(name).and_then(act))
    }

    fn put(&mut self, name: &str, item: &Value, timeout_ms: Option<u64>) -> Result<(), ChannelError> {
        match timeout_ms {
            None => self.channel(name)?.send_json(item),
            Some(ms) => self.channel(name)?.send_timeout(item.to_string(), Duration::from_millis(ms)),
        }
    }

    fn select(&mut self, names: &[String], timeout_ms: Option<u64>) -> Result<(usize, Value), ChannelError> {
        for name in names {
            self.channel(name)?;
        }
        let (index, item) = select(&self.all_of(names), timeout_ms.map(Duration::from_millis))?;
        Ok((index, shown(item)))
    }
}

/// Items are JSON here, but whoever closed or ended may have put in something else.
fn shown(item: Vec<u8>) -> Value {
    serde_json::from_slice(&item).unwrap_or_else(|_| json!(text(&item)))
}
