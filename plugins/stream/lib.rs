//! A reply in parts: a worker of its own for each stream pushes them while the connection is held, and ends the
//! retention with the last message.
#![allow(clippy::print_stdout, reason = "what a plugin prints goes to its log")]

use std::time::Duration;

use holdline_guest::workers::{self, WorkerError};
use holdline_guest::{
    DelayedError, DelayedWebSocket, Expiry, Handler, Message, Request, Result, RetainOptions, WebSocketHandle, Worker,
    timers,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The longest stream, so that nobody can keep a worker for ever.
const MOST: u32 = 1000;

/// Between two parts, and before the next attempt when the client does not keep up.
const PAUSE: Duration = Duration::from_millis(50);

/// Set anew with each part: a worker that crashes costs the client this long and no longer.
const DEADLINE: Duration = Duration::from_secs(10);

/// What the worker is started with.
#[derive(Serialize, Deserialize)]
struct Order {
    handle: WebSocketHandle,
    parts: u32,
}

struct Stream;

impl Handler for Stream {
    fn message(request: &Request, message: Message) -> Result<()> {
        let Some(parts) = message.as_text().and_then(parts) else {
            let error = format!("send a number from 1 to {MOST}");
            return Ok(request.send_json(&json!({"error": error}))?);
        };
        let expiry = Expiry::Send(Message::from_json(&json!({"error": "the stream broke off"}))?);
        let handle = request.retain_web_socket_with(RetainOptions::new().deadline(DEADLINE).on_expiry(expiry))?;
        let order = serde_json::to_vec(&Order { handle, parts })?;
        match workers::start("stream", order, None) {
            Err(WorkerError::QuotaExceeded) => {
                Ok(DelayedWebSocket::new(handle).send_json(&json!({"error": "overloaded"}))?)
            }
            started => Ok(started.map(drop)?),
        }
    }
}

impl Worker for Stream {
    fn run(_name: &str, argument: &[u8]) -> Result<()> {
        let order: Order = serde_json::from_slice(argument)?;
        match stream(&order) {
            Err(DelayedError::Closed) => {
                println!("a client left before its {} parts were sent", order.parts);
                Ok(())
            }
            streamed => Ok(streamed?),
        }
    }
}

holdline_guest::export!(Stream: Handler, Worker);

fn stream(order: &Order) -> Result<(), DelayedError> {
    for part in 1..=order.parts {
        patiently(order.handle, |socket| socket.push_json(&json!({"part": part})))?;
        timers::sleep(PAUSE);
    }
    patiently(order.handle, |socket| socket.send_json(&json!({"done": order.parts})))
}

/// Tries again for as long as the client has too much to read. That ends: one that reads nothing at all is closed by
/// the host.
fn patiently(
    handle: WebSocketHandle,
    deliver: impl Fn(DelayedWebSocket) -> Result<(), DelayedError>,
) -> Result<(), DelayedError> {
    loop {
        let socket = DelayedWebSocket::new(handle);
        socket.extend(DEADLINE)?;
        match deliver(socket) {
            Err(DelayedError::Overloaded) => timers::sleep(PAUSE),
            delivered => return delivered,
        }
    }
}

fn parts(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|parts| (1..=MOST).contains(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_how_many_parts() {
        assert_eq!(parts("3"), Some(3));
        assert_eq!(parts(" 1000\n"), Some(1000));
    }

    #[test]
    fn a_stream_has_a_part_and_an_end() {
        for text in ["0", "1001", "-1", "many", ""] {
            assert_eq!(parts(text), None, "{text}");
        }
    }
}
