//! Decides who may connect, as the query says: `refuse`, `redirect`, `trap`, `uninvited`; anything else is let
//! in with the second subprotocol that it offers. Whoever is in is told what it was let in with.

use std::time::Duration;

use holdline_guest::{
    Acceptance, ConnectHandler, Handler, Message, Refusal, Request, Result, Upgrade, timers, workers,
};
use serde_json::json;

struct Gate;

impl ConnectHandler for Gate {
    fn connect(upgrade: Upgrade) -> Result<Acceptance, Refusal> {
        match upgrade.query.as_str() {
            "refuse" => Err(Refusal::new(403)
                .with_header("x-reason", "not today")
                .with_header("content-length", "7000")
                .with_body("closed on Mondays")),
            "redirect" => Err(Refusal::new(302)),
            "trap" => std::process::abort(),
            "uninvited" => Ok(Acceptance::new().with_subprotocol("never-offered")),
            _ => Ok(accepted(&upgrade)),
        }
    }
}

impl Handler for Gate {
    fn message(request: &Request, message: Message) -> Result<()> {
        if message.as_text() == Some("start") {
            // There is neither a timer handler nor a worker to be called.
            let timer = timers::after(Duration::from_millis(1), []).map_err(|error| format!("{error:?}")).err();
            let worker = workers::start("w", [], None).map_err(|error| format!("{error:?}")).err();
            return Ok(request.send_json(&json!({"timer": timer, "worker": worker}))?);
        }
        let attachment = String::from_utf8_lossy(&request.attachment()).into_owned();
        Ok(request.send_json(&json!({"subprotocol": request.subprotocol(), "attachment": attachment}))?)
    }
}

holdline_guest::export!(Gate: ConnectHandler, Handler);

/// What the handler can only know if the acceptance reached it.
fn accepted(upgrade: &Upgrade) -> Acceptance {
    let user = upgrade.header("X-User").or_else(|| upgrade.header("Holdline-Client-Subject")).unwrap_or_default();
    let seen = format!("{} {} {user} {}", upgrade.path, upgrade.query, upgrade.remote_address);
    let acceptance = Acceptance::new().with_attachment(seen);
    match upgrade.subprotocols.get(1) {
        Some(second) => acceptance.with_subprotocol(second),
        None => acceptance,
    }
}
