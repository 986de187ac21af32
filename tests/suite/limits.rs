//! What a tenant may use: past a limit the guest is told, the client gets the proper status or code, the usage names the limit, and
//! nobody else feels it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytesize::ByteSize;
use holdline::tenant::{AtRate, Counter, Limit, Limits, Tenant};
use serde_json::{Value, json};

use crate::harness::{COUNTER, Client, Guest, Host, PUPPET, Setup, case, handshake, request};

/// A tenant with these limits and one plugin at `/limited`.
async fn limited(guest: Guest, limits: Limits, manifest: &str) -> anyhow::Result<(Host, Arc<Tenant>)> {
    let setup = Setup::new().tenant("small", &[], limits)?.guest(guest, "limited", manifest)?.of("small")?;
    let host = setup.start().await?;
    let tenant = host.registry().tenants().get("small").context("it is there")?;
    Ok((host, tenant))
}

fn small() -> Limits {
    Limits::default()
}

#[tokio::test]
async fn connections() -> anyhow::Result<()> {
    let (host, tenant) = limited(PUPPET, Limits { connections: 2, ..small() }, "").await?;
    let first = host.connect("/limited").await?;
    let _second = host.connect("/limited").await?;
    assert_eq!(request(host.address(), "/limited", &handshake()).await?.status, 503);
    assert_eq!(tenant.usage().refusals(Limit::Connections), 1);

    first.close(1000, "").await?;
    host.until("the place of the first", |_| tenant.usage().used(Limit::Connections) == 1).await?;
    host.connect("/limited").await?;
    Ok(())
}

#[tokio::test]
async fn held_connections() -> anyhow::Result<()> {
    let (host, tenant) = limited(PUPPET, Limits { held_connections: 1, ..small() }, "").await?;
    let mut held = host.connect("/limited").await?;
    let mut refused = host.connect("/limited").await?;
    let handle = held.hold().await?;
    assert_eq!(case(&refused.ask(json!({"do": "retain"})).await?), "QuotaExceeded");
    assert_eq!(tenant.usage().refusals(Limit::HeldConnections), 1);

    refused.get(json!({"do": "release", "handle": handle})).await?;
    refused.hold().await?;
    Ok(())
}

#[tokio::test]
async fn timers_and_deliveries() -> anyhow::Result<()> {
    let (host, tenant) = limited(PUPPET, Limits { timers: 2, ..small() }, "").await?;
    let mut client = host.connect("/limited").await?;
    let set = json!({"do": "timer", "when": {"after-ms": 60_000}, "payload": []});
    let timer = client.get(set.clone()).await?;
    let mut held = host.connect("/limited").await?;
    let handle = held.hold().await?;
    let later = json!({"do": "send-after", "handle": handle, "text": "later", "delay-ms": 60_000});
    let delivery = client.get(later.clone()).await?;
    assert_eq!(case(&client.ask(set.clone()).await?), "QuotaExceeded");
    assert_eq!(tenant.usage().used(Limit::Timers), 2);

    client.get(json!({"do": "cancel", "delivery": delivery})).await?;
    client.get(set.clone()).await?;
    assert_eq!(case(&client.ask(later).await?), "QuotaExceeded");
    client.get(json!({"do": "cancel-timer", "timer": timer})).await?;
    assert_eq!(tenant.usage().used(Limit::Timers), 1);
    Ok(())
}

#[tokio::test]
async fn channels_and_what_is_in_them() -> anyhow::Result<()> {
    let limits = Limits { channels: 2, channel_size: ByteSize::b(100), ..small() };
    let (host, tenant) = limited(PUPPET, limits, "").await?;
    let mut client = host.connect("/limited").await?;
    let open = |name: &str| json!({"do": "open", "channel": name, "capacity": 1000});
    client.get(open("one")).await?;
    client.get(open("two")).await?;
    assert_eq!(case(&client.ask(open("three")).await?), "QuotaExceeded");

    let offer = |channel: &str| json!({"do": "offer", "channel": channel, "item": "x".repeat(38)});
    client.get(offer("one")).await?;
    client.get(offer("two")).await?;
    assert_eq!(case(&client.ask(offer("two")).await?), "QuotaExceeded");
    assert_eq!(tenant.usage().used(Limit::ChannelBytes), 80);
    client.get(json!({"do": "poll", "channel": "one"})).await?;
    client.get(offer("two")).await?;

    client.get(json!({"do": "close-channel", "channel": "one"})).await?;
    client.get(open("three")).await?;
    assert_eq!(tenant.usage().used(Limit::Channels), 2);
    Ok(())
}

#[tokio::test]
async fn workers() -> anyhow::Result<()> {
    let (host, tenant) = limited(PUPPET, Limits { workers: 1, ..small() }, "").await?;
    let mut client = host.connect("/limited").await?;
    let wait = json!([{"do": "open", "channel": "go", "capacity": 1}, {"do": "receive", "channel": "go"}]);
    let start = json!({"do": "start", "name": "w", "commands": wait});
    client.get(start.clone()).await?;
    assert_eq!(case(&client.ask(start.clone()).await?), "QuotaExceeded");

    client.get(json!({"do": "open", "channel": "go", "capacity": 1})).await?;
    client.get(json!({"do": "offer", "channel": "go", "item": 1})).await?;
    host.until("the end of the worker", |_| tenant.usage().used(Limit::Workers) == 0).await?;
    client.get(start).await?;
    Ok(())
}

#[tokio::test]
async fn instances_of_one_tenant_are_waited_for_by_that_tenant_alone() -> anyhow::Result<()> {
    let host = Setup::new()
        .tenant("small", &[], Limits { instances: 2, ..small() })?
        .guest(PUPPET, "limited", "")?
        .of("small")?
        .guest(PUPPET, "free", "")?
        .start()
        .await?;
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let mut client = host.connect("/limited").await?;
        client
            .tell(json!([{"do": "open", "channel": "go", "capacity": 0}, {"do": "receive", "channel": "go"}]))
            .await?;
        waiting.push(client);
    }
    let tenant = host.registry().tenants().get("small").context("it is there")?;
    host.until("both to have an instance", |_| tenant.usage().used(Limit::Instances) == 2).await?;
    let mut third = host.connect("/limited").await?;
    third.tell(json!({"do": "send", "text": "my turn"})).await?;
    host.until("the third to wait", |_| tenant.usage().refusals(Limit::Instances) > 0).await?;
    // The other tenant has its own.
    host.connect("/free").await?.get(json!({"do": "describe"})).await?;

    let mut gone = waiting.pop().context("two were there")?;
    gone.send_text("").await.ok();
    host.hub().channels().lookup(tenant.id(), "go")?.offer("1".into())?;
    assert_eq!(third.text().await?, "my turn");
    Ok(())
}

#[tokio::test]
async fn memory_of_one_instance_and_of_all() -> anyhow::Result<()> {
    let limits = Limits { instance_memory: ByteSize::mib(8), ..small() };
    let (host, tenant) = limited(PUPPET, limits, "limits = { memory = \"64MiB\" }").await?;
    let mut client = host.connect("/limited").await?;
    client.tell(json!({"do": "eat"})).await?;
    assert_eq!(client.closed().await?.0, 1011);
    assert!(tenant.usage().counted(Counter::Failures) > 0);

    let limits = Limits { memory: ByteSize::mib(4), ..small() };
    let (host, tenant) = limited(PUPPET, limits, "").await?;
    let mut client = host.connect("/limited").await?;
    client.tell(json!({"do": "eat"})).await?;
    assert_eq!(client.closed().await?.0, 1011);
    assert!(tenant.usage().refusals(Limit::Memory) > 0);
    host.until("the memory to be given back", |_| tenant.usage().used(Limit::Memory) == 0).await?;
    Ok(())
}

#[tokio::test]
async fn clients_that_are_too_fast_are_held_back_and_lose_nothing() -> anyhow::Result<()> {
    const RATE: u32 = 200;
    let limits = Limits { messages_per_second: Some(RATE), ..small() };
    let (host, tenant) = limited(COUNTER, limits, "isolation = \"pooled\"\nlimits = { warm = 1 }").await?;
    let mut client = host.connect("/limited").await?;
    let begun = Instant::now();
    // A second's worth at once, and then half a second's.
    for _ in 0..RATE * 3 / 2 {
        client.send_text("").await?;
    }
    for number in 1..=RATE * 3 / 2 {
        assert_eq!(client.text().await?, number.to_string());
    }
    assert!(begun.elapsed() >= Duration::from_millis(450), "{:?}", begun.elapsed());
    assert!(tenant.usage().refusals(Limit::MessageRate) > 0);
    assert_eq!(tenant.usage().counted(Counter::MessagesIn), u64::from(RATE * 3 / 2));
    Ok(())
}

#[tokio::test]
async fn clients_that_are_too_fast_are_closed_if_that_is_wanted() -> anyhow::Result<()> {
    let limits = Limits { bytes_per_second: Some(ByteSize::kib(4)), at_rate: AtRate::Close, ..small() };
    let (host, tenant) = limited(COUNTER, limits, "").await?;
    let mut client = host.connect("/limited").await?;
    client.send_text("x".repeat(4 << 10)).await?;
    assert_eq!(client.text().await?, "1");
    client.send_text("x".repeat(4 << 10)).await?;
    assert_eq!(client.closed().await?.0, 1008);
    assert!(tenant.usage().refusals(Limit::ByteRate) > 0);
    Ok(())
}

/// What waits for clients that do not read, of all connections together.
#[tokio::test]
async fn what_waits_is_bounded_over_all_connections() -> anyhow::Result<()> {
    let limits = Limits { waiting_size: ByteSize::mib(8), ..small() };
    let (host, tenant) = limited(PUPPET, limits, "").await?;
    let mut hand = host.connect("/limited").await?;
    let mut deaf: Vec<(Client, u64)> = Vec::new();
    for _ in 0..20 {
        let mut client = host.connect("/limited").await?;
        let handle = client.hold().await?;
        deaf.push((client, handle));
    }
    let mut overloaded = 0;
    for (_, handle) in deaf.iter().cycle().take(400) {
        let push: Value = json!({"do": "push-bytes", "handle": handle, "count": 512 << 10});
        overloaded += usize::from(case(&hand.ask(push).await?) == "Overloaded");
    }
    assert!(overloaded > 0 && tenant.usage().refusals(Limit::WaitingBytes) > 0, "{overloaded}");
    assert!(tenant.usage().used(Limit::WaitingBytes) <= 9 << 20);
    drop(deaf);
    host.until("what waited to be forgotten", |_| tenant.usage().used(Limit::WaitingBytes) == 0).await?;
    Ok(())
}

#[tokio::test]
async fn plugins_and_their_size() -> anyhow::Result<()> {
    let none = Setup::new().tenant("small", &[], Limits { plugins: 0, ..small() })?;
    let error = none.guest(PUPPET, "one-too-many", "")?.of("small")?.refusal().await?;
    assert_eq!(error.to_string(), "plugin `one-too-many` goes beyond `plugins` of its tenant, which is 0");
    let tiny = Setup::new().tenant("small", &[], Limits { component_size: ByteSize::kib(1), ..small() })?;
    let error = tiny.guest(PUPPET, "too-big", "")?.of("small")?.refusal().await?;
    assert_eq!(error.to_string(), "plugin `too-big` goes beyond `component-size` of its tenant, which is 1024");
    assert!(error.hint().is_some_and(|hint| hint.contains("component-size")));
    Ok(())
}
