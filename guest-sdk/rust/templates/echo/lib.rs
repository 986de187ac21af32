//! Sends each message back as it came.

use holdline_guest::{Handler, Message, Request, Result};

struct Plugin;

impl Handler for Plugin {
    fn message(request: &Request, message: Message) -> Result<()> {
        Ok(request.send(answer(message))?)
    }
}

holdline_guest::export!(Plugin: Handler);

/// What the client gets.
fn answer(message: Message) -> Message {
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_as_it_was() {
        assert_eq!(answer(Message::from("hello")), Message::from("hello"));
    }
}
