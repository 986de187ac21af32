//! The cells of the benchmark: which servers are in each, and how one of them is measured once.

use std::cell::OnceCell;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use serde::{Serialize, Serializer};

use crate::book::{Figures, Quantity};
use crate::client::{self, Load, Measured, Mode, Timing};
use crate::process::pause;
use crate::servers::{Server, Service, Stage};
use crate::start;

/// One comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Cell {
    /// 64 connections, one message in flight on each, 64 bytes
    #[value(name = "64x1x64")]
    Many,
    /// 16 connections, 16 messages in flight on each, 64 bytes
    #[value(name = "16x16x64")]
    Pipelined,
    /// 64 connections, one message in flight on each, 16 KiB
    #[value(name = "64x1x16k")]
    Large,
    /// One connection, one message in flight, 64 bytes
    #[value(name = "1x1x64")]
    Single,
    /// Latency at half of what the native echo can do
    HalfLoad,
    /// Memory of connections that do nothing
    Idle,
    /// Connections made in a second
    Connects,
    /// One message to all connections
    Broadcast,
    /// From the start of the program to the first connection
    Start,
    /// So many connections, one message in flight on each, 64 bytes
    #[value(skip)]
    Growth(u32),
}

/// The cells that are measured unless others are asked for.
pub(crate) const CELLS: [Cell; 9] = [
    Cell::Many,
    Cell::Pipelined,
    Cell::Large,
    Cell::Single,
    Cell::HalfLoad,
    Cell::Idle,
    Cell::Connects,
    Cell::Broadcast,
    Cell::Start,
];

/// The cells that show what becomes of it when there are more and more connections.
pub(crate) const GROWTH: [Cell; 5] =
    [Cell::Growth(100), Cell::Growth(1000), Cell::Growth(5000), Cell::Growth(10_000), Cell::Growth(15_000)];

const SIZE: u32 = 64;
const LARGE: u32 = 16 * 1024;

/// As many as a limit of 20,000 open files leaves room for; half of them for a server that opens two files for each.
const IDLE_CONNECTIONS: u32 = 15_000;

const BROADCAST_CONNECTIONS: u32 = 5000;

/// What a server does after the last connection has come is over after this time.
const SETTLE: Duration = Duration::from_secs(1);

const KIB: f64 = 1024.0;

impl Cell {
    /// What a table calls it.
    pub(crate) fn title(self) -> String {
        match self {
            Self::Many => "64 connections × 1 in flight × 64 B".to_owned(),
            Self::Pipelined => "16 connections × 16 in flight × 64 B".to_owned(),
            Self::Large => "64 connections × 1 in flight × 16 KiB".to_owned(),
            Self::Single => "1 connection × 1 in flight × 64 B".to_owned(),
            Self::HalfLoad => "64 connections × 64 B at half of the native echo's rate".to_owned(),
            Self::Idle => format!("memory of {IDLE_CONNECTIONS} idle connections"),
            Self::Connects => "connections made and closed".to_owned(),
            Self::Broadcast => format!("64 B to {BROADCAST_CONNECTIONS} connections"),
            Self::Start => "start of `holdline run echo.wasm` to the first connection".to_owned(),
            Self::Growth(connections) => format!("{connections} connections × 1 in flight × 64 B"),
        }
    }

    /// Those that are compared here.
    pub(crate) fn servers(self) -> &'static [Server] {
        use Server::{Bun, Connection, Event, Held, Native, Node, Pooled, SendAfter, Worker, Workerd};
        match self {
            Self::Many | Self::Pipelined | Self::Large | Self::Single => {
                &[Native, Pooled, Event, Connection, Worker, SendAfter, Node, Bun, Workerd]
            }
            Self::HalfLoad => &[Native, Pooled, Bun],
            Self::Idle => &[Native, Pooled, Held, Node, Bun, Workerd],
            Self::Connects => &[Native, Pooled, Event, Node, Bun, Workerd],
            Self::Broadcast => &[Native, Pooled, Node, Bun],
            Self::Start => &[Pooled],
            Self::Growth(_) => &[Native, Pooled],
        }
    }

    /// How many rounds are enough where others need one. A p99 is what one moment in a hundred was like, and differs from round to round much more
    /// than a rate does.
    pub(crate) fn rounds(self) -> u32 {
        if self == Self::HalfLoad { 3 } else { 1 }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self, self.to_possible_value()) {
            (Self::Growth(connections), _) => serializer.collect_str(&format_args!("growth-{connections}")),
            (_, Some(value)) => serializer.serialize_str(value.get_name()),
            (_, None) => serializer.serialize_str(&self.title()),
        }
    }
}

/// Measures one server at a time, each time in a fresh process: nothing of one measurement is left in the next, and what differs
/// from process to process is in the spread.
pub(crate) struct Bench {
    stage: Stage,
    timing: Timing,
    /// Half of what the native echo can do, found out when it is first needed, and then the same for all.
    half: OnceCell<f64>,
}

impl Bench {
    pub(crate) fn new(stage: Stage, timing: Timing) -> Self {
        Self { stage, timing, half: OnceCell::new() }
    }

    pub(crate) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Measures the server once.
    pub(crate) fn measure(&self, cell: Cell, server: Server) -> anyhow::Result<Figures> {
        let load = |connections, in_flight, size| Load { mode: Mode::Echo { in_flight }, connections, size };
        match cell {
            Cell::Many => self.echo(server, load(64, 1, SIZE)),
            Cell::Pipelined => self.echo(server, load(16, 16, SIZE)),
            Cell::Large => self.echo(server, load(64, 1, LARGE)),
            Cell::Single => self.echo(server, load(1, 1, SIZE)),
            Cell::Growth(connections) => self.echo(server, load(connections, 1, SIZE)),
            Cell::HalfLoad => self.echo(server, Load { mode: Mode::Rate(self.half_rate()?), ..load(64, 1, SIZE) }),
            Cell::Idle => self.idle(server),
            Cell::Connects => {
                let measured = self.load(server, Service::Echo, Load { mode: Mode::Connect, ..load(64, 1, SIZE) })?;
                Ok(throughput(Quantity::ConnectsPerSecond, &measured))
            }
            Cell::Broadcast => {
                let load = Load { mode: Mode::FanOut, ..load(BROADCAST_CONNECTIONS, 1, SIZE) };
                let measured = self.load(server, Service::Broadcast, load)?;
                Ok(throughput(Quantity::FramesPerSecond, &measured))
            }
            Cell::Start => start::cold_and_warm(&self.stage),
        }
    }

    fn load(&self, server: Server, service: Service, load: Load) -> anyhow::Result<Measured> {
        let running = self.stage.start(server, service)?;
        client::run(&self.stage, &running, load, self.timing)
    }

    fn echo(&self, server: Server, load: Load) -> anyhow::Result<Figures> {
        let measured = self.load(server, Service::Echo, load)?;
        let mut figures = throughput(Quantity::MessagesPerSecond, &measured);
        let latency = measured.report.latency_us.context("nothing was answered")?;
        figures.push((Quantity::P50Micros, latency.p50));
        figures.push((Quantity::P99Micros, latency.p99));
        figures.push((Quantity::ServerMemoryMib, measured.resident / KIB / KIB));
        Ok(figures)
    }

    fn half_rate(&self) -> anyhow::Result<f64> {
        if let Some(half) = self.half.get() {
            return Ok(*half);
        }
        let load = Load { mode: Mode::Echo { in_flight: 1 }, connections: 64, size: SIZE };
        let full = self.load(Server::Native, Service::Echo, load)?.report.messages_per_second;
        Ok(*self.half.get_or_init(|| full / 2.0))
    }

    fn idle(&self, server: Server) -> anyhow::Result<Figures> {
        let running = self.stage.start(server, Service::Echo)?;
        // The first connection makes what all the others share.
        let _first = client::hold(&self.stage, &running, 1)?;
        pause(SETTLE);
        let before = running.process.resident()?;
        let connections = if server == Server::Workerd { IDLE_CONNECTIONS / 2 } else { IDLE_CONNECTIONS };
        let _others = client::hold(&self.stage, &running, connections)?;
        pause(SETTLE);
        let after = running.process.resident()?;
        Ok(vec![(Quantity::ConnectionBytes, (after - before) / f64::from(connections))])
    }
}

/// The rate, and what it costs.
fn throughput(quantity: Quantity, measured: &Measured) -> Figures {
    let rate = measured.report.messages_per_second;
    vec![
        (quantity, rate),
        (Quantity::CpuMicrosPerMessage, measured.server_busy / rate * 1e6),
        (Quantity::ServerBusyPercent, measured.server_busy * 100.0),
        (Quantity::ClientBusyPercent, measured.client_busy * 100.0),
        (Quantity::OthersBusyPercent, measured.others_busy * 100.0),
    ]
}
