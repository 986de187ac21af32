//! `holdline bench`: load for any WebSocket server, and what it made of it.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::bail;
use bytesize::ByteSize;
use clap::ValueEnum;

use super::source::Advice;
use super::terminal;
use crate::bench::{self, Extent, News, Opening, Payload, Plan, Report, Target, Task};

/// Puts a WebSocket server under load and measures what it does.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline bench ws://127.0.0.1:8080/                       64 connections, each sends when it has a reply\n  \
    holdline bench ws://127.0.0.1:8080/ --rate 20000          20,000 messages a second, whether or not answers come\n  \
    holdline bench ws://127.0.0.1:8080/ --idle --connections 20000 --duration 1m\n  \
    holdline bench ws://127.0.0.1:8080/ --mode connect        how many connections it takes a second\n  \
    holdline bench ws://127.0.0.1:8080/chat --mode fan-out    how many frames of a broadcast it sends a second\n  \
    holdline bench ws://127.0.0.1:8080/ --json > result.json  for a program to read")]
pub(super) struct Bench {
    /// The server, as in ws://127.0.0.1:8080/path.
    url: String,
    /// What the connections do.
    #[arg(long, value_name = "MODE", default_value = "echo")]
    mode: Mode,
    /// The same as --mode idle.
    #[arg(long, conflicts_with = "mode")]
    idle: bool,
    /// How many connections; with --mode connect, how many are being opened at any time.
    #[arg(short, long, value_name = "N", default_value = "64")]
    connections: NonZeroU32,
    /// Messages that are under way on each connection. The next one is sent when a reply comes.
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "rate")]
    in_flight: NonZeroU32,
    /// Messages a second, over all connections. Latency counts from when a message was due.
    #[arg(short, long, value_name = "PER SECOND", value_parser = rate)]
    rate: Option<f64>,
    /// Bytes of payload in a message, as in 64 or 16KiB.
    #[arg(short, long, value_name = "BYTES", default_value = "64")]
    size: ByteSize,
    /// What the messages are.
    #[arg(long, value_name = "KIND", default_value = "text")]
    payload: Payload,
    /// How long is measured.
    #[arg(short, long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    duration: Duration,
    /// How long messages are sent before the measuring begins.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = humantime::parse_duration)]
    warm_up: Duration,
    /// Measure until exactly so many messages were sent and answered, from the first one on.
    #[arg(short = 'n', long, value_name = "N", conflicts_with_all = ["duration", "warm_up"])]
    messages: Option<u64>,
    /// Open the connections evenly over this time.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    ramp: Option<Duration>,
    /// Open so many connections a second.
    #[arg(long, value_name = "PER SECOND", value_parser = rate, conflicts_with = "ramp")]
    connect_rate: Option<f64>,
    /// A local address to connect from; several are used in turn. One has ports for some 28,000 connections.
    #[arg(long, value_name = "ADDR")]
    source: Vec<IpAddr>,
    /// How many threads share the connections.
    #[arg(short, long, value_name = "N", default_value = "1")]
    threads: NonZeroU32,
    /// How long a connection may take to open, and a message to be answered.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// A subprotocol to offer; several in the order of preference.
    #[arg(long, value_name = "NAME")]
    subprotocol: Vec<String>,
    /// A header for the handshake, as in 'Authorization: Bearer …'; may be given several times.
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Print one JSON document instead of the table.
    #[arg(long)]
    json: bool,
}

/// What the connections do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Each sends messages and waits for a reply to each.
    Echo,
    /// They are held open and send nothing.
    Idle,
    /// They are opened and closed over and over.
    Connect,
    /// One more connection sends a message, which each receives; when all have it, the next is sent.
    FanOut,
}

pub(super) fn run(args: Bench) -> anyhow::Result<()> {
    let is_json = args.json;
    let plan = plan(args)?;
    let is_idle = plan.task == Task::Idle;
    let report = bench::run(&plan, &mut |news| {
        if let (News::Standing { established }, true) = (news, is_idle) {
            terminal::remark(format!("holding {established} connections"));
        }
    })?;
    if is_json {
        terminal::line(serde_json::to_string_pretty(&report)?);
    } else {
        terminal::line(&report);
    }
    judge(&report)
}

fn judge(report: &Report) -> anyhow::Result<()> {
    let Some((failure, _)) = report.failures.iter().max_by_key(|(_, count)| *count) else { return Ok(()) };
    let (made, failed, broken) = (report.connect.established, report.connect.failed, report.broken);
    let message = match (made, failed, broken) {
        (0, ..) => format!("no connection to {} could be made: {failure}", report.url),
        (_, 0, _) => format!("{broken} of {made} connections broke: {failure}"),
        (_, _, 0) => format!("{failed} of {} connections were not made: {failure}", made + failed),
        _ => format!("{failed} connections were not made and {broken} broke, most of them for this: {failure}"),
    };
    bail!(Advice { message, hint: failure.hint().to_owned() })
}

fn plan(args: Bench) -> anyhow::Result<Plan> {
    let mode = if args.idle { Mode::Idle } else { args.mode };
    let task = match (mode, args.rate) {
        (Mode::Echo, None) => Task::Echo { in_flight: args.in_flight.get() },
        (Mode::Echo, Some(per_second)) => Task::Paced { per_second },
        (Mode::Idle, _) => Task::Idle,
        (Mode::Connect, _) => Task::Connect,
        (Mode::FanOut, _) => Task::FanOut,
    };
    let opening = match (args.ramp, args.connect_rate) {
        (Some(time), _) => Opening::Ramp(time),
        (None, Some(rate)) => Opening::PerSecond(rate),
        (None, None) => Opening::AtOnce,
    };
    let extent = match args.messages {
        Some(count) => Extent::Messages(count),
        // What sends nothing has nothing to warm up.
        None if task == Task::Idle => Extent::Lasting { warm_up: Duration::ZERO, duration: args.duration },
        None => Extent::Lasting { warm_up: args.warm_up, duration: args.duration },
    };
    Ok(Plan {
        target: Target::find(&args.url, &args.subprotocol, &args.header, &args.source)?,
        task,
        connections: args.connections.get(),
        size: usize::try_from(args.size.as_u64())?,
        payload: args.payload,
        extent,
        opening,
        sources: args.source,
        threads: args.threads.get(),
        timeout: args.timeout,
    })
}

/// A rate that something can have.
fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("a rate is a number above zero".to_owned()),
    }
}
