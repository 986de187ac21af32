//! `channels`: named queues between the plugins of a tenant.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::Resource;

use super::bindings::holdline::websocket::channels::{ChannelError, Host, HostChannel};
use super::state::State;
use crate::hub;

/// A channel that a guest has at hand.
#[allow(unreachable_pub, reason = "the generated bindings export it")]
pub struct Channel(Arc<hub::Channel>);

impl State {
    fn channel(&self, channel: &Resource<Channel>) -> wasmtime::Result<Arc<hub::Channel>> {
        Ok(Arc::clone(&self.table.get(channel)?.0))
    }

    fn at_hand(
        &mut self,
        found: Result<Arc<hub::Channel>, hub::ChannelError>,
    ) -> wasmtime::Result<Result<Resource<Channel>, ChannelError>> {
        Ok(match found {
            Ok(channel) => Ok(self.table.push(Channel(channel))?),
            Err(error) => Err(error.into()),
        })
    }
}

fn limit(timeout_ms: Option<u64>) -> Option<Duration> {
    timeout_ms.map(Duration::from_millis)
}

impl Host for State {
    async fn select(
        &mut self,
        channels: Vec<Resource<Channel>>,
        timeout_ms: Option<u64>,
    ) -> wasmtime::Result<Result<(u32, Vec<u8>), ChannelError>> {
        if channels.is_empty() {
            return Ok(Err(ChannelError::NoChannels));
        }
        let channels = channels.iter().map(|channel| self.channel(channel)).collect::<wasmtime::Result<Vec<_>>>()?;
        let limit = limit(timeout_ms);
        let (index, item) = match self.receiving(limit, hub::select(&channels, limit)).await? {
            Ok(received) => received,
            Err(error) => return Ok(Err(error.into())),
        };
        Ok(Ok((u32::try_from(index)?, item.into())))
    }
}

impl HostChannel for State {
    fn open(&mut self, name: String, capacity: u32) -> wasmtime::Result<Result<Resource<Channel>, ChannelError>> {
        let found = self.owner.hub.channels().open(&self.owner.tenant, &name, capacity);
        self.at_hand(found)
    }

    fn lookup(&mut self, name: String) -> wasmtime::Result<Result<Resource<Channel>, ChannelError>> {
        let found = self.owner.hub.channels().lookup(self.owner.tenant.id(), &name);
        self.at_hand(found)
    }

    async fn send(
        &mut self,
        this: Resource<Channel>,
        item: Vec<u8>,
        timeout_ms: Option<u64>,
    ) -> wasmtime::Result<Result<(), ChannelError>> {
        let channel = self.channel(&this)?;
        let sent = self.waiting(channel.send(item.into(), limit(timeout_ms))).await;
        Ok(sent.map_err(ChannelError::from))
    }

    fn offer(&mut self, this: Resource<Channel>, item: Vec<u8>) -> wasmtime::Result<Result<(), ChannelError>> {
        Ok(self.table.get(&this)?.0.offer(item.into()).map_err(ChannelError::from))
    }

    async fn receive(
        &mut self,
        this: Resource<Channel>,
        timeout_ms: Option<u64>,
    ) -> wasmtime::Result<Result<Vec<u8>, ChannelError>> {
        let channel = self.channel(&this)?;
        let limit = limit(timeout_ms);
        let received = self.receiving(limit, channel.receive(limit)).await?;
        Ok(received.map(Vec::from).map_err(ChannelError::from))
    }

    fn poll(&mut self, this: Resource<Channel>) -> wasmtime::Result<Result<Option<Vec<u8>>, ChannelError>> {
        let item = self.table.get(&this)?.0.poll();
        Ok(item.map(|item| item.map(Vec::from)).map_err(ChannelError::from))
    }

    fn peek(&mut self, this: Resource<Channel>) -> wasmtime::Result<Result<Option<Vec<u8>>, ChannelError>> {
        let item = self.table.get(&this)?.0.peek();
        Ok(item.map(|item| item.map(Vec::from)).map_err(ChannelError::from))
    }

    fn len(&mut self, this: Resource<Channel>) -> wasmtime::Result<u32> {
        Ok(u32::try_from(self.table.get(&this)?.0.len())?)
    }

    fn capacity(&mut self, this: Resource<Channel>) -> wasmtime::Result<u32> {
        Ok(u32::try_from(self.table.get(&this)?.0.capacity())?)
    }

    fn close(&mut self, this: Resource<Channel>) -> wasmtime::Result<()> {
        self.table.get(&this)?.0.close();
        Ok(())
    }

    fn drop(&mut self, this: Resource<Channel>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
