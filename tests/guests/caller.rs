//! Sends the HTTP requests that a client tells it, and says what came of them.

use holdline_guest::{Handler, Message, Request, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme};
use wasip2::io::streams::StreamError;

struct Caller;

#[derive(Deserialize)]
struct Call {
    scheme: String,
    authority: String,
    path: String,
    /// What is posted; without it the request is a GET.
    body: Option<String>,
    /// How often it is sent, one after the other.
    #[serde(default = "once")]
    times: u32,
}

fn once() -> u32 {
    1
}

impl Handler for Caller {
    fn message(request: &Request, message: Message) -> Result<()> {
        let call: Call = message.json()?;
        let mut outcome = Value::Null;
        for _ in 0..call.times {
            outcome = match send(&call) {
                Ok(answer) => answer,
                Err(error) => json!({ "error": format!("{error:?}") }),
            };
        }
        Ok(request.send_json(&outcome)?)
    }
}

fn send(call: &Call) -> Result<Value, ErrorCode> {
    let request = OutgoingRequest::new(Fields::new());
    let scheme = if call.scheme == "https" { Scheme::Https } else { Scheme::Http };
    let set = request.set_scheme(Some(&scheme)).is_ok()
        && request.set_authority(Some(&call.authority)).is_ok()
        && request.set_path_with_query(Some(&call.path)).is_ok()
        && request.set_method(if call.body.is_some() { &Method::Post } else { &Method::Get }).is_ok();
    if !set {
        return Err(ErrorCode::HttpRequestUriInvalid);
    }
    let body = request.body().ok();
    let answering = outgoing_handler::handle(request, None)?;
    if let Some(body) = body {
        write(body, call.body.as_deref().unwrap_or_default())?;
    }
    let ready = answering.subscribe();
    ready.block();
    drop(ready);
    let response = answering.get().and_then(|response| response.ok()).ok_or(ErrorCode::InternalError(None))??;
    read(&response)
}

fn write(body: OutgoingBody, text: &str) -> Result<(), ErrorCode> {
    if let Ok(stream) = body.write() {
        let _refused_connections_take_nothing = stream.blocking_write_and_flush(text.as_bytes());
    }
    OutgoingBody::finish(body, None)
}

fn read(response: &IncomingResponse) -> Result<Value, ErrorCode> {
    let internal = |()| ErrorCode::InternalError(None);
    let body = response.consume().map_err(internal)?;
    let stream = body.stream().map_err(internal)?;
    let mut read = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(bytes) => read.extend(bytes),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(_)) => return Err(ErrorCode::HttpResponseIncomplete),
        }
    }
    Ok(json!({ "status": response.status(), "body": String::from_utf8_lossy(&read) }))
}

holdline_guest::export!(Caller: Handler);
