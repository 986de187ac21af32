//! Answers later, from elsewhere: the handler holds the connection and passes its handle over a channel, and a worker
//! answers by that number alone.
//!
//! Three messages sent at once by one client come back one after the other: the connection is held during each of them.
#![allow(clippy::print_stdout, reason = "what a plugin prints goes to its log")]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use holdline_guest::{
    Channel, ChannelError, DelayedWebSocket, Handler, Message, Request, Result, WebSocketHandle, Worker,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The way from the handlers to the workers.
const CHANNEL: &str = "background";

/// Over a thousand clients may wait; the next one is told that there is too much to do.
const CAPACITY: u32 = 1024;

/// How long a worker takes over one answer if its argument says nothing.
const DELAY: Duration = Duration::from_secs(1);

/// What goes over the channel.
#[derive(Serialize, Deserialize)]
struct Item {
    #[serde(rename = "webSocketHandle")]
    handle: WebSocketHandle,
    msg: String,
}

struct Mirror;

impl Handler for Mirror {
    fn open(request: &Request) -> Result<()> {
        Ok(request.send_text("hello from mirror")?)
    }

    fn message(request: &Request, message: Message) -> Result<()> {
        let Message::Text(msg) = message else {
            return Ok(request.send_json(&json!({"error": "mirror takes text"}))?);
        };
        let handle = request.retain_web_socket()?;
        if let Err(error) = hand_over(&Item { handle, msg }) {
            // Nobody else knows the handle: the client would wait until the deadline.
            DelayedWebSocket::new(handle).send_json(&json!({"error": error.to_string()}))?;
        }
        Ok(())
    }
}

impl Worker for Mirror {
    fn run(_name: &str, argument: &[u8]) -> Result<()> {
        let delay = delay(argument)?;
        let channel = Channel::open(CHANNEL, CAPACITY)?;
        // All of them wait equally long, so the one that came first is due first, and one worker can wait for any number.
        let mut waiting: VecDeque<(Instant, Item)> = VecDeque::new();
        loop {
            let received = match waiting.front() {
                None => channel.receive_json(),
                Some((due, _)) => channel.receive_json_timeout(due.saturating_duration_since(Instant::now())),
            };
            match received {
                Ok(item) => waiting.push_back((Instant::now() + delay, item)),
                Err(ChannelError::Timeout) => waiting.pop_front().into_iter().for_each(|(_, item)| answer(&item)),
                Err(ChannelError::Json(text)) => println!("passed over an item that is not one of ours: {text}"),
                Err(ChannelError::Closed) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

holdline_guest::export!(Mirror: Handler, Worker);

fn hand_over(item: &Item) -> Result<(), ChannelError> {
    Channel::open(CHANNEL, CAPACITY)?.offer_json(item)
}

/// Needs nothing but the number: the connection may be any, and the instance that held it is long gone.
fn answer(item: &Item) {
    let mirror = json!({"mirrored": mirrored(&item.msg), "msg": item.msg});
    if let Err(error) = DelayedWebSocket::new(item.handle).send_json(&mirror) {
        println!("could not answer {}: {error}", item.handle);
    }
}

fn mirrored(text: &str) -> String {
    text.chars().rev().collect()
}

/// The argument is a number of milliseconds, as text.
fn delay(argument: &[u8]) -> Result<Duration> {
    let text = String::from_utf8_lossy(argument);
    if text.is_empty() {
        return Ok(DELAY);
    }
    let millis = text.parse().map_err(|_| format!("the argument `{text}` is not a number of milliseconds"))?;
    Ok(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_mirrored_by_characters() {
        assert_eq!(mirrored("hellö"), "ölleh");
    }

    #[test]
    fn the_argument_says_the_delay() {
        assert_eq!(delay(b""), Ok(DELAY));
        assert_eq!(delay(b"250"), Ok(Duration::from_millis(250)));
        assert!(delay(b"soon").is_err());
    }
}
