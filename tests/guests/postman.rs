//! Exports a worker and nothing else: it takes handles out of a channel, by the name in its argument, and delivers to
//! them. It has never met the connections.

use holdline_guest::{Channel, DelayedWebSocket, Error, Result, Worker};

struct Postman;

impl Worker for Postman {
    fn run(name: &str, argument: &[u8]) -> Result<()> {
        let channel = Channel::open(std::str::from_utf8(argument).map_err(Error::new)?, 100)?;
        loop {
            let handle = channel.receive_json()?;
            DelayedWebSocket::new(handle).send(format!("a letter by {name}"))?;
        }
    }
}

holdline_guest::export!(Postman: Worker);
