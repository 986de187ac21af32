//! Echoes through the host's schedule: the handler holds the connection and has the message delivered after no time at all.

use std::time::Duration;

use holdline_guest::{DelayedWebSocket, Handler, Message, Request, Result};

struct AtOnce;

impl Handler for AtOnce {
    fn message(request: &Request, message: Message) -> Result<()> {
        let handle = request.retain_web_socket()?;
        DelayedWebSocket::new(handle).send_after(message, Duration::ZERO)?;
        Ok(())
    }
}

holdline_guest::export!(AtOnce: Handler);
