//! An answer within a second, whatever happens: the retention has a short deadline, at which the host sends a fallback.
//!
//! A message says how many milliseconds its answer takes, so that both ends of the race can be seen.
#![allow(clippy::print_stdout, reason = "what a plugin prints goes to its log")]

use std::time::{Duration, SystemTime};

use holdline_guest::{
    Channel, ChannelError, DelayedError, DelayedWebSocket, Expiry, Handler, Message, Request, Result, RetainOptions,
    WebSocketHandle, Worker, timers,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The way from the handler to the workers.
const CHANNEL: &str = "slow-questions";

/// More than the workers could answer before the deadline; who comes then has the fallback at once.
const CAPACITY: u32 = 100;

/// How long a client waits at most.
const DEADLINE: Duration = Duration::from_secs(1);

/// The slowest answer that can be asked for, so that nobody can keep a worker for ever.
const SLOWEST: u64 = 10_000;

/// What goes over the channel.
#[derive(Serialize, Deserialize)]
struct Item {
    handle: WebSocketHandle,
    millis: u64,
    /// When nobody waits for the answer any more.
    until: SystemTime,
}

struct Fallback;

impl Handler for Fallback {
    fn message(request: &Request, message: Message) -> Result<()> {
        let Some(millis) = message.as_text().and_then(millis) else {
            let error = format!("send a number of milliseconds up to {SLOWEST}");
            return Ok(request.send_json(&json!({"error": error}))?);
        };
        let fallback = Message::from_json(&json!({"answer": "the one of yesterday", "fallback": true}))?;
        let options = RetainOptions::new().deadline(DEADLINE).on_expiry(Expiry::Send(fallback.clone()));
        let handle = request.retain_web_socket_with(options)?;
        let item = Item { handle, millis, until: SystemTime::now() + DEADLINE };
        match Channel::open(CHANNEL, CAPACITY)?.offer_json(&item) {
            // It would be the fallback in the end: why let the client wait for it?
            Err(ChannelError::Full) => Ok(DelayedWebSocket::new(handle).send(fallback)?),
            offered => Ok(offered?),
        }
    }
}

impl Worker for Fallback {
    fn run(_name: &str, _argument: &[u8]) -> Result<()> {
        let channel = Channel::open(CHANNEL, CAPACITY)?;
        loop {
            match channel.receive_json::<Item>() {
                // Workers that are behind would otherwise answer those who have their fallback, and never catch up.
                Ok(item) if item.until <= SystemTime::now() => {}
                Ok(item) => answer(&item),
                Err(ChannelError::Closed) => return Ok(()),
                // The host logs it and runs the worker again.
                Err(error) => return Err(error.into()),
            }
        }
    }
}

holdline_guest::export!(Fallback: Handler, Worker);

fn answer(item: &Item) {
    timers::sleep(Duration::from_millis(item.millis));
    match DelayedWebSocket::new(item.handle).send_json(&json!({"answer": "the one of today", "fallback": false})) {
        Ok(()) => {}
        Err(DelayedError::InvalidHandle) => println!("too late after {} ms: the client has the fallback", item.millis),
        Err(error) => println!("an answer could not be given: {error}"),
    }
}

fn millis(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|millis| *millis <= SLOWEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_how_slow() {
        assert_eq!(millis("0"), Some(0));
        assert_eq!(millis(" 10000\n"), Some(10_000));
    }

    #[test]
    fn nobody_can_keep_a_worker_for_ever() {
        for text in ["10001", "-1", "soon", ""] {
            assert_eq!(millis(text), None, "{text}");
        }
    }
}
