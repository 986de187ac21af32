//! Counts its events in its own memory and says the count, so that a client sees which instance it has met: a fresh one
//! says 1.

use std::sync::atomic::{AtomicU32, Ordering};

use holdline_guest::{Error, Handler, Message, Request, Result};

static EVENTS: AtomicU32 = AtomicU32::new(0);

struct Counter;

impl Handler for Counter {
    fn message(request: &Request, message: Message) -> Result<()> {
        let events = EVENTS.fetch_add(1, Ordering::Relaxed) + 1;
        if message.as_text() == Some("fail") {
            return Err(Error::from("it was told to"));
        }
        if message.as_text() == Some("trap") {
            std::process::abort();
        }
        Ok(request.send_text(events.to_string())?)
    }
}

holdline_guest::export!(Counter: Handler);
