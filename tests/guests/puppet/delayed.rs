//! Commands of whoever knows a handle.

use std::time::Duration;

use holdline_guest::DelayedWebSocket;
use serde_json::Value;

use crate::command::Command;
use crate::stage::{Stage, outcome, time};

impl Stage<'_> {
    /// What came of it; none if it is no command of a handle.
    pub(crate) fn of_handle(&self, command: &Command) -> Option<Value> {
        // 0 is never a handle: what was not retained is invalid.
        let held = |handle: &Option<u64>| DelayedWebSocket::new(handle.or(self.handle).unwrap_or_default());
        Some(match command {
            Command::Deliver { handle, text } => outcome(held(handle).send(text.as_str())),
            Command::DeliverJson { handle, value } => outcome(held(handle).send_json(value)),
            Command::DeliverConfirmed { handle, text } => outcome(held(handle).send_confirmed(text.as_str())),
            Command::Push { handle, text } => outcome(held(handle).push(text.as_str())),
            Command::PushBytes { handle, count } => outcome(held(handle).push(vec![b'x'; *count])),
            Command::CloseHeld { handle, code: None, .. } => outcome(held(handle).close()),
            Command::CloseHeld { handle, code: Some(code), reason } => {
                outcome(held(handle).close_with(*code, reason.clone().unwrap_or_default()))
            }
            Command::Release { handle } => outcome(held(handle).release()),
            Command::Extend { handle, deadline_ms } => {
                outcome(held(handle).extend(Duration::from_millis(*deadline_ms)))
            }
            Command::SendAfter { handle, text, delay_ms } => {
                outcome(held(handle).send_after(text.as_str(), Duration::from_millis(*delay_ms)))
            }
            Command::SendAt { handle, text, unix_ms } => outcome(held(handle).send_at(text.as_str(), time(*unix_ms))),
            Command::Cancel { delivery } => outcome(DelayedWebSocket::cancel(*delivery)),
            _ => return None,
        })
    }
}
