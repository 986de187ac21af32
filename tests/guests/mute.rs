//! Takes every message and answers none.

use holdline_guest::{Handler, Message, Request, Result};

struct Mute;

impl Handler for Mute {
    fn message(_: &Request, _: Message) -> Result<()> {
        Ok(())
    }
}

holdline_guest::export!(Mute: Handler);
