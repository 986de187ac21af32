//! Echoes the long way round: the handler holds the connection and passes handle and message through a channel to a worker, which
//! answers by the handle alone.

use holdline_guest::{Channel, DelayedWebSocket, Handler, Message, Request, Result, WebSocketHandle, Worker};

const CHANNEL: &str = "relay";
const CAPACITY: u32 = 1024;

/// What stands before the message in an item: whether it is text, then the handle.
const HEAD: usize = 1 + size_of::<WebSocketHandle>();

struct Relay;

impl Handler for Relay {
    fn message(request: &Request, message: Message) -> Result<()> {
        let handle = request.retain_web_socket()?;
        let mut item = Vec::with_capacity(HEAD + message.as_bytes().len());
        item.push(u8::from(message.as_text().is_some()));
        item.extend_from_slice(&handle.to_le_bytes());
        item.extend_from_slice(message.as_bytes());
        Ok(Channel::open(CHANNEL, CAPACITY)?.send(item)?)
    }
}

impl Worker for Relay {
    fn run(_: &str, _: &[u8]) -> Result<()> {
        let channel = Channel::open(CHANNEL, CAPACITY)?;
        loop {
            let mut item = channel.receive()?;
            let body = item.split_off(HEAD);
            let handle = item.get(1..).and_then(|handle| handle.try_into().ok()).ok_or("an item without a handle")?;
            let message = match item.first() {
                Some(1) => Message::Text(String::from_utf8(body).map_err(holdline_guest::Error::new)?),
                _ => Message::Binary(body),
            };
            // A client that has left in the meantime is no reason to end.
            let _ = DelayedWebSocket::new(WebSocketHandle::from_le_bytes(handle)).send(message);
        }
    }
}

holdline_guest::export!(Relay: Handler, Worker);
