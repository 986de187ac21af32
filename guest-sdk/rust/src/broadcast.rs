//! Sending one message to many connections of the tenant, held ones included.
//!
//! Both functions return how many connections took the message into their outbox. Those whose outbox is full or that
//! are closing do not take it.

use crate::Message;
use crate::bindings::imports::holdline::websocket::broadcast as wire;
use crate::error::typed_error;

typed_error! {
    /// Why nothing was sent to anybody.
    BroadcastError from wire::BroadcastError {
        /// The message is over the message limit.
        TooLarge: "the message is over the message limit",
        /// The host failed; its log says how.
        Internal: "the host failed; its log says how",
    }
}

/// Sends to all connections whose path is this one or lies below it: `/chat` is `/chat` and `/chat/blue`, and not
/// `/chatter`.
///
/// # Errors
/// [`BroadcastError::TooLarge`]: nobody got it. Reaching no connection is no error, but 0.
pub fn to_path(path: &str, message: impl Into<Message>) -> Result<u32, BroadcastError> {
    let audience = wire::Audience::Path(path.to_owned());
    Ok(wire::send(&audience, &message.into())?)
}

/// Sends to these connections. Ids that are not connected are passed over; an id given twice gets it once.
///
/// # Errors
/// [`BroadcastError::TooLarge`]: nobody got it. Reaching no connection is no error, but 0.
pub fn to_connections(ids: &[impl AsRef<str>], message: impl Into<Message>) -> Result<u32, BroadcastError> {
    let ids = ids.iter().map(|id| id.as_ref().to_owned()).collect();
    let audience = wire::Audience::Connections(ids);
    Ok(wire::send(&audience, &message.into())?)
}
