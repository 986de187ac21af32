//! `delayed`: delivering to a held connection from its number alone.

use std::time::Duration;

use wasmtime::component::Resource;

use super::bindings::holdline::websocket::delayed::{DelayedError, Host, HostDelayedWebSocket, SendOptions};
use super::bindings::holdline::websocket::types::{CloseFrame, Message};
use super::error::close_frame;
use super::state::State;
use crate::hub::{Told, Written, unix_time};
use crate::ids::DeliveryId;

/// The number that it was made from. It claims nothing.
#[allow(unreachable_pub, reason = "the generated bindings export it")]
pub struct DelayedWebSocket(u64);

/// The two ends of a receipt, if one was asked for.
fn receipt(options: Option<SendOptions>) -> (Option<Told>, Option<Written>) {
    match options {
        Some(SendOptions { confirm: true }) => {
            let (told, written) = Written::receipt();
            (Some(told), Some(written))
        }
        _ => (None, None),
    }
}

async fn confirmed(written: Option<Written>) -> Result<(), DelayedError> {
    match written {
        Some(written) => Ok(written.wait().await?),
        None => Ok(()),
    }
}

impl Host for State {
    fn cancel(&mut self, delivery: u64) -> wasmtime::Result<Result<u64, DelayedError>> {
        let handle = self.owner.hub.cancel(self.owner.tenant.id(), DeliveryId(delivery));
        Ok(handle.map(|handle| handle.get()).map_err(DelayedError::from))
    }
}

impl State {
    fn handle(&mut self, this: Resource<DelayedWebSocket>) -> wasmtime::Result<u64> {
        Ok(self.table.delete(this)?.0)
    }
}

impl HostDelayedWebSocket for State {
    fn new(&mut self, handle: u64) -> wasmtime::Result<Resource<DelayedWebSocket>> {
        Ok(self.table.push(DelayedWebSocket(handle))?)
    }

    async fn send(
        &mut self,
        this: Resource<DelayedWebSocket>,
        message: Message,
        options: Option<SendOptions>,
    ) -> wasmtime::Result<Result<(), DelayedError>> {
        let handle = self.handle(this)?;
        let (told, written) = receipt(options);
        let sent = self.owner.hub.send(self.owner.tenant.id(), handle, message.into(), told);
        Ok(match sent {
            Ok(()) => self.waiting(confirmed(written)).await,
            Err(error) => Err(error.into()),
        })
    }

    fn close(
        &mut self,
        this: Resource<DelayedWebSocket>,
        frame: Option<CloseFrame>,
    ) -> wasmtime::Result<Result<(), DelayedError>> {
        let handle = self.handle(this)?;
        let owner = &self.owner;
        Ok(close_frame(frame)
            .map_err(DelayedError::from)
            .and_then(|frame| Ok(owner.hub.close(owner.tenant.id(), handle, frame)?)))
    }

    fn release(&mut self, this: Resource<DelayedWebSocket>) -> wasmtime::Result<Result<(), DelayedError>> {
        let handle = self.handle(this)?;
        Ok(self.owner.hub.release(self.owner.tenant.id(), handle).map_err(DelayedError::from))
    }

    fn send_after(
        &mut self,
        this: Resource<DelayedWebSocket>,
        message: Message,
        delay_ms: u64,
    ) -> wasmtime::Result<Result<u64, DelayedError>> {
        let handle = self.handle(this)?;
        let delay = Duration::from_millis(delay_ms);
        let delivery = self.owner.hub.send_after(self.owner.tenant.id(), handle, message.into(), delay);
        Ok(delivery.map(|delivery| delivery.0).map_err(DelayedError::from))
    }

    fn send_at(
        &mut self,
        this: Resource<DelayedWebSocket>,
        message: Message,
        unix_ms: u64,
    ) -> wasmtime::Result<Result<u64, DelayedError>> {
        let handle = self.handle(this)?;
        let delivery = self.owner.hub.send_at(self.owner.tenant.id(), handle, message.into(), unix_time(unix_ms));
        Ok(delivery.map(|delivery| delivery.0).map_err(DelayedError::from))
    }

    async fn push(
        &mut self,
        this: Resource<DelayedWebSocket>,
        message: Message,
        options: Option<SendOptions>,
    ) -> wasmtime::Result<Result<(), DelayedError>> {
        let handle = self.table.get(&this)?.0;
        let (told, written) = receipt(options);
        let pushed = self.owner.hub.push(self.owner.tenant.id(), handle, message.into(), told);
        Ok(match pushed {
            Ok(()) => self.waiting(confirmed(written)).await,
            Err(error) => Err(error.into()),
        })
    }

    fn extend(
        &mut self,
        this: Resource<DelayedWebSocket>,
        deadline_ms: u64,
    ) -> wasmtime::Result<Result<(), DelayedError>> {
        let handle = self.table.get(&this)?.0;
        let deadline = Duration::from_millis(deadline_ms);
        Ok(self.owner.hub.extend(self.owner.tenant.id(), handle, deadline).map_err(DelayedError::from))
    }

    fn drop(&mut self, this: Resource<DelayedWebSocket>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
