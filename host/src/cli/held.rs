//! `holdline held`: who is held and for how long, and an answer for one of them.

use http::Method;
use serde_json::json;

use super::access::Access;
use super::api::{Api, Payload};
use super::connections::text;
use super::table::Column::{Numbers, Words};
use super::table::{or_dash, span, table};
use super::terminal;
use crate::admin::shapes::{Close, Held, List};

/// Shows held connections, the oldest first, or answers one of them by its handle.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("answer").args(["send", "push", "close", "release"]).requires("handle")))]
#[command(after_help = "Examples:\n  \
    holdline held --plugin ask\n  \
    holdline held 7719283746 --send '{\"answer\": 42}' --confirm\n  \
    holdline held 7719283746 --push 'one moment'            it stays held\n  \
    holdline held 7719283746 --release                      it goes on with its next message")]
pub(super) struct HeldArgs {
    /// The handle of the one to be answered.
    #[arg(requires = "answer")]
    handle: Option<u64>,
    /// Only those of this plugin.
    #[arg(long, value_name = "NAME", conflicts_with = "handle")]
    plugin: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u16).range(1..=1000), conflicts_with = "handle")]
    limit: u16,
    /// Send it this text and let it go on; `-` is what comes on standard input.
    #[arg(long, value_name = "TEXT")]
    send: Option<String>,
    /// Send it this text; it stays held.
    #[arg(long, value_name = "TEXT")]
    push: Option<String>,
    /// Close it, with this close code.
    #[arg(long, value_name = "CODE", num_args = 0..=1, default_missing_value = "1000")]
    close: Option<u16>,
    /// Let it go on with its next message.
    #[arg(long)]
    release: bool,
    /// Wait until the text was written to the socket.
    #[arg(long, conflicts_with_all = ["close", "release"], requires = "answer")]
    confirm: bool,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(args: HeldArgs) -> anyhow::Result<()> {
    let api = Api::new(&args.access)?;
    let Some(handle) = args.handle else {
        let target = api.of_tenant(&["held"]).with_some("plugin", args.plugin.as_ref()).with("limit", args.limit);
        return args.access.tell(api.get(target)?, |list: List<Held>| {
            all(&list.items);
            Ok(())
        });
    };
    let place = |verb| api.of_tenant(&["held", &handle.to_string(), verb]);
    let post = |target, payload| api.ask(Method::POST, target, payload);
    let words = if args.confirm { "is written" } else { "is on its way" };
    let confirm = args.confirm.then_some("true");
    let (answer, words) = if let Some(given) = &args.send {
        let text = text(given)?;
        let payload = Payload::Bytes("text/plain", text.as_bytes());
        (post(place("send").with_some("confirm", confirm), payload)?, format!("the answer {words}"))
    } else if let Some(given) = &args.push {
        let text = text(given)?;
        let payload = Payload::Bytes("text/plain", text.as_bytes());
        (post(place("push").with_some("confirm", confirm), payload)?, format!("the message {words}; it stays held"))
    } else if let Some(code) = args.close {
        let close = Close { code: Some(code), reason: None };
        (post(place("close"), Payload::Json(json!(close)))?, format!("it is being closed with {code}"))
    } else {
        (post(place("release"), Payload::Empty)?, "it goes on with its next message".to_owned())
    };
    args.access.done(answer, words)
}

fn all(held: &[Held]) {
    if held.is_empty() {
        return terminal::remark("no held connections");
    }
    let rows: Vec<_> = held
        .iter()
        .map(|it| {
            [
                it.handle.to_string(),
                it.connection.clone(),
                it.plugin.clone(),
                span(it.age_ms),
                span(it.deadline_ms),
                or_dash(it.delivery),
            ]
        })
        .collect();
    let columns =
        [Words("handle"), Words("connection"), Words("plugin"), Numbers("age"), Numbers("left"), Numbers("delivery")];
    terminal::line(table(columns, &rows));
}
