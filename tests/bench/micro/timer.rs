//! Timers: one that is set and taken back beside others, and many that are due at once.

use crate::door::{TENANT, tenant};
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput};
use holdline::hub::{Hub, Missed, Recurrence, Settings, TimerDue};
use holdline::ids::{NodeId, PluginId};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::runtime;

const PLUGIN: PluginId = PluginId(1);

/// As many as a busy host has.
const MANY: u32 = 100_000;

/// Later than any measurement ends.
const LATER: Duration = Duration::from_secs(3600);

pub(crate) fn measure(criterion: &mut Criterion) {
    let runtime = runtime();
    // Whoever sets a timer is within a runtime, whose clock it takes.
    let _within = runtime.enter();
    let mut group = criterion.benchmark_group("timer");
    for others in [0, MANY] {
        let (hub, _due) = hub(others, LATER);
        let delay = || Recurrence::After(LATER / 2);
        group.bench_with_input(BenchmarkId::new("set, cancel", others), &others, |bencher, _| {
            bencher.iter(|| {
                let timer =
                    hub.timers().set(tenant(TENANT), PLUGIN, delay(), Bytes::new(), Missed::Skip).expect("a timer");
                hub.timers().cancel(PLUGIN, timer).expect("a timer that is pending");
            });
        });
    }
    group.sample_size(10).throughput(Throughput::Elements(MANY.into()));
    group.bench_with_input(BenchmarkId::new("due at once", MANY), &MANY, |bencher, many| {
        bencher.iter_custom(|times| (0..times).map(|_| all_due(&runtime, *many)).sum());
    });
    group.finish();
}

/// How long it takes until the last of those that are due has been taken out of the queue and is over.
fn all_due(runtime: &Runtime, many: u32) -> Duration {
    let (hub, mut due) = hub(many, Duration::ZERO);
    runtime.block_on(async {
        let begun = Instant::now();
        let take = async {
            for _ in 0..many {
                hub.timers().finished(due.recv().await.expect("the hub runs"));
            }
        };
        tokio::select! {
            () = hub.run() => {}
            () = take => {}
        }
        begun.elapsed()
    })
}

/// A hub with so many timers.
fn hub(timers: u32, delay: Duration) -> (Hub, mpsc::Receiver<TimerDue>) {
    let (hub, due) = Hub::new(NodeId::default(), Settings::default()).expect("random numbers");
    hub.timers().admit(PLUGIN);
    for _ in 0..timers {
        hub.timers()
            .set(tenant(TENANT), PLUGIN, Recurrence::After(delay), Bytes::new(), Missed::Skip)
            .expect("a timer");
    }
    (hub, due)
}
