//! Sends each message to everybody on the path of the one who sent it.

use holdline_guest::{Handler, Message, Request, Result, broadcast};

struct Crier;

impl Handler for Crier {
    fn message(request: &Request, message: Message) -> Result<()> {
        broadcast::to_path(&request.path(), message)?;
        Ok(())
    }
}

holdline_guest::export!(Crier: Handler);
