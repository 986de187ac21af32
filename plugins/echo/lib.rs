//! Sends each message back as it came, text as text and binary as binary. The smallest plugin there is.

use holdline_guest::{Handler, Message, Request, Result};

struct Echo;

impl Handler for Echo {
    fn message(request: &Request, message: Message) -> Result<()> {
        Ok(request.send(message)?)
    }
}

holdline_guest::export!(Echo: Handler);
