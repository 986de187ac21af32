//! The commands, as they are written in JSON: `{"do": "send", "text": "hello"}`.

use serde::Deserialize;
use serde_json::Value;

/// One command. What names a `handle` and leaves it out means the one that this event was given.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub(crate) enum Command {
    // Of the request under way.
    Describe,
    Retain { deadline_ms: Option<u64>, expiry: Option<Expiry> },
    Send { text: String },
    SendJson { value: Value },
    SendBytes { count: usize },
    Close { code: Option<u16>, reason: Option<String> },
    Attachment,
    Attach { text: String },
    AttachBytes { count: usize },

    // Of whoever knows the handle.
    Deliver { handle: Option<u64>, text: String },
    DeliverJson { handle: Option<u64>, value: Value },
    DeliverConfirmed { handle: Option<u64>, text: String },
    Push { handle: Option<u64>, text: String },
    PushBytes { handle: Option<u64>, count: usize },
    CloseHeld { handle: Option<u64>, code: Option<u16>, reason: Option<String> },
    Release { handle: Option<u64> },
    Extend { handle: Option<u64>, deadline_ms: u64 },
    SendAfter { handle: Option<u64>, text: String, delay_ms: u64 },
    SendAt { handle: Option<u64>, text: String, unix_ms: u64 },
    Cancel { delivery: u64 },

    // Of channels, by name.
    Open { channel: String, capacity: u32 },
    Put { channel: String, item: Value, timeout_ms: Option<u64> },
    Offer { channel: String, item: Value },
    OfferHandle { channel: String },
    Receive { channel: String, timeout_ms: Option<u64> },
    Poll { channel: String },
    Peek { channel: String },
    Select { channels: Vec<String>, timeout_ms: Option<u64> },
    Len { channel: String },
    Capacity { channel: String },
    CloseChannel { channel: String },

    // Of time, workers, and everyone.
    Timer { when: When, payload: Value, missed: Option<Missed> },
    CancelTimer { timer: u64 },
    Timers,
    Sleep { ms: u64 },
    Start { name: String, commands: Value, exit_channel: Option<String> },
    Broadcast { path: Option<String>, ids: Option<Vec<String>>, text: String },

    // Of what should never be done.
    Print { text: String },
    PrintError { text: String },
    Fail { text: String },
    Trap,
    TrapUntilFull { channel: String },
    Loop,
    Eat,
    Recurse,
}

/// What happens at the deadline.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Expiry {
    Resume,
    Close { code: u16, reason: String },
    Send { text: String },
}

/// When a timer runs.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub(crate) enum When {
    AfterMs(u64),
    AtMs(u64),
    EveryMs(u64),
    Cron { expression: String, zone: Option<String> },
}

/// What becomes of runs that were missed.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Missed {
    Skip,
    Burst,
    Coalesce,
}
