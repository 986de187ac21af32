//! What a run has measured. As JSON it is what programs rely on: names stay, and new ones may come.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::failure::Failure;
use super::plan::{Extent, Plan, Task};
use super::tally::Tally;

/// What a run has measured.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The server.
    pub url: String,
    /// What the connections did: `echo`, `idle`, `connect` or `fan-out`.
    pub mode: &'static str,
    /// How many connections there were to be.
    pub connections: u32,
    /// Messages under way on each connection; none where something else decides.
    pub in_flight: Option<u32>,
    /// Bytes of payload in a message.
    pub size_bytes: usize,
    /// Messages a second that were asked for, if a rate was.
    pub rate_target: Option<f64>,
    /// How connecting went.
    pub connect: Connect,
    /// How long was measured.
    pub seconds: f64,
    /// Messages received in that time; with `connect`, connections made.
    pub messages: u64,
    /// The same for each second.
    pub messages_per_second: f64,
    /// Bytes of payload received in each second.
    pub bytes_per_second: f64,
    /// How long a reply took; none where there was none.
    pub latency_us: Option<Latency>,
    /// How often each kind of failure was met.
    pub errors: BTreeMap<String, u64>,
    /// Connections that were made and broke.
    pub broken: u64,
    /// Messages that had no reply: those on connections that broke, and at a rate those that had been due for more than a second when
    /// the run ended.
    pub unanswered: u64,
    /// Messages that came and had not been asked for.
    pub unexpected: u64,
    /// Computing time that this client took while it measured.
    pub client_cpu_seconds: f64,
    /// How long messages were sent before the measuring began.
    pub warm_up_seconds: f64,
    /// How the rate went, the warm-up included.
    pub timeline: Vec<Sample>,
    /// What the errors were.
    #[serde(skip)]
    pub failures: Vec<(Failure, u64)>,
    /// All latencies, in nanoseconds.
    #[serde(skip)]
    pub histogram: Histogram<u64>,
}

/// How connecting went.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Connect {
    /// Connections that were made.
    pub established: u64,
    /// Connections that were not.
    pub failed: u64,
    /// From the first try to the last connection that was made.
    pub seconds: f64,
    /// Connections made in each second.
    pub per_second: f64,
}

/// Latencies in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
#[allow(missing_docs, reason = "each name says its percentile")]
pub struct Latency {
    pub p50: f64,
    pub p75: f64,
    pub p90: f64,
    pub p99: f64,
    pub p99_9: f64,
    pub p99_99: f64,
    pub max: f64,
    pub mean: f64,
}

/// A piece of the time that a run took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sample {
    /// Its end, from the first message on.
    pub seconds: f64,
    /// Messages for each second of it.
    pub messages_per_second: f64,
}

impl Report {
    pub(super) fn new(plan: &Plan, tally: Tally, timeline: Vec<Sample>) -> Report {
        let (mode, in_flight, rate_target) = match plan.task {
            Task::Echo { in_flight } => ("echo", Some(in_flight), None),
            Task::Paced { per_second } => ("echo", None, Some(per_second)),
            Task::Idle => ("idle", None, None),
            Task::Connect => ("connect", None, None),
            Task::FanOut => ("fan-out", None, None),
        };
        let warm_up = match plan.extent {
            Extent::Lasting { warm_up, .. } => warm_up,
            Extent::Messages(_) => Duration::ZERO,
        };
        let mut errors = BTreeMap::new();
        for (failure, count) in &tally.failures {
            *errors.entry(failure.key()).or_default() += count;
        }
        let connecting = tally.connecting.map_or(Duration::ZERO, |(first, last)| last - first);
        Report {
            url: plan.target.url().to_owned(),
            mode,
            connections: plan.connections,
            in_flight,
            size_bytes: plan.size,
            rate_target,
            connect: Connect {
                established: tally.established,
                failed: tally.failed,
                seconds: connecting.as_secs_f64(),
                per_second: per_second(tally.established, connecting),
            },
            seconds: tally.measured.as_secs_f64(),
            messages: tally.messages,
            messages_per_second: per_second(tally.messages, tally.measured),
            bytes_per_second: per_second(tally.bytes, tally.measured),
            latency_us: (!tally.latency.is_empty()).then(|| latency(&tally.latency)),
            errors,
            broken: tally.broken,
            unanswered: tally.unanswered,
            unexpected: tally.unexpected,
            client_cpu_seconds: tally.cpu.as_secs_f64(),
            warm_up_seconds: warm_up.as_secs_f64(),
            timeline,
            failures: tally.failures.into_iter().collect(),
            histogram: tally.latency,
        }
    }
}

/// None of a thing that took no time is none a second.
fn per_second(count: u64, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count as f64 / time.as_secs_f64() }
}

fn latency(histogram: &Histogram<u64>) -> Latency {
    let micros = |nanos: f64| (nanos / 10.0).round() / 100.0;
    let at = |quantile| micros(histogram.value_at_quantile(quantile) as f64);
    Latency {
        p50: at(0.5),
        p75: at(0.75),
        p90: at(0.9),
        p99: at(0.99),
        p99_9: at(0.999),
        p99_99: at(0.9999),
        max: micros(histogram.max() as f64),
        mean: micros(histogram.mean()),
    }
}
