//! Named queues between instances.

use serde_json::{Value, json};

use crate::harness::Client;
use crate::stage::{LONG, SHORT, Stage, cases, expect, play, same};

cases! {
    "items come out as they went in, as JSON" => fifo,
    "a handle goes through a channel, and another instance answers" => handle,
    "peek, poll, len and capacity" => look,
    "a rendezvous" => rendezvous,
    "select" => select,
    "select of nothing: `no-channels`" => no_channels,
    "no room: `full`, and after a while `timeout`" => full,
    "nothing there: `timeout`" => timeout,
    "closed, and closed and empty: `closed`" => closed,
    "not open: `unknown`" => unknown,
    "open with another capacity: `wrong-capacity`" => wrong_capacity,
    "a large item passes, a capacity over the limit: `too-large`" => too_large,
    "no name: `invalid-name`" => invalid_name,
    "channels over the quota: `quota-exceeded`" => quota,
}

fn open(channel: &str, capacity: u32) -> Value {
    json!({"do": "open", "channel": channel, "capacity": capacity})
}

fn offer(channel: &str, item: impl Into<Value>) -> Value {
    json!({"do": "offer", "channel": channel, "item": item.into()})
}

fn put(channel: &str, item: impl Into<Value>, timeout_ms: impl Into<Option<u64>>) -> Value {
    json!({"do": "put", "channel": channel, "item": item.into(), "timeout-ms": timeout_ms.into()})
}

fn receive(channel: &str, timeout_ms: u64) -> Value {
    json!({"do": "receive", "channel": channel, "timeout-ms": timeout_ms})
}

fn on(what: &str, channel: &str) -> Value {
    json!({"do": what, "channel": channel})
}

async fn two(stage: &Stage) -> anyhow::Result<(String, Client, Client)> {
    Ok((stage.channel(), stage.client().await?, stage.client().await?))
}

async fn fifo(stage: Stage) -> anyhow::Result<()> {
    let (c, mut one, mut other) = two(&stage).await?;
    let item = json!({"text": "ü🦀\u{0}", "list": [1, -2.5, true, null], "deep": {"a": {}}});
    let commands =
        json!([open(&c, 5), offer(&c, "erstes"), offer(&c, item.clone()), put(&c, 3, None), put(&c, 4, SHORT)]);
    expect(&mut one, commands, json!([null, null, null, null, null])).await?;
    let commands = json!([receive(&c, LONG), receive(&c, LONG), {"do": "receive", "channel": c}, receive(&c, LONG)]);
    expect(&mut other, commands, json!(["erstes", item, 3, 4])).await
}

async fn handle(stage: Stage) -> anyhow::Result<()> {
    let (c, mut one, mut other) = two(&stage).await?;
    let played = play(&mut one, json!([open(&c, 1), {"do": "retain"}, {"do": "offer-handle", "channel": c}])).await?;
    same(&played[2], &Value::Null)?;
    let came = play(&mut other, json!([receive(&c, LONG)])).await?;
    same(&came[0], &played[1])?;
    expect(&mut other, json!([{"do": "deliver", "handle": came[0], "text": "by number"}]), json!([null])).await?;
    same(&one.text().await?, &"by number".to_owned())
}

async fn look(stage: Stage) -> anyhow::Result<()> {
    let (c, mut one, _) = two(&stage).await?;
    let commands = json!([
        open(&c, 7),
        on("capacity", &c),
        on("len", &c),
        on("poll", &c),
        on("peek", &c),
        offer(&c, 1),
        on("len", &c),
        on("peek", &c),
        on("poll", &c),
        on("poll", &c),
    ]);
    expect(&mut one, commands, json!([null, 7, 0, null, null, null, 1, 1, 1, null])).await
}

async fn rendezvous(stage: Stage) -> anyhow::Result<()> {
    let (c, mut one, mut other) = two(&stage).await?;
    let commands = json!([open(&c, 0), offer(&c, "x"), put(&c, "x", SHORT)]);
    expect(&mut one, commands, json!([null, "Full", "Timeout"])).await?;
    other.tell(json!([receive(&c, LONG)])).await?;
    expect(&mut one, json!([put(&c, "from hand to hand", LONG)]), json!([null])).await?;
    same(&other.report().await?, &vec![json!({"ok": "from hand to hand"})])
}

async fn select(stage: Stage) -> anyhow::Result<()> {
    let (a, mut client, _) = two(&stage).await?;
    let b = stage.channel();
    let select = |timeout: Option<u64>| json!({"do": "select", "channels": [a, b], "timeout-ms": timeout});
    let commands = json!([
        open(&a, 1),
        open(&b, 1),
        select(Some(SHORT)),
        offer(&b, "of b"),
        select(None),
        offer(&a, "of a"),
        select(Some(LONG)),
        on("close-channel", &a),
        on("close-channel", &b),
        select(None),
    ]);
    let outcomes = json!([null, null, "Timeout", null, [1, "of b"], null, [0, "of a"], null, null, "Closed"]);
    expect(&mut client, commands, outcomes).await
}

async fn no_channels(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    expect(&mut client, json!([{"do": "select", "channels": [], "timeout-ms": 1}]), json!(["NoChannels"])).await
}

async fn full(stage: Stage) -> anyhow::Result<()> {
    let (c, mut client, _) = two(&stage).await?;
    let commands = json!([open(&c, 1), offer(&c, 1), offer(&c, 2), put(&c, 2, SHORT)]);
    expect(&mut client, commands, json!([null, null, "Full", "Timeout"])).await
}

async fn timeout(stage: Stage) -> anyhow::Result<()> {
    let (c, mut client, _) = two(&stage).await?;
    let commands = json!([open(&c, 1), receive(&c, 0), receive(&c, SHORT)]);
    expect(&mut client, commands, json!([null, "Timeout", "Timeout"])).await
}

async fn closed(stage: Stage) -> anyhow::Result<()> {
    let (c, mut client, _) = two(&stage).await?;
    let commands = json!([
        open(&c, 2),
        offer(&c, "left"),
        on("close-channel", &c),
        on("close-channel", &c),
        offer(&c, 2),
        put(&c, 2, None),
        receive(&c, 0),
        receive(&c, 0),
        on("poll", &c),
        on("peek", &c),
    ]);
    let outcomes = json!([null, null, null, null, "Closed", "Closed", "left", "Closed", "Closed", "Closed"]);
    expect(&mut client, commands, outcomes).await
}

async fn unknown(stage: Stage) -> anyhow::Result<()> {
    let (c, mut client, _) = two(&stage).await?;
    expect(&mut client, json!([on("len", &c), offer(&c, 1)]), json!(["Unknown", "Unknown"])).await
}

async fn wrong_capacity(stage: Stage) -> anyhow::Result<()> {
    let (c, mut client, _) = two(&stage).await?;
    expect(&mut client, json!([open(&c, 1), open(&c, 1), open(&c, 2)]), json!([null, null, "WrongCapacity"])).await
}

async fn too_large(stage: Stage) -> anyhow::Result<()> {
    let (c, mut client, _) = two(&stage).await?;
    expect(&mut client, json!([open(&c, (1 << 20) + 1), open(&c, 1)]), json!(["TooLarge", null])).await?;
    // A message may have a mebibyte, and so may an item: a large one passes.
    let item = "x".repeat((1 << 20) - 200);
    expect(&mut client, json!([offer(&c, item)]), json!([null])).await
}

async fn invalid_name(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    let commands = json!([open("", 1), open(&"n".repeat(256), 1), open("a\u{7}b", 1)]);
    expect(&mut client, commands, json!(["InvalidName", "InvalidName", "InvalidName"])).await
}

async fn quota(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.poor_client().await?;
    let (a, b) = (stage.channel(), stage.channel());
    let commands = json!([open(&a, 1), open(&b, 1), on("close-channel", &a)]);
    expect(&mut client, commands, json!([null, "QuotaExceeded", null])).await
}
