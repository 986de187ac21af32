//! Delivering to a connection that is held, by its number alone.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::Client;
use crate::stage::{LONG, Stage, cases, expect, play, same};

cases! {
    "deliver text and JSON" => deliver,
    "deliver, confirmed" => confirmed,
    "push while holding, text and bytes" => push,
    "close what is held" => close,
    "release" => release,
    "extend" => extend,
    "send-after and send-at" => later,
    "cancel gives the handle back" => cancel,
    "a used, a foreign and an invented handle: `invalid-handle`" => invalid_handle,
    "a client that has gone: `closed`" => closed,
    "a delivery over the limit: `too-large`" => too_large,
    "a full outbox of a held connection: `overloaded`" => overloaded,
    "a held connection's close code: `invalid-close-code`" => invalid_close_code,
    "a delay over the limit: `invalid-delay`" => invalid_delay,
    "an unknown delivery: `unknown-timer`" => unknown_timer,
    "deliveries over the quota: `quota-exceeded`" => quota,
}

/// A client that is held, its handle, and another client.
async fn held(stage: &Stage) -> anyhow::Result<(Client, u64, Client)> {
    let mut held = stage.client().await?;
    let handle = held.hold().await?;
    Ok((held, handle, stage.client().await?))
}

async fn deliver(stage: Stage) -> anyhow::Result<()> {
    let (mut client, handle, mut hand) = held(&stage).await?;
    expect(&mut hand, json!([{"do": "deliver", "handle": handle, "text": "später, 🦀"}]), json!([null])).await?;
    same(&client.text().await?, &"später, 🦀".to_owned())?;
    let handle = client.hold().await?;
    let value = json!({"a": [1, 2.5, "ü"], "b": {"c": null}});
    expect(&mut hand, json!([{"do": "deliver-json", "handle": handle, "value": value}]), json!([null])).await?;
    same(&client.json().await?, &value)
}

async fn confirmed(stage: Stage) -> anyhow::Result<()> {
    let (mut client, handle, mut hand) = held(&stage).await?;
    expect(&mut hand, json!([{"do": "deliver-confirmed", "handle": handle, "text": "there"}]), json!([null])).await?;
    same(&client.text().await?, &"there".to_owned())
}

async fn push(stage: Stage) -> anyhow::Result<()> {
    let (mut client, handle, mut hand) = held(&stage).await?;
    let commands = json!([
        {"do": "push", "handle": handle, "text": "one"},
        {"do": "push-bytes", "handle": handle, "count": 2},
        {"do": "deliver", "handle": handle, "text": "last"},
    ]);
    expect(&mut hand, commands, json!([null, null, null])).await?;
    same(&client.text().await?, &"one".to_owned())?;
    same(&client.next().await?, &Message::binary(&b"xx"[..]))?;
    same(&client.text().await?, &"last".to_owned())
}

async fn close(stage: Stage) -> anyhow::Result<()> {
    let (client, handle, mut hand) = held(&stage).await?;
    expect(&mut hand, json!([{"do": "close-held", "handle": handle}]), json!([null])).await?;
    same(&client.closed().await?, &(1000, String::new()))?;
    let (client, handle, mut hand) = held(&stage).await?;
    let command = json!([{"do": "close-held", "handle": handle, "code": 3999, "reason": "Schluß"}]);
    expect(&mut hand, command, json!([null])).await?;
    same(&client.closed().await?, &(3999, "Schluß".to_owned()))
}

async fn release(stage: Stage) -> anyhow::Result<()> {
    let (mut client, handle, mut hand) = held(&stage).await?;
    client.tell(json!([{"do": "send", "text": "waited"}])).await?;
    expect(&mut hand, json!([{"do": "release", "handle": handle}]), json!([null])).await?;
    same(&client.text().await?, &"waited".to_owned())
}

async fn extend(stage: Stage) -> anyhow::Result<()> {
    let (mut client, handle, mut hand) = held(&stage).await?;
    client.tell(json!([{"do": "send", "text": "waited"}])).await?;
    expect(&mut hand, json!([{"do": "extend", "handle": handle, "deadline-ms": 20}]), json!([null])).await?;
    same(&client.text().await?, &"waited".to_owned())
}

async fn later(stage: Stage) -> anyhow::Result<()> {
    let (mut client, handle, mut hand) = held(&stage).await?;
    let begun = Instant::now();
    let set = json!([{"do": "send-after", "handle": handle, "text": "after", "delay-ms": 100}]);
    let played = play(&mut hand, set).await?;
    ensure!(played[0].is_u64(), "{played}");
    same(&client.text().await?, &"after".to_owned())?;
    ensure!(begun.elapsed() >= Duration::from_millis(100), "after {:?}", begun.elapsed());
    let handle = client.hold().await?;
    play(&mut hand, json!([{"do": "send-at", "handle": handle, "text": "at", "unix-ms": 1}])).await?;
    same(&client.text().await?, &"at".to_owned())
}

async fn cancel(stage: Stage) -> anyhow::Result<()> {
    let (mut client, handle, mut hand) = held(&stage).await?;
    let set = json!([{"do": "send-after", "handle": handle, "text": "never", "delay-ms": LONG}]);
    let delivery = play(&mut hand, set).await?[0].as_u64().context("a delivery")?;
    expect(&mut hand, json!([{"do": "cancel", "delivery": delivery}]), json!([handle])).await?;
    expect(&mut hand, json!([{"do": "deliver", "handle": handle, "text": "now"}]), json!([null])).await?;
    same(&client.text().await?, &"now".to_owned())
}

async fn invalid_handle(stage: Stage) -> anyhow::Result<()> {
    let (_client, handle, mut hand) = held(&stage).await?;
    let of = |handle: u64| {
        json!([
            {"do": "deliver", "handle": handle, "text": "x"},
            {"do": "deliver-confirmed", "handle": handle, "text": "x"},
            {"do": "push", "handle": handle, "text": "x"},
            {"do": "close-held", "handle": handle},
            {"do": "release", "handle": handle},
            {"do": "extend", "handle": handle, "deadline-ms": 1},
            {"do": "send-after", "handle": handle, "text": "x", "delay-ms": 1},
            {"do": "send-at", "handle": handle, "text": "x", "unix-ms": 1},
        ])
    };
    let refused = Value::from(vec!["InvalidHandle"; 8]);
    expect(&mut hand, json!([{"do": "release", "handle": handle}]), json!([null])).await?;
    expect(&mut hand, of(handle), refused.clone()).await?;
    expect(&mut hand, of((1 << 53) - 1), refused.clone()).await?;
    expect(&mut hand, of(0), refused).await
}

async fn closed(stage: Stage) -> anyhow::Result<()> {
    let (client, handle, mut hand) = held(&stage).await?;
    let held = stage.host.hub().held_count();
    client.close(1000, "").await?;
    stage.host.until("the end of the client", |hub| hub.held_count() < held).await?;
    let commands =
        json!([{"do": "deliver", "handle": handle, "text": "x"}, {"do": "push", "handle": handle, "text": "x"}]);
    expect(&mut hand, commands, json!(["Closed", "Closed"])).await
}

async fn too_large(stage: Stage) -> anyhow::Result<()> {
    let (mut client, handle, mut hand) = held(&stage).await?;
    let commands = json!([
        {"do": "push-bytes", "handle": handle, "count": (1 << 20) + 1},
        {"do": "close-held", "handle": handle, "code": 1000, "reason": "r".repeat(124)},
        {"do": "deliver", "handle": handle, "text": "still held"},
    ]);
    expect(&mut hand, commands, json!(["TooLarge", "TooLarge", null])).await?;
    same(&client.text().await?, &"still held".to_owned())
}

async fn overloaded(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.poor_client().await?;
    // The outbox of the event's own connection is written when the event has returned.
    let push = json!({"do": "push-bytes", "count": 60_000});
    client.tell(json!([{"do": "retain"}, push, push])).await?;
    same(&client.next().await?.len(), &60_000)?;
    let report = client.report().await?;
    same(&report[2], &json!({"error": "Overloaded"}))?;
    let handle = report[0]["ok"].clone();
    let mut hand = stage.poor_client().await?;
    expect(&mut hand, json!([{"do": "release", "handle": handle}]), json!([null])).await
}

async fn invalid_close_code(stage: Stage) -> anyhow::Result<()> {
    let (_client, handle, mut hand) = held(&stage).await?;
    let command = json!([{"do": "close-held", "handle": handle, "code": 999, "reason": ""}]);
    expect(&mut hand, command, json!(["InvalidCloseCode"])).await
}

async fn invalid_delay(stage: Stage) -> anyhow::Result<()> {
    let (_client, handle, mut hand) = held(&stage).await?;
    let year = 365 * 24 * 3600 * 1000_u64;
    let command = json!([{"do": "send-after", "handle": handle, "text": "x", "delay-ms": 2 * year}]);
    expect(&mut hand, command, json!(["InvalidDelay"])).await
}

async fn unknown_timer(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    expect(&mut client, json!([{"do": "cancel", "delivery": 1_234_567}]), json!(["UnknownTimer"])).await
}

async fn quota(stage: Stage) -> anyhow::Result<()> {
    let (mut one, mut other) = (stage.poor_client().await?, stage.poor_client().await?);
    let mut hand = stage.poor_client().await?;
    let (first, second) = (one.hold().await?, other.hold().await?);
    let after = |handle: u64| json!({"do": "send-after", "handle": handle, "text": "x", "delay-ms": LONG});
    let played = play(&mut hand, json!([after(first), after(second)])).await?;
    let release = |handle: u64| json!({"do": "release", "handle": handle});
    let commands = json!([{"do": "cancel", "delivery": played[0]}, release(first), release(second)]);
    expect(&mut hand, commands, json!([first, null, null])).await?;
    same(&played[1], &json!("QuotaExceeded"))
}
