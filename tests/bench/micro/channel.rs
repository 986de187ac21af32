//! Channels: an item that is there when it is asked for, and one that is waited for.

use bytes::Bytes;
use criterion::Criterion;
use holdline::hub::{Channels, Hub, Settings};
use holdline::ids::NodeId;

use crate::door::{TENANT, tenant};
use crate::{TEXT, each, runtime};

const CAPACITY: u32 = 1024;

const ITEM: Bytes = Bytes::from_static(TEXT.as_bytes());

pub(crate) fn measure(criterion: &mut Criterion) {
    let runtime = runtime();
    let (hub, _due) = Hub::new(NodeId::default(), Settings::default()).expect("random numbers");
    let open = |name| hub.channels().open(tenant(TENANT), name, CAPACITY).expect("a channel");
    let mut group = criterion.benchmark_group("channel");

    let channel = open("items");
    group.bench_function("send, receive", |bencher| {
        each(bencher, &runtime, async || {
            channel.send(ITEM, None).await.expect("room");
            channel.receive(None).await.expect("an item");
        });
    });

    // The other one waits in `receive` each time, and so does this one.
    let (questions, answers) = (open("questions"), open("answers"));
    let other = runtime.spawn({
        let (questions, answers) = (questions.clone(), answers.clone());
        async move {
            while let Ok(item) = questions.receive(None).await {
                answers.send(item, None).await.expect("room");
            }
        }
    });
    group.bench_function("there and back between two tasks", |bencher| {
        each(bencher, &runtime, async || {
            questions.send(ITEM, None).await.expect("room");
            answers.receive(None).await.expect("an item");
        });
    });
    other.abort();
    group.finish();
}
