//! `holdline logs`: what plugins say, as it comes.

use std::io::{BufRead, BufReader};

use anyhow::{Context, bail};

use super::access::Access;
use super::api::Api;
use super::source::Advice;
use super::table::{or_dash, plain, short, word};
use super::terminal;
use crate::admin::shapes::{Level, LogLine};

/// Shows the last lines of a tenant's log, and with `-f` those that come.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline logs --tail 20\n  \
    holdline logs -f --plugin echo\n  \
    holdline logs -f --level warn --json | jq .message")]
pub(super) struct Logs {
    /// Go on with the lines that come.
    #[arg(short, long)]
    follow: bool,
    /// Only those of this plugin.
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
    /// This level and those above it.
    #[arg(long, default_value = "info")]
    level: Level,
    /// Begin with so many of the lines that are past; the host keeps the last 1,000.
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u16).range(0..=1000))]
    tail: u16,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(args: Logs) -> anyhow::Result<()> {
    let api = Api::new(&args.access)?;
    let target = api.of_tenant(&["logs"]).with_some("plugin", args.plugin.as_ref()).with("level", word(args.level));
    let stream = api.stream(target.with("tail", args.tail).with("follow", args.follow))?;
    let mut event = Event::default();
    for line in BufReader::new(stream).lines() {
        let line = line.context("the log broke off: the host has stopped, or cannot be reached any more")?;
        if let Some(event) = event.take(&line) {
            print(&event, &args.access)?;
        }
    }
    if args.follow {
        bail!(Advice {
            message: "the host has ended the log".to_owned(),
            hint: "it has stopped, or the token is no longer good".to_owned(),
        });
    }
    Ok(())
}

/// One server-sent event, as far as it has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Event {
    name: String,
    data: String,
}

impl Event {
    /// Takes one line more; an empty one ends an event that has data.
    fn take(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let event = std::mem::take(self);
            return (!event.data.is_empty()).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            "event" => value.clone_into(&mut self.name),
            // Comments have no name; all other fields are for browsers.
            _ => {}
        }
        None
    }
}

fn print(event: &Event, access: &Access) -> anyhow::Result<()> {
    if event.name == "lost" {
        terminal::remark(format!("lines were lost, because they were not read fast enough: {}", plain(&event.data)));
        return Ok(());
    }
    if access.is_json() {
        terminal::line(&event.data);
        return Ok(());
    }
    let line: LogLine = serde_json::from_str(&event.data).context("a line of the log cannot be understood")?;
    let (level, plugin) = (word(line.level).to_uppercase(), plain(&or_dash(line.plugin)));
    let version = line.version.map(|digest| format!("@{}", short(&plain(&digest)))).unwrap_or_default();
    terminal::line(format!("{} {level:>5} {plugin}{version}: {}", line.at, plain(&line.message)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_end_with_an_empty_line_and_comments_are_none() {
        let mut event = Event::default();
        let lines = [": alive", "", "data: one", "", "event: lost", "data:{}", "data: x", "id: 7", "", "data: cut"];
        let events: Vec<_> = lines.iter().filter_map(|line| event.take(line)).collect();
        let expected = [("", "one"), ("lost", "{}\nx")];
        assert_eq!(events, expected.map(|(name, data)| Event { name: name.to_owned(), data: data.to_owned() }));
    }
}
