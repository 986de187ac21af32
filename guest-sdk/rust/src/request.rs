//! What a handler can do with the connection whose event it is handling.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::imports::holdline::websocket::requests as wire;
use crate::error::typed_error;
use crate::time::millis;
use crate::{CloseFrame, ConnectionId, Header, Message, WebSocketHandle, header};

pub use wire::Expiry;

/// One event (open, message or close) of one connection. A handler only ever borrows it, so that it cannot be kept
/// beyond the event; what outlives the event is the handle that [`Request::retain_web_socket`] gives.
///
/// Every method asks the host anew: keep what you use twice.
#[derive(Debug)]
pub struct Request {
    number: wire::Request,
}

/// How to retain. Without any the plugin's configured deadline (60 s unless configured) and [`Expiry::Resume`] apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetainOptions {
    deadline: Option<Duration>,
    on_expiry: Option<Expiry>,
}

typed_error! {
    /// Why a retention was refused. The connection is then as it was before.
    RetainError from wire::RetainError {
        /// This event has retained before, used since then or not.
        AlreadyRetained: "this event has already retained the connection",
        /// The connection is closing, or its peer has gone, or this is its close event, or the host is stopping.
        Closing: "the connection is closing",
        /// The tenant holds as many connections as it may.
        QuotaExceeded: "the tenant holds as many connections as it may",
        /// The message of the expiry is over the message limit, or the reason of its close frame is over 123 bytes.
        TooLarge: "the message or the close reason of the expiry is over its limit",
        /// The close frame of the expiry has a code that an endpoint may not send.
        InvalidCloseCode: "the close code of the expiry is one that an endpoint may not send",
        /// The request is not the one of the event that this instance is handling.
        NotThisEvent: "the request is not the one of this event",
        /// The host failed; its log says how.
        Internal: "the host failed; its log says how",
    }
}

typed_error! {
    /// Why a request could not be answered. Nothing was sent.
    ReplyError from wire::ReplyError {
        /// The event has retained the connection: answer through a [`DelayedWebSocket`](crate::DelayedWebSocket).
        Retained: "the event has retained the connection: answer through a DelayedWebSocket",
        /// The connection is closing or closed.
        Closed: "the connection is closed",
        /// The message or attachment is over its limit, or the close reason over 123 bytes.
        TooLarge: "the message, the attachment or the close reason is over its limit",
        /// The connection's outbox is full: the client reads more slowly than it is sent to.
        Overloaded: "the connection's outbox is full",
        /// The close code is one that an endpoint may not send.
        InvalidCloseCode: "the close code is one that an endpoint may not send",
        /// The request is not the one of the event that this instance is handling.
        NotThisEvent: "the request is not the one of this event",
        /// The host failed; its log says how.
        Internal: "the host failed; its log says how",
    } + Json
}

impl Request {
    /// For the border alone: only the host knows which numbers are good.
    pub(crate) fn new(number: wire::Request) -> Self {
        Self { number }
    }

    /// Holds the connection: when this event returns, its next one waits until the handle is used or its deadline has
    /// passed. Works once per event, in open and message events. After it the request can be read, but not answered.
    ///
    /// The handle is a plain number: send it through a channel, a queue or a database as you like. If the event then
    /// fails, the retention is undone and the connection closed.
    ///
    /// # Errors
    /// [`RetainError`], with the connection as it was before.
    pub fn retain_web_socket(&self) -> Result<WebSocketHandle, RetainError> {
        Ok(wire::retain_web_socket(self.number, None)?)
    }

    /// The same with a deadline of its own, or with something else to do at the deadline.
    ///
    /// # Errors
    /// [`RetainError`], with the connection as it was before.
    pub fn retain_web_socket_with(&self, options: RetainOptions) -> Result<WebSocketHandle, RetainError> {
        Ok(wire::retain_web_socket(self.number, Some(&options.into()))?)
    }

    /// Sends a message to the client, in the order of the calls. Success means that it is in the connection's outbox.
    ///
    /// # Errors
    /// [`Retained`](ReplyError::Retained), [`Closed`](ReplyError::Closed), [`TooLarge`](ReplyError::TooLarge),
    /// [`Overloaded`](ReplyError::Overloaded).
    pub fn send(&self, message: impl Into<Message>) -> Result<(), ReplyError> {
        Ok(wire::send_web_socket(self.number, &message.into())?)
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// Those of [`Request::send`].
    pub fn send_text(&self, text: impl Into<String>) -> Result<(), ReplyError> {
        self.send(Message::Text(text.into()))
    }

    /// Sends a binary message.
    ///
    /// # Errors
    /// Those of [`Request::send`].
    pub fn send_binary(&self, bytes: impl Into<Vec<u8>>) -> Result<(), ReplyError> {
        self.send(Message::Binary(bytes.into()))
    }

    /// Sends the value as a JSON text.
    ///
    /// # Errors
    /// Those of [`Request::send`], and [`Json`](ReplyError::Json).
    pub fn send_json(&self, value: &(impl Serialize + ?Sized)) -> Result<(), ReplyError> {
        self.send(Message::from_json(value)?)
    }

    /// Closes the connection with code 1000 and no reason. The event goes on; messages that waited are discarded; the
    /// close event comes when the client has answered or the close handshake has timed out.
    ///
    /// # Errors
    /// [`Retained`](ReplyError::Retained), [`Closed`](ReplyError::Closed).
    pub fn close(&self) -> Result<(), ReplyError> {
        Ok(wire::close_web_socket(self.number, None)?)
    }

    /// The same with this code (1000, 1001, 1003, 1007 to 1014, or 3000 to 4999) and this reason (at most 123 bytes).
    ///
    /// # Errors
    /// Those of [`Request::close`], [`InvalidCloseCode`](ReplyError::InvalidCloseCode),
    /// [`TooLarge`](ReplyError::TooLarge).
    pub fn close_with(&self, code: u16, reason: impl Into<String>) -> Result<(), ReplyError> {
        let reason = reason.into();
        let frame = CloseFrame { code, reason };
        Ok(wire::close_web_socket(self.number, Some(&frame))?)
    }

    /// The id of the connection: unguessable, unique, and the same in all its events.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        wire::web_socket_id(self.number)
    }

    /// The path that the client asked for, percent-encoded as it was sent, without the query.
    #[must_use]
    pub fn path(&self) -> String {
        wire::path(self.number)
    }

    /// The query that the client asked for, without the question mark, percent-encoded as it was sent; empty if there
    /// was none.
    #[must_use]
    pub fn query(&self) -> String {
        wire::query(self.number)
    }

    /// The headers of the upgrade request, in the order in which they came.
    #[must_use]
    pub fn headers(&self) -> Vec<Header> {
        wire::headers(self.number)
    }

    /// The first header of this name, in any case. Bytes that are not UTF-8 become U+FFFD; [`Request::headers`] has
    /// them as they are.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        header::first(&self.headers(), name)
    }

    /// The subprotocol that was agreed on, if any.
    #[must_use]
    pub fn subprotocol(&self) -> Option<String> {
        wire::subprotocol(self.number)
    }

    /// The client's address and port, as in `192.0.2.7:50123` or `[2001:db8::7]:50123`.
    #[must_use]
    pub fn remote_address(&self) -> String {
        wire::remote_address(self.number)
    }

    /// The connection's attachment: bytes of the plugin's own that live as long as the connection. Empty until it is
    /// set.
    #[must_use]
    pub fn attachment(&self) -> Vec<u8> {
        wire::attachment(self.number)
    }

    /// Reads the attachment as JSON; `None` if it is empty.
    ///
    /// # Errors
    /// The attachment is not JSON, or not of this type; the error says where.
    pub fn attachment_json<T: DeserializeOwned>(&self) -> Result<Option<T>, serde_json::Error> {
        let bytes = self.attachment();
        if bytes.is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(&bytes).map(Some)
    }

    /// Replaces the attachment. It can be set while retained and in a close event.
    ///
    /// # Errors
    /// [`TooLarge`](ReplyError::TooLarge) over the limit (64 KiB unless configured).
    pub fn set_attachment(&self, bytes: impl AsRef<[u8]>) -> Result<(), ReplyError> {
        Ok(wire::set_attachment(self.number, bytes.as_ref())?)
    }

    /// Replaces the attachment with the value as JSON.
    ///
    /// # Errors
    /// Those of [`Request::set_attachment`], and [`Json`](ReplyError::Json).
    pub fn set_attachment_json(&self, value: &(impl Serialize + ?Sized)) -> Result<(), ReplyError> {
        self.set_attachment(serde_json::to_vec(value)?)
    }
}

impl RetainOptions {
    /// No options: what the plugin is configured with applies.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the connection may be held, counted from now. Above the tenant's maximum it is lowered to that maximum;
    /// zero expires as soon as the event returns.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// What happens when nobody has used the handle by the deadline.
    #[must_use]
    pub fn on_expiry(mut self, expiry: Expiry) -> Self {
        self.on_expiry = Some(expiry);
        self
    }
}

impl From<RetainOptions> for wire::RetainOptions {
    fn from(options: RetainOptions) -> Self {
        Self { deadline_ms: options.deadline.map(millis), on_expiry: options.on_expiry }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retain_options_leave_to_the_host_what_was_not_said() {
        let expiry = Expiry::Send("too late".into());
        let options = RetainOptions::new().deadline(Duration::from_secs(5)).on_expiry(expiry.clone());

        let said = wire::RetainOptions::from(options);
        let unsaid = wire::RetainOptions::from(RetainOptions::new());

        assert_eq!(said.deadline_ms, Some(5000));
        assert_eq!(said.on_expiry, Some(expiry));
        assert_eq!((unsaid.deadline_ms, unsaid.on_expiry), (None, None));
    }
}
