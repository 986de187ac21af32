//! Timers that call the plugin, workers, and broadcasts.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::harness::Client;
use crate::stage::{LONG, SHORT, Stage, cases, expect, play, same};

cases! {
    "a timer after a while, and at a time" => once,
    "a repeating timer, and cancelling it" => every,
    "a cron timer" => cron,
    "the list of pending timers" => list,
    "sleep" => sleep,
    "a schedule that cannot be kept: `invalid-schedule`, with its text" => invalid_schedule,
    "a timer that is not there: `unknown`" => unknown,
    "a payload over the limit: `too-large`" => too_large,
    "timers over the quota: `quota-exceeded`" => quota,
    "a worker is started, and its end is told" => worker,
    "a worker that fails and one that traps, told" => failing,
    "an exit channel that is not open: `unknown-channel`" => unknown_channel,
    "a worker's name over the limit: `too-large`" => long_name,
    "broadcast to a path and to a list" => broadcast,
}

fn timer(when: Value, payload: Value) -> Value {
    json!({"do": "timer", "when": when, "payload": payload})
}

fn receive(channel: &str, timeout_ms: u64) -> Value {
    json!({"do": "receive", "channel": channel, "timeout-ms": timeout_ms})
}

/// A client, and a channel that it has opened.
async fn with_channel(stage: &Stage) -> anyhow::Result<(Client, String)> {
    let (mut client, channel) = (stage.client().await?, stage.channel());
    client.get(json!({"do": "open", "channel": channel, "capacity": 100})).await?;
    Ok((client, channel))
}

/// Commands that put this into the channel.
fn ring(channel: &str, item: &str) -> Value {
    json!([{"do": "offer", "channel": channel, "item": item}])
}

async fn once(stage: Stage) -> anyhow::Result<()> {
    let (mut client, c) = with_channel(&stage).await?;
    let begun = Instant::now();
    let id = play(&mut client, json!([timer(json!({"after-ms": 100}), ring(&c, "später"))])).await?[0].clone();
    expect(&mut client, json!([receive(&c, LONG)]), json!(["später"])).await?;
    ensure!(begun.elapsed() >= Duration::from_millis(100), "after {:?}", begun.elapsed());
    stage.logged(&format!("timer {id}: ")).await?;
    play(&mut client, json!([timer(json!({"at-ms": 1}), ring(&c, "long ago"))])).await?;
    expect(&mut client, json!([receive(&c, LONG)]), json!(["long ago"])).await
}

async fn every(stage: Stage) -> anyhow::Result<()> {
    let (mut client, c) = with_channel(&stage).await?;
    for missed in ["skip", "burst", "coalesce"] {
        let set = json!({"do": "timer", "when": {"every-ms": 20}, "payload": ring(&c, missed), "missed": missed});
        let id = play(&mut client, json!([set])).await?[0].clone();
        expect(&mut client, json!([receive(&c, LONG), receive(&c, LONG)]), json!([missed, missed])).await?;
        expect(&mut client, json!([{"do": "cancel-timer", "timer": id}]), json!([null])).await?;
        // A run may have been under way.
        while play(&mut client, json!([receive(&c, SHORT)])).await? != json!(["Timeout"]) {}
    }
    Ok(())
}

async fn cron(stage: Stage) -> anyhow::Result<()> {
    let (mut client, c) = with_channel(&stage).await?;
    let set = timer(json!({"cron": {"expression": "* * * * * *", "zone": "Europe/Berlin"}}), ring(&c, "bong"));
    let id = play(&mut client, json!([set])).await?[0].clone();
    expect(&mut client, json!([receive(&c, LONG)]), json!(["bong"])).await?;
    expect(&mut client, json!([{"do": "cancel-timer", "timer": id}]), json!([null])).await
}

async fn list(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let (soon, late) = (now + 3_600_000, now + 7_200_000);
    let set = |at: u64| timer(json!({"at-ms": at}), json!([at]));
    let ids = play(&mut client, json!([set(late), set(soon)])).await?;
    let listed = play(&mut client, json!([{"do": "timers"}])).await?;
    let entry = |id: &Value, at: u64| json!({"id": id, "next-ms": at, "payload": format!("[{at}]")});
    let cancel = |id: &Value| json!({"do": "cancel-timer", "timer": id});
    expect(&mut client, json!([cancel(&ids[0]), cancel(&ids[1])]), json!([null, null])).await?;
    same(&listed, &json!([[entry(&ids[1], soon), entry(&ids[0], late)]]))
}

async fn sleep(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    let begun = Instant::now();
    expect(&mut client, json!([{"do": "sleep", "ms": 100}]), json!([null])).await?;
    ensure!(begun.elapsed() >= Duration::from_millis(100), "after {:?}", begun.elapsed());
    Ok(())
}

async fn invalid_schedule(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    for (when, why) in [
        (json!({"cron": {"expression": "61 * * * * *"}}), "61"),
        (json!({"cron": {"expression": "* * * * *", "zone": "Mars/Olympus"}}), "Mars/Olympus"),
        (json!({"every-ms": 0}), "1 ms"),
    ] {
        let refused = client.ask(timer(when, json!([]))).await?;
        same(&refused["error"], &json!("InvalidSchedule"))?;
        ensure!(refused["text"].as_str().is_some_and(|text| text.contains(why)), "{refused}");
    }
    Ok(())
}

async fn unknown(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    expect(&mut client, json!([{"do": "cancel-timer", "timer": 1_234_567}]), json!(["Unknown"])).await
}

async fn too_large(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    let payload = "x".repeat(64 << 10);
    expect(&mut client, json!([timer(json!({"after-ms": LONG}), json!(payload))]), json!(["TooLarge"])).await
}

async fn quota(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.poor_client().await?;
    let set = timer(json!({"after-ms": LONG}), json!([]));
    let played = play(&mut client, json!([set, set])).await?;
    expect(&mut client, json!([{"do": "cancel-timer", "timer": played[0]}]), json!([null])).await?;
    same(&played[1], &json!("QuotaExceeded"))
}

/// What the exit channel is told of a worker with these commands.
async fn exit_of(stage: &Stage, name: &str, commands: Value) -> anyhow::Result<Value> {
    let (mut client, exits) = with_channel(stage).await?;
    let start = json!({"do": "start", "name": name, "commands": commands, "exit-channel": exits});
    let id = play(&mut client, json!([start])).await?[0].clone();
    let told = play(&mut client, json!([receive(&exits, LONG)])).await?[0].clone();
    same(&told["worker"], &id)?;
    same(&told["name"], &json!(name))?;
    Ok(told)
}

async fn worker(stage: Stage) -> anyhow::Result<()> {
    let told = exit_of(&stage, "fleißig", json!([{"do": "sleep", "ms": 1}])).await?;
    same(&told["outcome"], &json!("finished"))?;
    stage.logged("worker fleißig: [").await?;
    let mut client = stage.client().await?;
    let id = play(&mut client, json!([{"do": "start", "name": "untold", "commands": []}])).await?[0].clone();
    ensure!(id.is_u64(), "{id}");
    stage.logged("worker untold: []").await.map(drop)
}

async fn failing(stage: Stage) -> anyhow::Result<()> {
    let told = exit_of(&stage, "failing", json!([{"do": "fail", "text": "no wörk today"}])).await?;
    same(&told["outcome"], &json!("failed"))?;
    ensure!(told["error"].as_str().is_some_and(|text| text.contains("no wörk today")), "{told}");
    let told = exit_of(&stage, "trapping", json!([{"do": "trap"}])).await?;
    ensure!(told["outcome"] == "trapped" || told["outcome"] == "failed", "{told}");
    Ok(())
}

async fn unknown_channel(stage: Stage) -> anyhow::Result<()> {
    let (mut client, c) = (stage.client().await?, stage.channel());
    let start = json!({"do": "start", "name": "w", "commands": [], "exit-channel": c});
    expect(&mut client, json!([start]), json!(["UnknownChannel"])).await
}

async fn long_name(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    let start = json!({"do": "start", "name": "n".repeat(256), "commands": []});
    expect(&mut client, json!([start]), json!(["TooLarge"])).await
}

async fn broadcast(stage: Stage) -> anyhow::Result<()> {
    let path = format!("/{}/room {}", stage.name, stage.channel()).replace(' ', "-");
    let mut one = stage.host.connect(&path).await?;
    let mut other = stage.host.connect(&path).await?;
    let mut crier = stage.client().await?;
    expect(&mut crier, json!([{"do": "broadcast", "path": path, "text": "an alle"}]), json!([2])).await?;
    same(&one.text().await?, &"an alle".to_owned())?;
    same(&other.text().await?, &"an alle".to_owned())?;
    let id = one.get(json!({"do": "describe"})).await?["id"].as_str().context("an id")?.to_owned();
    let some = json!([{"do": "broadcast", "ids": [id, "nobody", id], "text": "only you"}]);
    expect(&mut crier, some, json!([1])).await?;
    same(&one.text().await?, &"only you".to_owned())
}
