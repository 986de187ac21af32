//! Delivering to a held connection from its handle alone: at once, or by a timer that takes the handle over.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Hub;
use super::connection::{Connection, State};
use super::error::DelayedError;
use super::handles::Entry;
use super::held::Due;
use super::outbox::Overloaded;
use crate::ids::{DeliveryId, TenantId, WebSocketHandle};
use crate::message::{CloseFrame, Message};
use crate::tenant::Limit;

/// Is told when a message has been written to the socket.
pub type Told = oneshot::Sender<()>;

/// Resolves when a message has been written to the socket.
pub struct Written(oneshot::Receiver<()>);

impl Written {
    /// The two ends of a receipt: the first goes with the message.
    #[must_use]
    pub fn receipt() -> (Told, Self) {
        let (told, written) = oneshot::channel();
        (told, Self(written))
    }

    /// Waits for it.
    ///
    /// # Errors
    /// `Closed` if the connection was lost before.
    pub async fn wait(self) -> Result<(), DelayedError> {
        self.0.await.map_err(|_| DelayedError::Closed)
    }
}

impl Hub {
    /// Sends a message and ends the retention. Success means that the message is in the outbox; `told` hears when it is written.
    ///
    /// # Errors
    /// `InvalidHandle`, `Closed`, `TooLarge`, `Overloaded`.
    pub fn send(
        &self,
        tenant: TenantId,
        handle: u64,
        message: Message,
        told: Option<Told>,
    ) -> Result<(), DelayedError> {
        self.end_retention(tenant, handle, |connection, state| push(connection, state, message, told))
    }

    /// Closes the connection and ends the retention.
    ///
    /// # Errors
    /// `InvalidHandle`, `Closed`.
    pub fn close(&self, tenant: TenantId, handle: u64, frame: CloseFrame) -> Result<(), DelayedError> {
        self.end_retention(tenant, handle, |_, state| {
            state.close(frame);
            Ok(())
        })
    }

    /// Ends the retention and sends nothing.
    ///
    /// # Errors
    /// `InvalidHandle`, `Closed`.
    pub fn release(&self, tenant: TenantId, handle: u64) -> Result<(), DelayedError> {
        self.end_retention(tenant, handle, |_, _| Ok(()))
    }

    /// Sends a message and goes on holding.
    ///
    /// # Errors
    /// `InvalidHandle`, `Closed`, `TooLarge`, `Overloaded`.
    pub fn push(
        &self,
        tenant: TenantId,
        handle: u64,
        message: Message,
        told: Option<Told>,
    ) -> Result<(), DelayedError> {
        let connection = self.with_retention(tenant, handle, |connection, state| {
            push(connection, state, message, told)?;
            Ok(Arc::clone(connection))
        })?;
        connection.wake();
        Ok(())
    }

    /// Sets the deadline anew, from now on.
    ///
    /// # Errors
    /// `InvalidHandle`, `Closed`.
    pub fn extend(&self, tenant: TenantId, handle: u64, deadline: Duration) -> Result<(), DelayedError> {
        let deadline = Instant::now() + self.lowered(deadline);
        let connection = self.with_retention(tenant, handle, |connection, state| {
            if let Some(retention) = &mut state.retention {
                retention.deadline = deadline;
            }
            Ok(Arc::clone(connection))
        })?;
        connection.wake();
        Ok(())
    }

    /// Lets a timer send the message and end the retention.
    ///
    /// # Errors
    /// `InvalidHandle`, `Closed`, `TooLarge`, `InvalidDelay`, `QuotaExceeded`; with no delay also `Overloaded`.
    pub fn send_after(
        &self,
        tenant: TenantId,
        handle: u64,
        message: Message,
        delay: Duration,
    ) -> Result<DeliveryId, DelayedError> {
        if delay > self.settings.longest_delay {
            return Err(DelayedError::InvalidDelay);
        }
        if delay.is_zero() {
            self.send(tenant, handle, message, None)?;
            return Ok(DeliveryId(self.due.number()));
        }
        let now = Instant::now();
        self.with_retention(tenant, handle, |connection, state| {
            if message.len() > connection.message_size() {
                return Err(DelayedError::TooLarge);
            }
            if self.due.len() >= self.settings.timers {
                return Err(DelayedError::QuotaExceeded);
            }
            let lease = connection.owner().lease(Limit::Timers).ok_or(DelayedError::QuotaExceeded)?;
            let retention = state.retention.as_mut().ok_or(DelayedError::InvalidHandle)?;
            let handle = retention.handle;
            let number = self.due.insert(now + delay, |_| Due::Deliver { handle, message, lease });
            retention.delivery = Some((DeliveryId(number), now));
            Ok(DeliveryId(number))
        })
    }

    /// The same at a time of day.
    ///
    /// # Errors
    /// Those of [`Hub::send_after`].
    pub fn send_at(
        &self,
        tenant: TenantId,
        handle: u64,
        message: Message,
        at: SystemTime,
    ) -> Result<DeliveryId, DelayedError> {
        let delay = at.duration_since(SystemTime::now()).unwrap_or_default();
        self.send_after(tenant, handle, message, delay)
    }

    /// Takes back a delivery that was not made. The handle is valid again.
    ///
    /// # Errors
    /// `UnknownTimer`.
    pub fn cancel(&self, tenant: TenantId, delivery: DeliveryId) -> Result<WebSocketHandle, DelayedError> {
        let mine = |due: &Due| matches!(due, Due::Deliver { lease, .. } if lease.tenant().id() == tenant);
        let Some(Due::Deliver { handle, .. }) = self.due.remove_if(delivery.0, mine) else {
            return Err(DelayedError::UnknownTimer);
        };
        let Some(Entry::Live(connection)) = self.handles.get(handle) else {
            return Err(DelayedError::UnknownTimer);
        };
        {
            let mut state = connection.lock();
            let open = state.is_open();
            let retention = state.retention.as_mut().ok_or(DelayedError::UnknownTimer)?;
            let Some((_, since)) = retention.delivery.take() else { return Err(DelayedError::UnknownTimer) };
            retention.deadline += since.elapsed();
            if !open {
                return Err(DelayedError::UnknownTimer);
            }
        }
        connection.wake();
        Ok(handle)
    }

    pub(super) async fn run_deliveries(&self) {
        loop {
            let (number, due) = self.due.next(|_, _| None).await;
            match due {
                Due::Deliver { handle, message, .. } => self.deliver(DeliveryId(number), handle, message),
                Due::Forget(handle) => self.handles.remove(handle),
            }
        }
    }

    fn deliver(&self, delivery: DeliveryId, handle: WebSocketHandle, message: Message) {
        let Some(Entry::Live(connection)) = self.handles.get(handle) else { return };
        {
            let mut state = connection.lock();
            let mine = state
                .retention
                .as_ref()
                .is_some_and(|held| held.handle == handle && held.delivery.is_some_and(|(id, _)| id == delivery));
            if !mine {
                return;
            }
            // It is over for the handle even if the message comes too late for the connection.
            if state.is_open() {
                state.outbox.push_unbounded(message, None);
                state.outbox.settle();
            }
            state.retention = None;
        }
        self.handles.remove(handle);
        connection.wake();
    }

    fn end_retention(
        &self,
        tenant: TenantId,
        handle: u64,
        act: impl FnOnce(&Connection, &mut State) -> Result<(), DelayedError>,
    ) -> Result<(), DelayedError> {
        let (connection, retention) = self.with_retention(tenant, handle, |connection, state| {
            act(connection, state)?;
            Ok((Arc::clone(connection), state.retention.take()))
        })?;
        if let Some(retention) = retention {
            self.handles.remove(retention.handle);
        }
        connection.wake();
        Ok(())
    }
}

fn push(connection: &Connection, state: &mut State, message: Message, told: Option<Told>) -> Result<(), DelayedError> {
    if message.len() > connection.message_size() {
        return Err(DelayedError::TooLarge);
    }
    state.outbox.push(message, told).map_err(|Overloaded| DelayedError::Overloaded)?;
    state.outbox.settle();
    Ok(())
}
