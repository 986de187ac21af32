//! Holds every connection from the moment it is open, so that it can be seen what a held one costs.

use std::time::Duration;

use holdline_guest::{Handler, Message, Request, Result, RetainOptions};

/// Longer than anybody looks.
const DEADLINE: Duration = Duration::from_secs(3600);

struct Holder;

impl Handler for Holder {
    fn open(request: &Request) -> Result<()> {
        request.retain_web_socket_with(RetainOptions::new().deadline(DEADLINE))?;
        Ok(())
    }

    fn message(_: &Request, _: Message) -> Result<()> {
        Err("a held connection was given a message".into())
    }
}

holdline_guest::export!(Holder: Handler);
