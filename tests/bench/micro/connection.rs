//! What connections share and what each has: the handle table and the outbox.

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput};
use holdline::hub::{Connection, EventKind, Hub, RetainOptions, Settings};
use holdline::ids::{NodeId, WebSocketHandle};

use crate::TEXT;
use crate::door::{TENANT, connect, pop, text};

/// So many frames wait when a client is slow, or a handler has much to say.
const FRAMES: u64 = 64;

pub(crate) fn measure(criterion: &mut Criterion) {
    handles(criterion);
    outbox(criterion);
}

/// A handle is given out and used, beside so many others.
fn handles(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("handle");
    for others in [0, 100_000] {
        let hub = hub();
        let _others: Vec<_> = (0..others).map(|_| retain(&hub, &connect(&hub, TENANT, "/"))).collect();
        let connection = connect(&hub, TENANT, "/");
        let message = text(TEXT);
        group.bench_with_input(BenchmarkId::new("retain, release", others), &others, |bencher, _| {
            bencher.iter(|| hub.release(TENANT, retain(&hub, &connection).get()).expect("a release"));
        });
        group.bench_with_input(BenchmarkId::new("retain, send", others), &others, |bencher, _| {
            bencher.iter(|| {
                let handle = retain(&hub, &connection);
                hub.send(TENANT, handle.get(), message.clone(), None).expect("a send");
                pop(&connection)
            });
        });
    }
    group.finish();
}

/// Frames go in, and out as the door takes them.
fn outbox(criterion: &mut Criterion) {
    let hub = hub();
    let connection = connect(&hub, TENANT, "/");
    connection.begin_event(EventKind::Message);
    let message = text(TEXT);
    let mut group = criterion.benchmark_group("outbox");
    for frames in [1, FRAMES] {
        group.throughput(Throughput::Elements(frames));
        group.bench_with_input(BenchmarkId::new("push, pop", frames), &frames, |bencher, frames| {
            bencher.iter(|| {
                for _ in 0..*frames {
                    connection.reply(message.clone()).expect("a reply");
                }
                while pop(&connection).is_some() {}
            });
        });
    }
    group.finish();
}

fn hub() -> Hub {
    Hub::new(NodeId::default(), Settings::default()).expect("random numbers").0
}

/// An event that holds its connection.
fn retain(hub: &Hub, connection: &Arc<Connection>) -> WebSocketHandle {
    connection.begin_event(EventKind::Message);
    let handle = hub.retain(connection, RetainOptions::default()).expect("a handle");
    hub.finish_event(connection, Ok(()));
    handle
}
