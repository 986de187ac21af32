//! Delivering to a connection that is held, from anywhere, given only the number.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::bindings::imports::holdline::websocket::delayed as wire;
use crate::error::typed_error;
use crate::time::{millis, unix_millis};
use crate::{CloseFrame, Message, WebSocketHandle};

/// Names a delivery that [`DelayedWebSocket::send_after`] or [`DelayedWebSocket::send_at`] has set and that is pending.
pub type DeliveryId = u64;

/// A held connection, made from the handle alone, in any instance of any plugin of the same tenant.
///
/// The methods that take it by value end the retention, and exactly one such operation on a handle ever succeeds,
/// whoever races; every other one is [`DelayedError::InvalidHandle`]. After an error that leaves the retention as it
/// was, such as [`DelayedError::Overloaded`], make a new one from the same number. Dropping it does nothing: the
/// connection stays held until its deadline.
#[derive(Debug)]
pub struct DelayedWebSocket {
    socket: wire::DelayedWebSocket,
}

typed_error! {
    /// Why a delivery was refused. The retention is left as it was.
    DelayedError from wire::DelayedError {
        /// The handle was never given out, was used, has expired, or belongs to another tenant: one error for all of
        /// them.
        InvalidHandle: "the handle is not valid (any more)",
        /// The peer has gone or the connection is closing.
        Closed: "the connection is closed",
        /// The message is over the message limit, or the close reason over 123 bytes.
        TooLarge: "the message or the close reason is over its limit",
        /// The connection's outbox is full. The handle is still valid: try again later.
        Overloaded: "the connection's outbox is full",
        /// The close code is one that an endpoint may not send.
        InvalidCloseCode: "the close code is one that an endpoint may not send",
        /// The delay is longer than the tenant's longest (400 days unless configured).
        InvalidDelay: "the delay is longer than the tenant's longest",
        /// The delivery was never set, was made or was cancelled, or belongs to another tenant.
        UnknownTimer: "there is no such delivery pending",
        /// The tenant has as many timers as it may.
        QuotaExceeded: "the tenant has as many timers as it may",
        /// The host failed; its log says how.
        Internal: "the host failed; its log says how",
    } + Json
}

impl DelayedWebSocket {
    /// Claims nothing and never fails: whether the handle is good is seen when it is used. Two may exist for one
    /// handle.
    #[must_use]
    pub fn new(handle: WebSocketHandle) -> Self {
        Self { socket: wire::DelayedWebSocket::new(handle) }
    }

    /// Sends the message and ends the retention: the connection goes on with the messages that waited. Success means
    /// that the message is in the connection's outbox.
    ///
    /// # Errors
    /// [`InvalidHandle`](DelayedError::InvalidHandle), [`Closed`](DelayedError::Closed),
    /// [`TooLarge`](DelayedError::TooLarge), [`Overloaded`](DelayedError::Overloaded).
    pub fn send(self, message: impl Into<Message>) -> Result<(), DelayedError> {
        Ok(wire::DelayedWebSocket::send(self.socket, &message.into(), None)?)
    }

    /// Sends the value as a JSON text and ends the retention.
    ///
    /// # Errors
    /// Those of [`DelayedWebSocket::send`], and [`Json`](DelayedError::Json), after which the connection is still held.
    pub fn send_json(self, value: &(impl Serialize + ?Sized)) -> Result<(), DelayedError> {
        self.send(Message::from_json(value)?)
    }

    /// Sends the message, ends the retention, and returns when the message has been written to the socket.
    ///
    /// # Errors
    /// Those of [`DelayedWebSocket::send`]; [`Closed`](DelayedError::Closed) also if the connection is lost before the
    /// message is written.
    pub fn send_confirmed(self, message: impl Into<Message>) -> Result<(), DelayedError> {
        let message = message.into();
        Ok(wire::DelayedWebSocket::send(self.socket, &message, Some(CONFIRM))?)
    }

    /// Closes the connection with code 1000 and no reason. Messages that waited are discarded.
    ///
    /// # Errors
    /// [`InvalidHandle`](DelayedError::InvalidHandle), [`Closed`](DelayedError::Closed).
    pub fn close(self) -> Result<(), DelayedError> {
        Ok(wire::DelayedWebSocket::close(self.socket, None)?)
    }

    /// Closes the connection with this code (1000, 1001, 1003, 1007 to 1014, or 3000 to 4999) and this reason (at most
    /// 123 bytes). Messages that waited are discarded.
    ///
    /// # Errors
    /// Those of [`DelayedWebSocket::close`], [`InvalidCloseCode`](DelayedError::InvalidCloseCode),
    /// [`TooLarge`](DelayedError::TooLarge).
    pub fn close_with(self, code: u16, reason: impl Into<String>) -> Result<(), DelayedError> {
        let reason = reason.into();
        let frame = CloseFrame { code, reason };
        Ok(wire::DelayedWebSocket::close(self.socket, Some(&frame))?)
    }

    /// Ends the retention and sends nothing: the connection goes on with the messages that waited.
    ///
    /// # Errors
    /// [`InvalidHandle`](DelayedError::InvalidHandle), [`Closed`](DelayedError::Closed).
    pub fn release(self) -> Result<(), DelayedError> {
        Ok(wire::DelayedWebSocket::release(self.socket)?)
    }

    /// Lets a timer of the host send the message after this delay and end the retention then. Nothing of the plugin
    /// runs when it fires, and the retention's deadline does not count meanwhile. Without delay it is sent at once.
    ///
    /// # Errors
    /// Those of [`DelayedWebSocket::send`], [`InvalidDelay`](DelayedError::InvalidDelay),
    /// [`QuotaExceeded`](DelayedError::QuotaExceeded).
    pub fn send_after(self, message: impl Into<Message>, delay: Duration) -> Result<DeliveryId, DelayedError> {
        let message = message.into();
        Ok(wire::DelayedWebSocket::send_after(self.socket, &message, millis(delay))?)
    }

    /// The same at a given time. A time that has passed sends at once.
    ///
    /// # Errors
    /// Those of [`DelayedWebSocket::send_after`].
    pub fn send_at(self, message: impl Into<Message>, time: SystemTime) -> Result<DeliveryId, DelayedError> {
        let message = message.into();
        Ok(wire::DelayedWebSocket::send_at(self.socket, &message, unix_millis(time))?)
    }

    /// Sends the message and goes on holding: for replies that stream.
    ///
    /// # Errors
    /// Those of [`DelayedWebSocket::send`].
    pub fn push(&self, message: impl Into<Message>) -> Result<(), DelayedError> {
        Ok(self.socket.push(&message.into(), None)?)
    }

    /// Sends the value as a JSON text and goes on holding.
    ///
    /// # Errors
    /// Those of [`DelayedWebSocket::send_json`].
    pub fn push_json(&self, value: &(impl Serialize + ?Sized)) -> Result<(), DelayedError> {
        self.push(Message::from_json(value)?)
    }

    /// Sends the message, goes on holding, and returns when the message has been written to the socket: a stream that
    /// does so is never ahead of its client.
    ///
    /// # Errors
    /// Those of [`DelayedWebSocket::send_confirmed`].
    pub fn push_confirmed(&self, message: impl Into<Message>) -> Result<(), DelayedError> {
        Ok(self.socket.push(&message.into(), Some(CONFIRM))?)
    }

    /// Sets the deadline anew, counted from now; above the tenant's maximum it is lowered to that maximum.
    ///
    /// # Errors
    /// [`InvalidHandle`](DelayedError::InvalidHandle), [`Closed`](DelayedError::Closed).
    pub fn extend(&self, deadline: Duration) -> Result<(), DelayedError> {
        Ok(self.socket.extend(millis(deadline))?)
    }

    /// Takes a delivery back that has not been made. Gives the handle back, still held, its deadline moved by the time
    /// that the timer had it.
    ///
    /// # Errors
    /// [`UnknownTimer`](DelayedError::UnknownTimer), [`Closed`](DelayedError::Closed) if the peer has gone meanwhile.
    pub fn cancel(delivery: DeliveryId) -> Result<WebSocketHandle, DelayedError> {
        Ok(wire::cancel(delivery)?)
    }
}

const CONFIRM: wire::SendOptions = wire::SendOptions { confirm: true };
