//! Does at a client's word whatever a handler can do to a connection. A message is a verb and a number, and the answer names the
//! number, so that each message can be accounted for.
#![allow(clippy::panic, reason = "it is here to trap")]

use std::time::Duration;

use holdline_guest::{
    Channel, CloseInfo, DelayedWebSocket, Expiry, Handler, Message, ReplyError, Request, Result, RetainOptions,
    WebSocketHandle, Worker, timers,
};
use serde::{Deserialize, Serialize};

/// Long enough that a worker answers in time, short enough that a crashed one is not waited for.
const DEADLINE: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize)]
struct Item {
    handle: WebSocketHandle,
    verb: String,
    number: String,
}

struct Soak;

impl Handler for Soak {
    fn open(request: &Request) -> Result<()> {
        Ok(Channel::open("events", 1 << 20)?.offer(format!("open {}", request.id()))?)
    }

    fn message(request: &Request, message: Message) -> Result<()> {
        let (verb, number) =
            message.as_text().and_then(|text| text.split_once(' ')).ok_or("not a verb and a number")?;
        let answer = format!("answered {number}");
        let expired = Expiry::Send(format!("expired {number}").into());
        match verb {
            "echo" => request.send_text(answer)?,
            "after" => {
                let delay = Duration::from_millis(number.len() as u64 * 7);
                DelayedWebSocket::new(request.retain_web_socket()?).send_after(answer, delay)?;
            }
            "expire" => {
                let options = RetainOptions::new().deadline(Duration::from_millis(20)).on_expiry(expired);
                request.retain_web_socket_with(options)?;
            }
            "flood" => flood(request)?,
            "trap" => panic!("as it was told"),
            "fail" => return Err("as it was told".into()),
            "work" | "push" | "crash" => {
                let handle =
                    request.retain_web_socket_with(RetainOptions::new().deadline(DEADLINE).on_expiry(expired))?;
                let item = Item { handle, verb: verb.to_owned(), number: number.to_owned() };
                if Channel::open("work", 512)?.offer_json(&item).is_err() {
                    DelayedWebSocket::new(handle).send(format!("refused {number}"))?;
                }
            }
            other => return Err(format!("`{other}` is no verb").into()),
        }
        Ok(())
    }

    fn close(request: &Request, _: CloseInfo) -> Result<()> {
        Ok(Channel::open("events", 1 << 20)?.offer(format!("close {}", request.id()))?)
    }
}

/// Sends very much, as fast as it is taken, until all is sent or the client has gone.
fn flood(request: &Request) -> Result<()> {
    let mut parts = 0;
    while parts < 512 {
        match request.send_binary(vec![0; 64 << 10]) {
            Ok(()) => parts += 1,
            Err(ReplyError::Overloaded) => timers::sleep(Duration::from_millis(2)),
            Err(ReplyError::Closed) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

impl Worker for Soak {
    fn run(_: &str, _: &[u8]) -> Result<()> {
        let channel = Channel::open("work", 512)?;
        loop {
            let Item { handle, verb, number } = channel.receive_json()?;
            match verb.as_str() {
                "crash" => panic!("as it was told"),
                "push" => {
                    for part in 0..3 {
                        // The client may have left, and the retention may have expired; the last send says the same.
                        let _ = DelayedWebSocket::new(handle).push(format!("part {part}"));
                    }
                }
                _ => {}
            }
            let _ = DelayedWebSocket::new(handle).send(format!("answered {number}"));
        }
    }
}

holdline_guest::export!(Soak: Handler, Worker);
