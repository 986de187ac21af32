//! The load: `holdline bench` on the core of clients, and what the server used while it was measured.
//!
//! It knows the report of that command as far as it is needed here.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::process::{Core, PATIENCE, Process, machine_computed, pause};
use crate::servers::{Running, Stage};

/// How often it is noted what the server has used.
const NOTE: Duration = Duration::from_millis(50);

/// What the clients do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode {
    /// Each has so many messages under way, and sends again when it has an answer.
    Echo { in_flight: u32 },
    /// So many messages a second, whether they are answered or not.
    Rate(f64),
    /// Connect and leave, again and again.
    Connect,
    /// One more client sends, and all receive.
    FanOut,
}

/// How many clients there are, and what they send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) mode: Mode,
    pub(crate) connections: u32,
    pub(crate) size: u32,
}

/// How long is measured, and how long a server is warmed up before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    pub(crate) measured: Duration,
    pub(crate) warm_up: Duration,
}

/// What the client reports.
#[derive(Deserialize)]
pub(crate) struct Report {
    connect: Connect,
    seconds: f64,
    pub(crate) messages_per_second: f64,
    /// None where nothing is answered.
    pub(crate) latency_us: Option<Latency>,
    errors: BTreeMap<String, u64>,
    client_cpu_seconds: f64,
}

#[derive(Deserialize)]
struct Connect {
    failed: u64,
    /// From the first try to the last connection.
    seconds: f64,
}

/// Microseconds from a message to its answer.
#[derive(Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// What came out of a load.
pub(crate) struct Measured {
    pub(crate) report: Report,
    /// The share of its core that the server had while it was measured.
    pub(crate) server_busy: f64,
    /// The same of the client.
    pub(crate) client_busy: f64,
    /// The share of a core that all but the server and the client had.
    pub(crate) others_busy: f64,
    /// What the server had in memory then, in bytes.
    pub(crate) resident: f64,
}

/// What the server had used at one moment.
struct Note {
    at: Instant,
    computed: Duration,
    machine_computed: Duration,
    resident: f64,
}

/// Puts the load on the server.
pub(crate) fn run(stage: &Stage, server: &Running, load: Load, timing: Timing) -> anyhow::Result<Measured> {
    let limit = PATIENCE + timing.warm_up + timing.measured;
    let begun = Instant::now();
    let mut client = start(stage, server, load, timing)?;
    let mut notes = Vec::new();
    while !client.has_ended()? {
        ensure!(begun.elapsed() < limit, client.failure(&format!("took more than {} s", limit.as_secs())));
        notes.push(Note {
            at: Instant::now(),
            computed: server.process.computed()?,
            machine_computed: machine_computed()?,
            resident: server.process.resident()?,
        });
        pause(NOTE);
    }
    // A client whose server has died complains of something else.
    let output = client.output().map_err(|error| server.process.resident().err().unwrap_or(error))?;
    let report: Report = serde_json::from_str(&output).context("the client's report is of another form")?;
    ensure!(report.connect.failed == 0, "{} connections failed: {:?}", report.connect.failed, report.errors);
    ensure!(report.errors.is_empty(), "the client met errors: {:?}", report.errors);
    let connecting = match load.mode {
        // This is what is measured.
        Mode::Connect => Duration::ZERO,
        Mode::Echo { .. } | Mode::Rate(_) | Mode::FanOut => Duration::try_from_secs_f64(report.connect.seconds)?,
    };
    let (first, last) = middle(&notes, begun + connecting + timing.warm_up, timing.measured)?;
    let elapsed = (last.at - first.at).as_secs_f64();
    let server_busy = (last.computed - first.computed).as_secs_f64() / elapsed;
    let all_busy = (last.machine_computed - first.machine_computed).as_secs_f64() / elapsed;
    let client_busy = report.client_cpu_seconds / report.seconds;
    let others_busy = (all_busy - server_busy - client_busy).max(0.0);
    Ok(Measured { server_busy, client_busy, others_busy, resident: last.resident, report })
}

/// The first and the last note of a measurement that began at this moment. The moment is not known well, and no note is taken at that
/// very one, so the edges are left out.
fn middle(notes: &[Note], begin: Instant, measured: Duration) -> anyhow::Result<(&Note, &Note)> {
    let middle = begin + measured / 10..begin + measured * 9 / 10;
    let within = |note: &&Note| middle.contains(&note.at);
    let edges = notes.iter().find(within).zip(notes.iter().rfind(within));
    edges.filter(|(first, last)| first.at < last.at).context("the measurement was too short to be looked at")
}

fn start(stage: &Stage, server: &Running, load: Load, timing: Timing) -> anyhow::Result<Process> {
    let mut command = Core::Client.command(stage.holdline());
    command.args(["bench", &server.url, "--json"]);
    command.args(["--connections", &load.connections.to_string(), "--size", &load.size.to_string()]);
    command.args(["--duration", &millis(timing.measured), "--warm-up", &millis(timing.warm_up)]);
    match load.mode {
        Mode::Echo { in_flight } => command.args(["--in-flight", &in_flight.to_string()]),
        Mode::Rate(rate) => command.args(["--rate", &format!("{rate:.0}")]),
        Mode::Connect => command.args(["--mode", "connect"]),
        Mode::FanOut => command.args(["--mode", "fan-out"]),
    };
    Process::start("the client", command, stage.scratch("client.log"))
}

/// Connects so many clients that do nothing, and returns when all stand. They leave when what is returned is dropped.
pub(crate) fn hold(stage: &Stage, server: &Running, connections: u32) -> anyhow::Result<Process> {
    let mut command = Core::Client.command(stage.holdline());
    command.args(["bench", &server.url, "--mode", "idle", "--json", "--duration", "10m"]);
    command.args(["--connections", &connections.to_string()]);
    let begun = Instant::now();
    let mut client = Process::start("the client", command, stage.scratch(&format!("client-{connections}.log")))?;
    while !client.complaints().contains("holding") {
        ensure!(!client.has_ended()?, client.failure("did not hold its connections"));
        ensure!(begun.elapsed() < PATIENCE, client.failure("did not connect in time"));
        pause(NOTE);
    }
    Ok(client)
}

fn millis(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}
