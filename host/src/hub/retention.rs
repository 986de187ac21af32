//! Retaining a connection: how a retention begins, expires and is undone. It lives behind its connection's own lock, and whoever
//! takes it from there has ended it: so of all who race exactly one succeeds.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::Hub;
use super::connection::{Connection, NextStep, State};
use super::error::{DelayedError, RetainError};
use super::handles::Entry;
use super::held::{Due, Expiry, RetainOptions, Retention};
use crate::ids::{TenantId, WebSocketHandle};
use crate::message::CloseFrame;
use crate::tenant::Counter;

impl Hub {
    /// Holds a connection from the end of its event under way on.
    ///
    /// # Errors
    /// `AlreadyRetained`, `Closing`, `QuotaExceeded`, `TooLarge`.
    pub fn retain(&self, connection: &Arc<Connection>, options: RetainOptions) -> Result<WebSocketHandle, RetainError> {
        if let Expiry::Send(message) = &options.expiry
            && message.len() > connection.message_size()
        {
            return Err(RetainError::TooLarge);
        }
        let mut state = connection.lock();
        if state.has_retained() {
            return Err(RetainError::AlreadyRetained);
        }
        if !state.may_retain() || self.draining.load(Ordering::Acquire) {
            return Err(RetainError::Closing);
        }
        let handle = self.handles.mint().ok_or(RetainError::QuotaExceeded)?;
        if !self.handles.reserve(self.settings.held_connections, connection.owner()) {
            return Err(RetainError::QuotaExceeded);
        }
        let since = Instant::now();
        let deadline = since + self.lowered(options.deadline.unwrap_or(self.settings.retain_deadline));
        state.retain(Retention { handle, since, deadline, expiry: options.expiry, delivery: None });
        // Still under the lock: when the connection ends, it has to find the handle in the table.
        self.handles.insert(handle, Arc::clone(connection));
        Ok(handle)
    }

    /// The event under way has returned; its handler has failed or not. After a failure the retention is undone and the
    /// connection is closed with 1011. Says what its task may do next.
    pub fn finish_event(&self, connection: &Connection, outcome: Result<(), ()>) -> NextStep {
        let mut state = connection.lock();
        state.finish_event();
        if outcome.is_ok() {
            return state.next_step();
        }
        state.close(CloseFrame::PLUGIN_FAILED);
        // One of an earlier event may still be there when the peer has gone. That event had returned well.
        let undone = if state.has_retained() { state.retention.take() } else { None };
        drop(state);
        if let Some(retention) = undone {
            self.forget(&retention);
        }
        NextStep::Close
    }

    /// Ends the retention of a connection if its deadline has passed, as its policy says. For the connection's own task.
    pub fn expire(&self, connection: &Connection) {
        let now = Instant::now();
        let (retention, is_planned) = {
            let mut state = connection.lock();
            let due = state.may_expire() && state.retention.as_ref().is_some_and(|held| held.deadline <= now);
            let Some(mut retention) = (if due { state.retention.take() } else { None }) else { return };
            // Who gave a message for this case has reckoned with it.
            let is_planned = matches!(retention.expiry, Expiry::Send(_));
            match std::mem::take(&mut retention.expiry) {
                Expiry::Resume => {}
                Expiry::Close(frame) => state.close(frame),
                Expiry::Send(message) => state.outbox.push_unbounded(message, None),
            }
            (retention, is_planned)
        };
        self.handles.remove(retention.handle);
        self.expired.fetch_add(1, Ordering::Relaxed);
        connection.owner().usage().count(Counter::Expired, 1);
        let age = retention.age(now);
        let (plugin, connection) = (connection.plugin(), connection.id());
        if is_planned {
            tracing::info!(plugin, %connection, ?age, "a retention expired, and its message was sent");
        } else {
            tracing::warn!(plugin, %connection, ?age, "a retention expired");
        }
    }

    /// The connection has ended: a handle that is out says `closed` until its deadline, and a delivery to it is dropped.
    pub(super) fn bury(&self, connection: &Connection) {
        let mut state = connection.lock();
        let Some(retention) = state.retention.take() else { return };
        if retention.delivery.is_some() || retention.deadline <= Instant::now() {
            self.forget(&retention);
        } else if self.handles.bury(retention.handle, connection.tenant()) {
            self.due.insert(retention.deadline, |_| Due::Forget(retention.handle));
        }
    }

    /// Finds the retention of a handle that nobody has used, and acts on it under its connection's lock.
    pub(super) fn with_retention<T>(
        &self,
        tenant: TenantId,
        handle: u64,
        act: impl FnOnce(&Arc<Connection>, &mut State) -> Result<T, DelayedError>,
    ) -> Result<T, DelayedError> {
        let handle = WebSocketHandle::new(handle).ok_or(DelayedError::InvalidHandle)?;
        let connection = match self.handles.get(handle) {
            Some(Entry::Live(connection)) if connection.tenant() == tenant => connection,
            Some(Entry::Closed(owner)) if owner == tenant => return Err(DelayedError::Closed),
            _ => return Err(DelayedError::InvalidHandle),
        };
        let mut state = connection.lock();
        match &state.retention {
            Some(held) if held.handle == handle && held.delivery.is_none() => {
                if state.is_open() {
                    act(&connection, &mut state)
                } else if held.deadline > Instant::now() {
                    Err(DelayedError::Closed)
                } else {
                    Err(DelayedError::InvalidHandle)
                }
            }
            // It was used, or its connection ended since the look into the table.
            _ => Err(match self.handles.get(handle) {
                Some(Entry::Closed(_)) => DelayedError::Closed,
                _ => DelayedError::InvalidHandle,
            }),
        }
    }

    fn forget(&self, retention: &Retention) {
        self.handles.remove(retention.handle);
        if let Some((delivery, _)) = retention.delivery {
            self.due.remove_if(delivery.0, |_| true);
        }
    }

    pub(super) fn lowered(&self, deadline: Duration) -> Duration {
        deadline.min(self.settings.retain_maximum)
    }
}
