//! Every connection gets a tick each second, from a timer of the host. Between two ticks no instance is kept: the timer's payload is
//! the id of the connection, and the connection's attachment is the id of the timer.

use holdline_guest::timers::{self, Missed, TimerError, TimerId};
use holdline_guest::{CloseInfo, Error, Handler, Message, Request, Result, TimerHandler, broadcast};

struct Plugin;

impl Handler for Plugin {
    fn open(request: &Request) -> Result<()> {
        let timer = timers::every(std::time::Duration::from_secs(1), request.id(), Missed::Skip)?;
        Ok(request.set_attachment_json(&timer)?)
    }

    fn message(request: &Request, _message: Message) -> Result<()> {
        Ok(request.send("listen")?)
    }

    fn close(request: &Request, _info: CloseInfo) -> Result<()> {
        match request.attachment_json()? {
            Some(timer) => stop(timer),
            None => Ok(()),
        }
    }
}

impl TimerHandler for Plugin {
    fn timer(timer: TimerId, payload: &[u8]) -> Result<()> {
        let connection = id(payload)?;
        if broadcast::to_connections(&[connection], "tick")? == 0 {
            stop(timer)?;
        }
        Ok(())
    }
}

holdline_guest::export!(Plugin: Handler, TimerHandler);

fn id(payload: &[u8]) -> Result<&str> {
    std::str::from_utf8(payload).map_err(Error::new)
}

/// The close event and a tick that reached nobody may both come here: the second one finds the timer gone.
fn stop(timer: TimerId) -> Result<()> {
    match timers::cancel(timer) {
        Ok(()) | Err(TimerError::Unknown) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_is_the_connection() {
        assert_eq!(id(b"17-a").ok(), Some("17-a"));
        assert!(id(b"\xff").is_err());
    }
}
