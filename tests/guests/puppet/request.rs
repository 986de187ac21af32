//! Commands of the request under way.

use std::time::Duration;

use holdline_guest::{Request, RetainOptions};
use serde_json::{Value, json};

use crate::command::{self, Command};
use crate::stage::{Stage, outcome, text};

impl Stage<'_> {
    /// What came of it; none if it is no command of a request, or there is no request.
    pub(crate) fn of_request(&mut self, command: &Command) -> Option<Value> {
        let request = self.request?;
        Some(match command {
            Command::Describe => json!({ "ok": describe(request) }),
            Command::Retain { deadline_ms, expiry } => {
                let handle = match (deadline_ms, expiry) {
                    (None, None) => request.retain_web_socket(),
                    (deadline, expiry) => request.retain_web_socket_with(options(*deadline, expiry.as_ref())),
                };
                self.handle = handle.as_ref().ok().copied().or(self.handle);
                outcome(handle)
            }
            Command::Send { text } => outcome(request.send_text(text)),
            Command::SendJson { value } => outcome(request.send_json(value)),
            Command::SendBytes { count } => outcome(request.send_binary(vec![b'x'; *count])),
            Command::Close { code: None, .. } => outcome(request.close()),
            Command::Close { code: Some(code), reason } => {
                outcome(request.close_with(*code, reason.clone().unwrap_or_default()))
            }
            Command::Attachment => json!({ "ok": text(&request.attachment()) }),
            Command::Attach { text } => outcome(request.set_attachment(text)),
            Command::AttachBytes { count } => outcome(request.set_attachment(vec![0; *count])),
            _ => return None,
        })
    }
}

fn options(deadline_ms: Option<u64>, expiry: Option<&command::Expiry>) -> RetainOptions {
    use holdline_guest::{CloseFrame, Expiry, Message};
    let mut options = RetainOptions::new();
    if let Some(deadline) = deadline_ms {
        options = options.deadline(Duration::from_millis(deadline));
    }
    match expiry {
        None => options,
        Some(command::Expiry::Resume) => options.on_expiry(Expiry::Resume),
        Some(command::Expiry::Send { text }) => options.on_expiry(Expiry::Send(Message::from(text.as_str()))),
        Some(command::Expiry::Close { code, reason }) => {
            options.on_expiry(Expiry::Close(CloseFrame { code: *code, reason: reason.clone() }))
        }
    }
}

fn describe(request: &Request) -> Value {
    let headers = request.headers();
    let headers: Vec<_> = headers.iter().map(|header| json!([header.name, text(&header.value)])).collect();
    json!({
        "id": request.id(),
        "path": request.path(),
        "query": request.query(),
        "headers": headers,
        "subprotocol": request.subprotocol(),
        "remote-address": request.remote_address(),
    })
}
