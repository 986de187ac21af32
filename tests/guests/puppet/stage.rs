//! Where the commands of one event are played, one after the other, and what came of each is written down.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hint::black_box;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use holdline_guest::timers::{self, TimerInfo};
use holdline_guest::{
    Channel, ChannelError, DelayedWebSocket, Error, Request, Result, WebSocketHandle, broadcast, workers,
};
use serde_json::{Value, json};

use crate::command::{Command, Missed, When};

/// One event, or a call that belongs to no connection.
pub(crate) struct Stage<'a> {
    pub(crate) request: Option<&'a Request>,
    pub(crate) handle: Option<WebSocketHandle>,
    // Kept for the event, so that what is closed and drained can still be asked.
    channels: HashMap<String, Channel>,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(request: Option<&'a Request>) -> Self {
        Self { request, handle: None, channels: HashMap::new() }
    }

    /// The connection that this event holds.
    pub(crate) fn retained(&self) -> Option<DelayedWebSocket> {
        self.handle.map(DelayedWebSocket::new)
    }

    /// What came of each.
    pub(crate) fn play(&mut self, commands: &[Command]) -> Result<Vec<Value>> {
        commands.iter().map(|command| self.play_one(command)).collect()
    }

    fn play_one(&mut self, command: &Command) -> Result<Value> {
        if let Some(outcome) = self.of_request(command).or_else(|| self.of_handle(command)) {
            return Ok(outcome);
        }
        if let Some(outcome) = self.of_channel(command) {
            return Ok(outcome);
        }
        match command {
            Command::Fail { text } => Err(Error::new(text)),
            Command::Trap => std::process::abort(),
            Command::TrapUntilFull { channel } => match self.channel(channel)?.offer([]) {
                Err(ChannelError::Full) => Ok(json!({"ok": null})),
                _ => std::process::abort(),
            },
            Command::Loop => loop {
                black_box(());
            },
            Command::Eat => Ok(json!({"ok": eat()})),
            Command::Recurse => Ok(json!({"ok": recurse(0)})),
            _ => Ok(beside(command)),
        }
    }

    pub(crate) fn channel(&mut self, name: &str) -> Result<&Channel, ChannelError> {
        if !self.channels.contains_key(name) {
            self.channels.insert(name.to_owned(), Channel::lookup(name)?);
        }
        self.channels.get(name).ok_or(ChannelError::Unknown)
    }

    pub(crate) fn keep(&mut self, name: &str, channel: Channel) {
        self.channels.insert(name.to_owned(), channel);
    }

    pub(crate) fn all_of(&self, names: &[String]) -> Vec<&Channel> {
        names.iter().filter_map(|name| self.channels.get(name)).collect()
    }
}

/// Commands that need neither a connection nor a channel.
fn beside(command: &Command) -> Value {
    match command {
        Command::Timer { when, payload, missed } => outcome(set_timer(when, payload, *missed)),
        Command::CancelTimer { timer } => outcome(timers::cancel(*timer)),
        Command::Timers => json!({"ok": timers::list().iter().map(timer).collect::<Vec<_>>()}),
        Command::Sleep { ms } => {
            timers::sleep(Duration::from_millis(*ms));
            json!({"ok": null})
        }
        Command::Start { name, commands, exit_channel } => {
            outcome(workers::start(name, commands.to_string(), exit_channel.as_deref()))
        }
        Command::Broadcast { path: Some(path), text, .. } => outcome(broadcast::to_path(path, text.as_str())),
        Command::Broadcast { ids, text, .. } => {
            outcome(broadcast::to_connections(ids.as_deref().unwrap_or_default(), text.as_str()))
        }
        Command::Print { text } => {
            println!("{text}");
            json!({"ok": null})
        }
        Command::PrintError { text } => {
            eprintln!("{text}");
            json!({"ok": null})
        }
        _ => json!({"error": "there is no request here"}),
    }
}

fn set_timer(when: &When, payload: &Value, missed: Option<Missed>) -> Result<timers::TimerId, timers::TimerError> {
    let missed = match missed {
        None | Some(Missed::Skip) => timers::Missed::Skip,
        Some(Missed::Burst) => timers::Missed::Burst,
        Some(Missed::Coalesce) => timers::Missed::Coalesce,
    };
    let payload = payload.to_string();
    match when {
        When::AfterMs(ms) => timers::after(Duration::from_millis(*ms), payload),
        When::AtMs(ms) => timers::at(time(*ms), payload),
        When::EveryMs(ms) => timers::every(Duration::from_millis(*ms), payload, missed),
        When::Cron { expression, zone } => timers::cron(expression, zone.as_deref(), payload, missed),
    }
}

fn timer(info: &TimerInfo) -> Value {
    let next = info.next.duration_since(UNIX_EPOCH).unwrap_or_default();
    json!({"id": info.id, "next-ms": u64::try_from(next.as_millis()).ok(), "payload": text(&info.payload)})
}

pub(crate) fn time(unix_ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(unix_ms)
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A value, or the name of the error's case: what stands before its text, where it has one.
pub(crate) fn outcome<T: serde::Serialize, E: Debug>(result: Result<T, E>) -> Value {
    match result {
        Ok(value) => json!({ "ok": value }),
        Err(error) => {
            let shown = format!("{error:?}");
            let case = shown.split('(').next().unwrap_or_default();
            match shown.split_once('(') {
                Some((_, text)) => json!({"error": case, "text": text.trim_end_matches(')')}),
                None => json!({ "error": case }),
            }
        }
    }
}

/// Takes memory until there is no more.
fn eat() -> usize {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(black_box(vec![1; 1 << 20]));
        if eaten.len() > 1 << 12 {
            return eaten.len();
        }
    }
}

/// Deeper than any stack is.
fn recurse(depth: u64) -> u64 {
    let room = black_box([depth; 64]);
    if depth == u64::MAX { 0 } else { recurse(depth + 1) + room.iter().sum::<u64>() }
}
