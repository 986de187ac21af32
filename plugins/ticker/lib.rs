//! Two kinds of timer: one that answers a held connection by itself, and one that calls the plugin every second.
//!
//! Nothing is kept in the instance: the id of the timer is in the connection's attachment, and the id of the connection
//! is the timer's payload.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use holdline_guest::timers::{self, Missed, TimerError, TimerId};
use holdline_guest::{CloseInfo, DelayedWebSocket, Error, Handler, Message, Request, Result, TimerHandler, broadcast};

/// How far apart the ticks are.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long an answer takes if the message is empty.
const DELAY: Duration = Duration::from_secs(1);

struct Ticker;

impl Handler for Ticker {
    fn open(request: &Request) -> Result<()> {
        let timer = timers::every(INTERVAL, request.id(), Missed::Skip)?;
        Ok(request.set_attachment_json(&timer)?)
    }

    fn message(request: &Request, message: Message) -> Result<()> {
        let Some(delay) = message.as_text().and_then(delay) else {
            return Ok(request.send_text("send a number of milliseconds, such as 1500")?);
        };
        let answer = format!("after {} ms", delay.as_millis());
        let handle = request.retain_web_socket()?;
        if let Err(error) = DelayedWebSocket::new(handle).send_after(answer, delay) {
            // The handle is still good, and the client is to know why nothing will come.
            DelayedWebSocket::new(handle).send(error.to_string())?;
        }
        Ok(())
    }

    fn close(request: &Request, _info: CloseInfo) -> Result<()> {
        match request.attachment_json()? {
            Some(timer) => stop(timer),
            None => Ok(()),
        }
    }
}

impl TimerHandler for Ticker {
    fn timer(timer: TimerId, payload: &[u8]) -> Result<()> {
        let connection = std::str::from_utf8(payload).map_err(Error::new)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let tick = format!("tick {}", now.map_err(Error::new)?.as_secs());
        // A timer whose connection never came to its close event would tick for ever.
        if broadcast::to_connections(&[connection], tick)? == 0 {
            stop(timer)?;
        }
        Ok(())
    }
}

holdline_guest::export!(Ticker: Handler, TimerHandler);

/// What the close event and a tick that reached nobody have in common: whoever comes second finds the timer gone.
fn stop(timer: TimerId) -> Result<()> {
    match timers::cancel(timer) {
        Ok(()) | Err(TimerError::Unknown) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn delay(text: &str) -> Option<Duration> {
    if text.is_empty() {
        return Some(DELAY);
    }
    text.parse().ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_the_delay() {
        assert_eq!(delay(""), Some(DELAY));
        assert_eq!(delay("1500"), Some(Duration::from_millis(1500)));
        assert_eq!(delay("soon"), None);
    }
}
