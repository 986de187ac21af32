//! `holdline connections`: who is connected, and a message or a Close for one of them.

use std::io::{self, Read};

use anyhow::Context;
use http::Method;

use super::access::Access;
use super::api::{Api, Payload};
use super::table::Column::{Numbers, Words};
use super::table::{ago, count, facts, or_dash, short, size, table, word};
use super::terminal;
use crate::admin::shapes::{Connection, List};

/// Shows open connections, or one of them, sends it a message, or closes it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline connections --plugin chat\n  \
    holdline connections 00c1f0a94be2437c9d0e5a66b1f2d3e4\n  \
    holdline connections 00c1f0a94be2437c9d0e5a66b1f2d3e4 --send 'back in five minutes'\n  \
    holdline connections 00c1f0a94be2437c9d0e5a66b1f2d3e4 --close 1008 --reason 'too loud'")]
pub(super) struct Connections {
    /// Only this one.
    id: Option<String>,
    /// Only those of this plugin.
    #[arg(long, value_name = "NAME", conflicts_with = "id")]
    plugin: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value = "100", conflicts_with = "id")]
    limit: usize,
    /// Send it this text; `-` is what comes on standard input.
    #[arg(long, value_name = "TEXT", requires = "id")]
    send: Option<String>,
    /// Close it, with this close code.
    #[arg(long, value_name = "CODE", num_args = 0..=1, default_missing_value = "1000", requires = "id", conflicts_with = "send")]
    close: Option<u16>,
    /// Why, for the client.
    #[arg(long, value_name = "TEXT", requires = "close")]
    reason: Option<String>,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(args: Connections) -> anyhow::Result<()> {
    let api = Api::new(&args.access)?;
    let Some(id) = &args.id else {
        let target = api.of_tenant(&["connections"]).with_some("plugin", args.plugin.as_ref());
        return args.access.tell(api.pages(&target, args.limit)?, |list: List<Connection>| {
            all(&list);
            Ok(())
        });
    };
    if let Some(send) = &args.send {
        let text = text(send)?;
        let target = api.of_tenant(&["connections", id, "messages"]);
        let answer = api.ask(Method::POST, target, Payload::Bytes("text/plain", text.as_bytes()))?;
        return args.access.done(answer, format!("the message is on its way to {id}"));
    }
    if let Some(code) = args.close {
        let target = api.of_tenant(&["connections", id]).with("code", code).with_some("reason", args.reason.as_ref());
        let answer = api.ask(Method::DELETE, target, Payload::Empty)?;
        return args.access.done(answer, format!("{id} is being closed with {code}"));
    }
    args.access.tell(api.get(api.of_tenant(&["connections", id]))?, |connection: Connection| {
        one(&connection);
        Ok(())
    })
}

/// What was given, or what comes on standard input.
pub(super) fn text(given: &str) -> anyhow::Result<String> {
    if given != "-" {
        return Ok(given.to_owned());
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).context("standard input is not text")?;
    Ok(text)
}

fn all(list: &List<Connection>) {
    if list.items.is_empty() {
        return terminal::remark("no open connections");
    }
    let rows: Vec<_> = list
        .items
        .iter()
        .map(|it| {
            [
                it.id.clone(),
                it.plugin.clone(),
                version(it),
                it.path.clone(),
                it.remote_address.clone(),
                word(it.state),
                ago(it.opened),
                or_dash(it.round_trip_us.map(millis)),
                size(it.outbox_bytes),
                count(it.inbox_messages),
            ]
        })
        .collect();
    let columns = [
        Words("id"),
        Words("plugin"),
        Words("version"),
        Words("path"),
        Words("from"),
        Words("state"),
        Numbers("age"),
        Numbers("round trip"),
        Numbers("outbox"),
        Numbers("inbox"),
    ];
    terminal::line(table(columns, &rows));
    if list.next.is_some() {
        terminal::remark("there are more; --limit shows them");
    }
}

fn one(connection: &Connection) {
    terminal::line(facts(&[
        ("id", connection.id.clone()),
        ("plugin", connection.plugin.clone()),
        ("version", version(connection)),
        ("path", connection.path.clone()),
        ("subprotocol", or_dash(connection.subprotocol.as_ref())),
        ("from", connection.remote_address.clone()),
        ("opened", format!("{}, {} ago", connection.opened, ago(connection.opened))),
        ("state", word(connection.state)),
        ("round trip", or_dash(connection.round_trip_us.map(millis))),
        ("handle", or_dash(connection.handle)),
        ("outbox", size(connection.outbox_bytes)),
        ("inbox", format!("{} messages", count(connection.inbox_messages))),
        ("attachment", size(connection.attachment_bytes)),
    ]));
}

fn millis(micros: u64) -> String {
    format!("{}.{:03} ms", micros / 1000, micros % 1000)
}

fn version(connection: &Connection) -> String {
    let canary = if connection.canary { " (canary)" } else { "" };
    format!("{}{canary}", short(&connection.version))
}
