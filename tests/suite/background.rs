//! What plugins do beside their connections: workers, channel handlers, timers, broadcasts, and their log.

use std::time::{Duration, Instant};

use holdline::digest::{Brief, Digest};
use serde_json::{Value, json};

use crate::harness::{Client, Host, POSTMAN, PUPPET, Setup, case, lines, logged};

/// How long a guest waits in a channel for what is to come; less than its own timeout.
const LONG: u64 = 20_000;

async fn puppet(name: &str, manifest: &str) -> anyhow::Result<Host> {
    Setup::new().guest(PUPPET, name, manifest)?.start().await
}

/// The next item of a channel.
async fn take(client: &mut Client, channel: &str) -> anyhow::Result<Value> {
    client.get(json!({"do": "receive", "channel": channel, "timeout-ms": LONG})).await
}

fn open(channel: &str) -> Value {
    json!({"do": "open", "channel": channel, "capacity": 100})
}

fn offer(channel: &str, item: &str) -> Value {
    json!({"do": "offer", "channel": channel, "item": item})
}

#[tokio::test]
async fn a_plugin_without_connections_delivers_to_those_of_another() -> anyhow::Result<()> {
    let worker = "[[worker]]\nname = \"pat\"\nargument = \"letters\"";
    let setup = Setup::new().guest(POSTMAN, "postman", worker)?.at(None);
    let host = setup.guest(PUPPET, "addressee", "")?.start().await?;
    let mut client = host.connect("/addressee").await?;

    client.tell(json!([open("letters"), {"do": "retain"}, {"do": "offer-handle", "channel": "letters"}])).await?;
    client.report().await?;

    assert_eq!(client.text().await?, "a letter by pat");
    Ok(())
}

#[tokio::test]
async fn a_worker_runs_in_as_many_instances_as_its_manifest_says() -> anyhow::Result<()> {
    // Each says that it runs and then stays, so that none of them can run twice.
    let argument = json!([open("running"), offer("running", "one more"), {"do": "sleep", "ms": 3_600_000}]);
    let manifest = format!("[[worker]]\nname = \"w\"\ninstances = 3\nargument = '{argument}'");
    let host = puppet("three-workers", &manifest).await?;
    let mut client = host.connect("/three-workers").await?;
    client.get(open("running")).await?;

    for _ in 0..3 {
        take(&mut client, "running").await?;
    }
    let fourth = json!({"do": "receive", "channel": "running", "timeout-ms": 300});
    assert_eq!(case(&client.ask(fourth).await?), "Timeout");
    Ok(())
}

#[tokio::test]
async fn a_worker_that_traps_is_run_again_after_a_pause_that_doubles() -> anyhow::Result<()> {
    let argument = json!([open("runs"), offer("runs", "again"), {"do": "trap"}]);
    let started = Instant::now();
    let host = puppet("stumbling", &format!("[[worker]]\nname = \"w\"\nargument = '{argument}'")).await?;
    let mut client = host.connect("/stumbling").await?;
    client.get(open("runs")).await?;

    for _ in 0..4 {
        take(&mut client, "runs").await?;
    }

    // 100, 200 and 400 ms.
    assert!(started.elapsed() >= Duration::from_millis(700), "four runs in {:?}", started.elapsed());
    logged("stumbling", "worker w").await?;
    Ok(())
}

#[tokio::test]
async fn a_worker_that_traps_twice_goes_on_and_is_done_when_it_returns_well() -> anyhow::Result<()> {
    let stones = json!({"do": "open", "channel": "stones", "capacity": 2});
    let stumble = json!({"do": "trap-until-full", "channel": "stones"});
    let argument = json!([stones, stumble, open("arrived"), offer("arrived", "well")]);
    let host = puppet("recovering", &format!("[[worker]]\nname = \"w\"\nargument = '{argument}'")).await?;
    let mut client = host.connect("/recovering").await?;
    client.get(open("arrived")).await?;

    assert_eq!(take(&mut client, "arrived").await?, "well");
    logged("recovering", "worker w: [").await?;
    assert_eq!(lines("recovering").iter().filter(|line| line.contains("trapped")).count(), 2);
    // Longer than the pause before a third run would be.
    let again = json!({"do": "receive", "channel": "arrived", "timeout-ms": 600});
    assert_eq!(case(&client.ask(again).await?), "Timeout");
    Ok(())
}

/// Starts a worker by name: what the exit channel is told of its end.
async fn exit_of(name: &str, commands: Value) -> anyhow::Result<Value> {
    let host = puppet(name, "").await?;
    let mut client = host.connect(&format!("/{name}")).await?;
    client.get(open("exits")).await?;
    let start = json!({"do": "start", "name": "by hand", "commands": commands, "exit-channel": "exits"});
    let id = client.get(start).await?;

    let mut exit = take(&mut client, "exits").await?;

    assert!(id.is_u64());
    assert_eq!(exit.get("worker"), Some(&id));
    assert_eq!(exit.get("name"), Some(&json!("by hand")));
    let again = json!({"do": "receive", "channel": "exits", "timeout-ms": 300});
    assert_eq!(case(&client.ask(again).await?), "Timeout", "a worker that was started by hand is not run again");
    Ok(exit.as_object_mut().map(|exit| json!([exit.remove("outcome"), exit.remove("error")])).unwrap_or_default())
}

#[tokio::test]
async fn the_exit_channel_is_told_that_a_worker_has_finished() -> anyhow::Result<()> {
    assert_eq!(exit_of("finishes", json!([])).await?, json!(["finished", null]));
    Ok(())
}

#[tokio::test]
async fn the_exit_channel_is_told_the_error_of_a_worker() -> anyhow::Result<()> {
    let exit = exit_of("fails", json!([{"do": "fail", "text": "out of paper"}])).await?;
    assert_eq!(exit, json!(["failed", "out of paper"]));
    Ok(())
}

#[tokio::test]
async fn the_exit_channel_is_told_the_trap_of_a_worker() -> anyhow::Result<()> {
    let exit = exit_of("crashes", json!([{"do": "trap"}])).await?;
    assert_eq!(exit.get(0), Some(&json!("trapped")));
    assert!(exit.get(1).and_then(Value::as_str).is_some_and(|text| text.contains("unreachable")), "{exit}");
    Ok(())
}

#[tokio::test]
async fn a_worker_is_not_started_without_its_exit_channel() -> anyhow::Result<()> {
    let host = puppet("no-exit", "").await?;
    let mut client = host.connect("/no-exit").await?;
    let start = |name: &str, commands: &Value, channel: Option<&str>| json!({"do": "start", "name": name, "commands": commands, "exit-channel": channel});

    let refused = client.ask(start("w", &json!([]), Some("nowhere"))).await?;
    assert_eq!(case(&refused), "UnknownChannel");
    let refused = client.ask(start(&"w".repeat(256), &json!([]), None)).await?;
    assert_eq!(case(&refused), "TooLarge");
    Ok(())
}

#[tokio::test]
async fn a_channel_handler_is_called_for_each_item() -> anyhow::Result<()> {
    let host = puppet("handling", "[[channel]]\nname = \"jobs\"\ncapacity = 9").await?;
    let mut client = host.connect("/handling").await?;
    client.get(open("done")).await?;

    for number in 0..5 {
        let job = json!([offer("done", &number.to_string())]);
        client.get(json!({"do": "put", "channel": "jobs", "item": job})).await?;
    }

    for number in 0..5 {
        assert_eq!(take(&mut client, "done").await?, number.to_string());
    }
    logged("handling", "item of jobs").await?;
    Ok(())
}

/// Two items, of which one waits for the other within its call.
async fn meet(name: &str, concurrency: u32) -> anyhow::Result<Vec<Value>> {
    let manifest = format!("[[channel]]\nname = \"jobs\"\ncapacity = 9\nconcurrency = {concurrency}");
    let host = puppet(name, &manifest).await?;
    let mut client = host.connect(&format!("/{name}")).await?;
    client.get(open("done")).await?;
    client.get(json!({"do": "open", "channel": "meeting", "capacity": 0})).await?;
    let comes =
        json!([{"do": "put", "channel": "meeting", "item": "hello", "timeout-ms": 1000}, offer("done", "came")]);
    let waits = json!([{"do": "receive", "channel": "meeting", "timeout-ms": 1000}, offer("done", "waited")]);
    client.get(json!({"do": "put", "channel": "jobs", "item": comes})).await?;
    client.get(json!({"do": "put", "channel": "jobs", "item": waits})).await?;
    take(&mut client, "done").await?;
    take(&mut client, "done").await?;
    logged(name, "item of jobs").await?;
    Ok(lines(name).into_iter().map(Value::from).collect())
}

#[tokio::test]
async fn as_many_items_are_handled_at_once_as_the_manifest_says() -> anyhow::Result<()> {
    let together = meet("two-at-once", 2).await?;
    assert!(!json!(together).to_string().contains("Timeout"), "{together:?}");
    let alone = meet("one-at-once", 1).await?;
    assert!(json!(alone).to_string().contains("Timeout"), "{alone:?}");
    Ok(())
}

#[tokio::test]
async fn a_channel_handler_that_fails_takes_the_next_item() -> anyhow::Result<()> {
    let host = puppet("dropping", "[[channel]]\nname = \"jobs\"\ncapacity = 9").await?;
    let mut client = host.connect("/dropping").await?;
    client.get(open("done")).await?;

    for job in [json!([{"do": "trap"}]), json!([{"do": "fail", "text": "no"}]), json!([offer("done", "at last")])] {
        client.get(json!({"do": "put", "channel": "jobs", "item": job})).await?;
    }

    assert_eq!(take(&mut client, "done").await?, "at last");
    logged("dropping", "trapped").await?;
    logged("dropping", "returned an error: no").await?;
    Ok(())
}

#[tokio::test]
async fn what_a_plugin_prints_goes_to_its_log() -> anyhow::Result<()> {
    let host = puppet("printing", "").await?;
    let mut client = host.connect("/printing").await?;

    let print = json!([{"do": "print", "text": "one\ntwo"}, {"do": "print-error", "text": "three"}]);
    client.tell(print).await?;
    client.report().await?;

    let version = Brief(Digest::of(&PUPPET.component()?));
    assert_eq!(logged("printing", "one").await?, format!("INFO one tenant=default version={version}"));
    assert_eq!(logged("printing", "two").await?, format!("INFO two tenant=default version={version}"));
    assert_eq!(logged("printing", "three").await?, format!("WARN three tenant=default version={version}"));
    Ok(())
}

#[tokio::test]
async fn a_broadcast_reaches_a_path_and_all_below_it() -> anyhow::Result<()> {
    let host = puppet("rooms", "").await?;
    let mut here = host.connect("/rooms/blue").await?;
    let mut below = host.connect("/rooms/blue/corner").await?;
    let mut held = host.connect("/rooms/blue").await?;
    let mut elsewhere = host.connect("/rooms/bluebell").await?;
    held.hold().await?;

    let count = elsewhere.get(json!({"do": "broadcast", "path": "/rooms/blue", "text": "dinner"})).await?;

    assert_eq!(count, 3);
    for client in [&mut here, &mut below, &mut held] {
        assert_eq!(client.text().await?, "dinner");
    }
    assert_eq!(elsewhere.get(json!({"do": "attachment"})).await?, "", "the next thing that came was no broadcast");
    assert_eq!(host.hub().held_count(), 1);
    Ok(())
}

#[tokio::test]
async fn a_broadcast_reaches_those_who_are_named_each_once() -> anyhow::Result<()> {
    let host = puppet("named-ones", "").await?;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(host.connect("/named-ones").await?);
    }
    let mut ids = Vec::new();
    for client in &mut clients {
        ids.push(client.get(json!({"do": "describe"})).await?.get("id").cloned().unwrap_or_default());
    }
    let [one, other, sender] = clients.as_mut_slice() else { anyhow::bail!("three clients") };
    other.hold().await?;
    let named = json!([ids.first(), ids.get(1), ids.first(), "nobody", "0".repeat(40)]);

    let count = sender.get(json!({"do": "broadcast", "ids": named, "text": "psst"})).await?;

    assert_eq!(count, 2);
    assert_eq!(one.text().await?, "psst");
    assert_eq!(other.text().await?, "psst");
    assert_eq!(one.get(json!({"do": "attachment"})).await?, "", "it came once");
    Ok(())
}
