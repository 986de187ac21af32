//! Reminders: `in 5s: tea` sets a timer of the plugin, `list` shows those that are pending, `cancel 1` takes one back.
//!
//! Nothing is held and nothing is kept in the instance: what a timer needs is in its payload, and what a connection has
//! set is in its attachment.
#![allow(clippy::print_stdout, reason = "what a plugin prints goes to its log")]

use std::time::{Duration, SystemTime};

use holdline_guest::timers::{self, TimerError, TimerId};
use holdline_guest::{CloseInfo, ConnectionId, Error, Handler, Message, Request, Result, TimerHandler, broadcast};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a client can say.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Remind { delay: Duration, text: String },
    List,
    Cancel(u32),
}

/// The payload of a timer: all that its handler will know.
#[derive(Serialize, Deserialize)]
struct Due {
    connection: ConnectionId,
    reminder: u32,
    text: String,
}

/// The attachment of a connection.
#[derive(Default, Serialize, Deserialize)]
struct Reminders {
    /// The number that was given last: none is given twice.
    last: u32,
    pending: Vec<Pending>,
}

#[derive(Serialize, Deserialize)]
struct Pending {
    reminder: u32,
    timer: TimerId,
    due: SystemTime,
    text: String,
}

struct Reminder;

impl Handler for Reminder {
    fn message(request: &Request, message: Message) -> Result<()> {
        let done = match message.as_text().and_then(command) {
            Some(Command::Remind { delay, text }) => remind(request, delay, text),
            Some(Command::List) => list(request),
            Some(Command::Cancel(reminder)) => cancel(request, reminder),
            None => Err(Error::from("say `in 5s: tea`, `list` or `cancel 1`")),
        };
        Ok(request.send_json(&done.unwrap_or_else(|error| json!({"error": error.to_string()})))?)
    }

    fn close(request: &Request, _info: CloseInfo) -> Result<()> {
        reminders(request)?.pending.iter().try_for_each(|pending| stop(pending.timer).map(drop))
    }
}

impl TimerHandler for Reminder {
    fn timer(_timer: TimerId, payload: &[u8]) -> Result<()> {
        let Due { connection, reminder, text } = serde_json::from_slice(payload)?;
        let message = Message::from_json(&json!({"reminder": reminder, "text": text}))?;
        if broadcast::to_connections(&[connection], message)? == 0 {
            println!("nobody was there to be reminded of: {text}");
        }
        Ok(())
    }
}

holdline_guest::export!(Reminder: Handler, TimerHandler);

fn remind(request: &Request, delay: Duration, text: String) -> Result<Value> {
    let mut reminders = reminders(request)?;
    let reminder = reminders.last.saturating_add(1);
    let payload = Due { connection: request.id(), reminder, text: text.clone() };
    let timer = timers::after(delay, serde_json::to_vec(&payload)?)?;
    reminders.last = reminder;
    reminders.pending.push(Pending { reminder, timer, due: SystemTime::now() + delay, text });
    if let Err(error) = request.set_attachment_json(&reminders) {
        // Nobody could list or cancel it, and the close event would leave it behind.
        stop(timer)?;
        return Err(error.into());
    }
    Ok(json!({"set": reminder}))
}

fn list(request: &Request) -> Result<Value> {
    let now = SystemTime::now();
    let shown = |it: &Pending| {
        let left = it.due.duration_since(now).unwrap_or_default();
        json!({"reminder": it.reminder, "seconds": left.as_millis().div_ceil(1000), "text": it.text})
    };
    let pending: Vec<Value> = reminders(request)?.pending.iter().map(shown).collect();
    Ok(json!({"pending": pending}))
}

/// Looks into the attachment first: the timers of a plugin are those of all its connections.
fn cancel(request: &Request, reminder: u32) -> Result<Value> {
    let mut reminders = reminders(request)?;
    let timer = reminders.pending.iter().find(|it| it.reminder == reminder).map(|it| it.timer);
    let stopped = timer.map_or(Ok(false), stop)?;
    if !stopped {
        return Err(Error::new(format_args!("there is no reminder {reminder}")));
    }
    reminders.pending.retain(|it| it.reminder != reminder);
    request.set_attachment_json(&reminders)?;
    Ok(json!({"cancelled": reminder}))
}

/// Those that are not due yet. A timer handler has no request to strike its own off the list with.
fn reminders(request: &Request) -> Result<Reminders> {
    let mut reminders: Reminders = request.attachment_json()?.unwrap_or_default();
    let now = SystemTime::now();
    reminders.pending.retain(|it| it.due > now);
    Ok(reminders)
}

/// Whether it was still pending.
fn stop(timer: TimerId) -> Result<bool> {
    match timers::cancel(timer) {
        Ok(()) => Ok(true),
        Err(TimerError::Unknown) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn command(text: &str) -> Option<Command> {
    let text = text.trim();
    if text == "list" {
        return Some(Command::List);
    }
    if let Some(number) = text.strip_prefix("cancel ") {
        return number.trim().parse().ok().map(Command::Cancel);
    }
    let (delay, text) = text.strip_prefix("in ")?.split_once(':')?;
    Some(Command::Remind { delay: duration(delay.trim())?, text: text.trim().to_owned() })
}

/// Reads `500ms`, `5s`, `10m`, `2h` and `1d`.
fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|char: char| !char.is_ascii_digit())?);
    let unit: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_says_when_and_what() {
        let tea = Command::Remind { delay: Duration::from_secs(5), text: "tea: the green one".to_owned() };

        assert_eq!(command(" in 5s: tea: the green one "), Some(tea));
        assert_eq!(command("list"), Some(Command::List));
        assert_eq!(command("cancel 2"), Some(Command::Cancel(2)));
    }

    #[test]
    fn a_delay_has_a_unit() {
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("2h"), Some(Duration::from_secs(7200)));
        assert_eq!(duration("1d"), Some(Duration::from_secs(86_400)));
    }

    #[test]
    fn what_is_no_command_is_none() {
        for text in ["", "in 5: tea", "in s: tea", "in 5 tea", "in -5s: tea", "in 99999999999999999d: tea", "cancel x"]
        {
            assert_eq!(command(text), None, "{text}");
        }
    }
}
