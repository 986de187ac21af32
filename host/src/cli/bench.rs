//! `holdline bench`: load for any WebSocket server, and what it made of it.

use std::io::{self, IsTerminal};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use bytesize::ByteSize;
use clap::ValueEnum;

use super::source::Advice;
use super::terminal::{self, Progress};
use crate::bench::{self, Extent, Failure, News, Opening, Payload, Plan, Report, Target, Task};
use crate::outgoing::{self, Trust};

/// Clocks do not tell more things apart in a second.
const HIGHEST_RATE: f64 = 1e9;

/// Beyond this a timer could not be set.
const LONGEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// What takes less cannot be measured.
const SHORTEST: Duration = Duration::from_millis(1);

/// A larger message would be a test of this machine's memory.
const LARGEST: usize = 1 << 30;

/// Puts a WebSocket server under load and measures what it does.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline bench ws://127.0.0.1:8080/                       64 connections, each sends when it has a reply\n  \
    holdline bench ws://127.0.0.1:8080/ --rate 20000          20,000 messages a second, whether or not answers come\n  \
    holdline bench ws://127.0.0.1:8080/ --idle --connections 20000 --duration 1m\n  \
    holdline bench ws://127.0.0.1:8080/ --mode connect        how many connections it takes a second\n  \
    holdline bench ws://127.0.0.1:8080/chat --mode fan-out    how many frames of a broadcast it sends a second\n  \
    holdline bench ws://127.0.0.1:8080/ --plot result.svg     a picture of latency and rate besides the table\n  \
    holdline bench ws://127.0.0.1:8080/ --json > result.json  for a program to read")]
pub(super) struct Bench {
    /// The server, as in ws://127.0.0.1:8080/path or wss://example.com/path.
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
    /// Messages that are under way on each connection, 1 if not said. The next one is sent when a reply comes.
    #[arg(long, value_name = "N", conflicts_with = "rate")]
    in_flight: Option<NonZeroU32>,
    /// Messages a second, over all connections. Latency counts from when a message was due.
    #[arg(short, long, value_name = "PER SECOND", value_parser = rate)]
    rate: Option<f64>,
    /// Bytes of payload in a message, as in 64 or 16KiB.
    #[arg(short, long, value_name = "BYTES", default_value = "64", value_parser = size)]
    size: usize,
    /// What the messages are.
    #[arg(long, value_name = "KIND", default_value = "text")]
    payload: Payload,
    /// How long is measured.
    #[arg(short, long, value_name = "TIME", default_value = "10s", value_parser = some_time)]
    duration: Duration,
    /// How long messages are sent before the measuring begins.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = time)]
    warm_up: Duration,
    /// Measure until exactly so many messages were sent and answered, from the first one on.
    #[arg(short = 'n', long, value_name = "N", conflicts_with_all = ["duration", "warm_up"])]
    messages: Option<u64>,
    /// Open the connections evenly over this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
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
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = some_time)]
    timeout: Duration,
    /// A subprotocol to offer; several in the order of preference.
    #[arg(long, value_name = "NAME")]
    subprotocol: Vec<String>,
    /// A header for the handshake, as in 'Authorization: Bearer …'; may be given several times.
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Believe servers with a certificate of these authorities, too: a file with one or more in PEM.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Print one JSON document instead of the table.
    #[arg(long)]
    json: bool,
    /// Write a picture of latency and rate, in SVG, to this file.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
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

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Mode::Echo => "echo",
            Mode::Idle => "idle",
            Mode::Connect => "connect",
            Mode::FanOut => "fan-out",
        }
    }
}

pub(super) fn run(args: Bench) -> anyhow::Result<()> {
    let (is_json, plot) = (args.json, args.plot.clone());
    let plan = plan(args)?;
    let live = io::stderr().is_terminal().then(|| Progress::start("connecting"));
    let report = bench::run(&plan, &mut |news| tell(&plan, live.as_ref(), news))?;
    drop(live);
    if is_json {
        terminal::line(serde_json::to_string_pretty(&report)?);
    } else {
        terminal::line(&report);
    }
    if let Some(file) = plot {
        std::fs::write(&file, bench::svg(&report)).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    judge(&report)
}

/// Says what happens, on a line that changes. That idle connections stand is said in any case: who measures the server waits for it.
fn tell(plan: &Plan, live: Option<&Progress>, news: News) {
    let text = match news {
        News::Standing { established } if plan.task == Task::Idle => {
            let text = format!("holding {established} connections");
            return live.map_or_else(|| terminal::remark(&text), |live| live.line(&text));
        }
        News::Standing { .. } => return,
        News::Running { .. } if plan.task == Task::Idle => return,
        News::Connecting { established, failed: 0 } => format!("{established} of {} connections", plan.connections),
        News::Connecting { established, failed } => {
            format!("{established} of {} connections, {failed} failed", plan.connections)
        }
        News::Running { elapsed, per_second } => format!("{:.0} s, {per_second:.0} a second", elapsed.as_secs_f64()),
    };
    if let Some(live) = live {
        live.step(&text);
    }
}

/// What is printed is a result only if all connections held and replies came.
fn judge(report: &Report) -> anyhow::Result<()> {
    let (url, made, failed, broken) = (&report.url, report.connect.established, report.connect.failed, report.broken);
    let Some((failure, _)) = report.failures.iter().max_by_key(|(_, count)| *count) else {
        if report.mode != "idle" && report.messages == 0 {
            bail!(Advice {
                message: format!("{url} sent nothing back in {:.1} s", report.seconds),
                hint: silence(report).to_owned(),
            });
        }
        return Ok(());
    };
    let message = match (made, failed, broken) {
        (0, ..) => format!("no connection to {url} could be made: {failure}"),
        (_, 0, _) => format!("{broken} of {made} connections broke: {failure}"),
        (_, _, 0) => format!("{failed} of {} connections were not made: {failure}", made + failed),
        _ => format!("{failed} connections were not made and {broken} broke, most of all: {failure}"),
    };
    let hint = if *failure == Failure::TimedOut && report.messages == 0 { silence(report) } else { failure.hint() };
    bail!(Advice { message, hint: hint.to_owned() })
}

/// What to do about a server that takes connections and says nothing.
fn silence(report: &Report) -> &'static str {
    match report.mode {
        "fan-out" => {
            "the server has to send the message of one connection to all the others; --mode echo wants less of it"
        }
        _ => "the server has to answer every message with one; --mode idle and --mode connect want no answers",
    }
}

fn plan(args: Bench) -> anyhow::Result<Plan> {
    let mode = if args.idle { Mode::Idle } else { args.mode };
    check(&args, mode)?;
    let task = match (mode, args.rate) {
        (Mode::Echo, None) => Task::Echo { in_flight: args.in_flight.map_or(1, NonZeroU32::get) },
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
    let roots = outgoing::Settings { roots: args.ca };
    let trust = Trust::new(&roots).map_err(|error| Advice {
        message: error.to_string(),
        hint: "--ca is a file with one certificate or more in PEM".to_owned(),
    })?;
    let tls = trust.settings().context("nobody is believed")?;
    Ok(Plan {
        target: Target::find(&args.url, &args.subprotocol, &args.header, &args.source, tls)?,
        task,
        connections: args.connections.get(),
        size: args.size,
        payload: args.payload,
        extent,
        opening,
        sources: args.source,
        threads: args.threads.get(),
        timeout: args.timeout,
    })
}

/// An argument that would change nothing is a misunderstanding.
fn check(args: &Bench, mode: Mode) -> anyhow::Result<()> {
    let is_echo = mode == Mode::Echo;
    let pointless = [
        ("--in-flight", args.in_flight.is_some() && !is_echo),
        ("--rate", args.rate.is_some() && !is_echo),
        ("--messages", args.messages.is_some() && !is_echo && mode != Mode::FanOut),
        ("--threads", args.threads.get() > 1 && mode == Mode::FanOut),
        ("--plot", args.plot.is_some() && mode == Mode::Idle),
    ];
    if let Some((flag, _)) = pointless.iter().find(|(_, is_pointless)| *is_pointless) {
        bail!(Advice {
            message: format!("{flag} does not go with --mode {}", mode.name()),
            hint: "leave one of them out; `holdline bench --help` says what each of them does".to_owned(),
        });
    }
    Ok(())
}

/// A rate that something can have.
fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate <= HIGHEST_RATE => Ok(rate),
        _ => Err("a rate is a number above zero, a billion at most".to_owned()),
    }
}

/// A time that a run can take.
fn time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| format!("{error}; write it as in 10s or 1m30s"))?;
    if time > LONGEST { Err("a time may be 400 days at most".to_owned()) } else { Ok(time) }
}

/// A time in which something can happen.
fn some_time(text: &str) -> Result<Duration, String> {
    let time = time(text)?;
    if time < SHORTEST { Err("this time must be 1ms at least".to_owned()) } else { Ok(time) }
}

/// The size of a message.
fn size(text: &str) -> Result<usize, String> {
    let size: ByteSize = text.parse().map_err(|error| format!("{error}; write it as in 64 or 16KiB"))?;
    let too_large = || "a message may have 1GiB at most".to_owned();
    usize::try_from(size.as_u64()).ok().filter(|size| *size <= LARGEST).ok_or_else(too_large)
}
