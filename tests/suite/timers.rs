//! Timers of plugins: each run is an event of its own, in an instance of its own.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use holdline::ids::TenantId;
use holdline::tenant::Limit;
use serde_json::{Value, json};

use crate::harness::{Client, Host, PUPPET, Setup, case, logged};

/// A host, and a client whose timers put what they have to say into a channel.
async fn clocked(name: &str) -> anyhow::Result<(Host, Client)> {
    let host = Setup::new().guest(PUPPET, name, "")?.start().await?;
    let mut client = host.connect(&format!("/{name}")).await?;
    client.get(json!({"do": "open", "channel": "rings", "capacity": 1000})).await?;
    Ok((host, client))
}

fn ring(text: &str) -> Value {
    json!([{"do": "offer", "channel": "rings", "item": text}])
}

async fn set(client: &mut Client, when: Value, payload: Value) -> anyhow::Result<u64> {
    let timer = client.get(json!({"do": "timer", "when": when, "payload": payload})).await?;
    Ok(timer.as_u64().unwrap_or_default())
}

async fn rings(client: &mut Client) -> anyhow::Result<Value> {
    client.get(json!({"do": "receive", "channel": "rings", "timeout-ms": 20_000})).await
}

async fn is_silent(client: &mut Client, ms: u64) -> anyhow::Result<()> {
    let receive = json!({"do": "receive", "channel": "rings", "timeout-ms": ms});
    assert_eq!(case(&client.ask(receive).await?), "Timeout");
    Ok(())
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[tokio::test]
async fn a_timer_runs_once_and_not_before_its_time() -> anyhow::Result<()> {
    let (_host, mut client) = clocked("once").await?;

    let asked = Instant::now();
    let timer = set(&mut client, json!({"after-ms": 300}), ring("ding")).await?;

    assert_eq!(rings(&mut client).await?, "ding");
    assert!(asked.elapsed() >= Duration::from_millis(300), "after {:?}", asked.elapsed());
    logged("once", &format!("timer {timer}: ")).await?;
    is_silent(&mut client, 400).await
}

#[tokio::test]
async fn a_timer_at_a_time_runs_then_and_at_once_if_it_has_passed() -> anyhow::Result<()> {
    let (_host, mut client) = clocked("at").await?;

    let due = now_ms() + 300;
    set(&mut client, json!({"at-ms": due}), ring("then")).await?;
    assert_eq!(rings(&mut client).await?, "then");
    assert!(now_ms() >= due, "{} ms early", due - now_ms());

    set(&mut client, json!({"at-ms": 1}), ring("long ago")).await?;
    assert_eq!(rings(&mut client).await?, "long ago");
    Ok(())
}

#[tokio::test]
async fn a_repeating_timer_does_not_drift() -> anyhow::Result<()> {
    let (_host, mut client) = clocked("every").await?;

    let asked = Instant::now();
    // Each run takes as long as half of the interval: from its end on counted, twenty of them would take 3 s.
    let payload = json!([{"do": "sleep", "ms": 50}, {"do": "offer", "channel": "rings", "item": "tick"}]);
    let timer = set(&mut client, json!({"every-ms": 100}), payload).await?;
    for _ in 0..20 {
        rings(&mut client).await?;
    }

    let taken = asked.elapsed();
    assert!(taken >= Duration::from_secs(2), "twenty ticks in {taken:?}");
    client.get(json!({"do": "cancel-timer", "timer": timer})).await?;
    Ok(())
}

#[tokio::test]
async fn a_cron_timer_with_seconds_runs_at_whole_seconds() -> anyhow::Result<()> {
    let (_host, mut client) = clocked("cron").await?;

    set(&mut client, json!({"cron": {"expression": "* * * * * *", "zone": "Europe/Berlin"}}), ring("bong")).await?;
    rings(&mut client).await?;
    let first = now_ms();
    rings(&mut client).await?;
    let second = now_ms();

    assert_eq!(second / 1000 - first / 1000, 1, "{first} and {second}");
    Ok(())
}

#[tokio::test]
async fn a_schedule_that_cannot_be_kept_says_why() -> anyhow::Result<()> {
    let (_host, mut client) = clocked("never").await?;
    let year = 365 * 24 * 3600 * 1000_u64;
    let schedules = [
        (json!({"cron": {"expression": "61 * * * * *"}}), "61"),
        (json!({"cron": {"expression": "* * * * *", "zone": "Mars/Olympus"}}), "Mars/Olympus"),
        (json!({"cron": {"expression": "0 0 0 30 2 *"}}), "30 2"),
        (json!({"every-ms": 0}), "1 ms"),
        (json!({"after-ms": 2 * year}), "400 days"),
    ];

    for (when, why) in schedules {
        let refused = client.ask(json!({"do": "timer", "when": when, "payload": []})).await?;
        assert_eq!(case(&refused), "InvalidSchedule", "{when}");
        assert!(refused.to_string().contains(why), "{refused}");
    }
    let payload = "x".repeat(64 << 10);
    let refused = client.ask(json!({"do": "timer", "when": {"after-ms": 1}, "payload": payload})).await?;
    assert_eq!(case(&refused), "TooLarge");
    Ok(())
}

#[tokio::test]
async fn a_cancelled_timer_does_not_run() -> anyhow::Result<()> {
    let (host, mut client) = clocked("cancelled").await?;
    let once = set(&mut client, json!({"after-ms": 400}), ring("once")).await?;
    let often = set(&mut client, json!({"every-ms": 400}), ring("often")).await?;

    for timer in [once, often] {
        client.get(json!({"do": "cancel-timer", "timer": timer})).await?;
        let again = client.ask(json!({"do": "cancel-timer", "timer": timer})).await?;
        assert_eq!(case(&again), "Unknown");
    }

    assert!(host.hub().timers().is_empty());
    is_silent(&mut client, 800).await
}

#[tokio::test]
async fn a_timer_that_runs_when_its_plugin_is_removed_does_not_repeat() -> anyhow::Result<()> {
    let host = Setup::new().guest(PUPPET, "goes", "")?.guest(PUPPET, "stays", "")?.start().await?;
    let (mut goes, mut stays) = (host.connect("/goes").await?, host.connect("/stays").await?);
    for channel in ["rings", "rest"] {
        stays.get(json!({"do": "open", "channel": channel, "capacity": 1})).await?;
    }
    let waits = json!({"do": "receive", "channel": "rest", "timeout-ms": 20_000});
    // It can be set no more when it has waited.
    let sets = json!({"do": "timer", "when": {"after-ms": 3_600_000}, "payload": ring("late")});
    let payload = json!([{"do": "offer", "channel": "rings", "item": "begins"}, waits, sets]);
    set(&mut goes, json!({"every-ms": 1}), payload).await?;
    assert_eq!(rings(&mut stays).await?, "begins");

    let plugin = host.registry().find(TenantId::default(), "goes").context("it is there")?;
    host.registry().remove(&plugin);
    stays.get(json!({"do": "offer", "channel": "rest", "item": "over"})).await?;

    let tenant = host.registry().tenants().get("default").context("the host's own")?;
    host.until("the end of its timers", |_| tenant.usage().used(Limit::Timers) == 0).await
}

#[tokio::test]
async fn pending_timers_are_listed_those_first_that_run_first() -> anyhow::Result<()> {
    let (_host, mut client) = clocked("listed").await?;
    let late = set(&mut client, json!({"after-ms": 900_000}), json!("late")).await?;
    let asked = now_ms();
    let soon = set(&mut client, json!({"every-ms": 600_000}), json!("soon")).await?;

    let listed = client.get(json!({"do": "timers"})).await?;

    let field = |index: usize, name: &str| listed.get(index).and_then(|it| it.get(name)).cloned().unwrap_or_default();
    assert_eq!(json!([field(0, "id"), field(1, "id")]), json!([soon, late]));
    assert_eq!(json!([field(0, "payload"), field(1, "payload")]), json!(["\"soon\"", "\"late\""]));
    let next = field(0, "next-ms").as_u64().unwrap_or_default();
    assert!((asked + 599_000..now_ms() + 601_000).contains(&next), "{next} is not in ten minutes from {asked}");
    Ok(())
}

#[tokio::test]
async fn runs_of_one_timer_never_overlap() -> anyhow::Result<()> {
    let (_host, mut client) = clocked("serial").await?;
    let begins = json!({"do": "offer", "channel": "rings", "item": "begins"});
    let ends = json!({"do": "offer", "channel": "rings", "item": "ends"});
    set(&mut client, json!({"every-ms": 20}), json!([begins, {"do": "sleep", "ms": 70}, ends])).await?;

    for _ in 0..6 {
        assert_eq!(rings(&mut client).await?, "begins");
        assert_eq!(rings(&mut client).await?, "ends");
    }
    Ok(())
}

/// Lets the second run of a timer take as long as several: what runs then, in the next interval.
async fn after_a_long_run(name: &str, missed: &str) -> anyhow::Result<Duration> {
    let (_host, mut client) = clocked(name).await?;
    client.get(json!({"do": "open", "channel": "once", "capacity": 1})).await?;
    client.get(json!({"do": "offer", "channel": "once", "item": "sleep"})).await?;
    // The first run finds the item and waits for another, which does not come for more than five intervals.
    let wait = json!({"do": "put", "channel": "once", "item": "x", "timeout-ms": 1100});
    let payload = json!([wait, {"do": "offer", "channel": "rings", "item": "run"}]);
    let command = json!({"do": "timer", "when": {"every-ms": 200}, "payload": payload, "missed": missed});
    client.get(command).await?;
    rings(&mut client).await?;
    client.get(json!({"do": "close-channel", "channel": "once"})).await?;
    let first = Instant::now();
    for _ in 0..4 {
        rings(&mut client).await?;
    }
    Ok(first.elapsed())
}

#[tokio::test]
async fn missed_runs_are_made_up_for_in_a_burst_and_only_then() -> anyhow::Result<()> {
    // Four runs at the beat of 200 ms take more than 600 ms, whenever the first of them was.
    let skipped = after_a_long_run("skips", "skip").await?;
    assert!(skipped >= Duration::from_millis(590), "{skipped:?}");
    // One of four is made up for at once.
    let coalesced = after_a_long_run("coalesces", "coalesce").await?;
    assert!(coalesced >= Duration::from_millis(390), "{coalesced:?}");
    // All four were due already.
    let burst = after_a_long_run("bursts", "burst").await?;
    assert!(burst < skipped && burst < coalesced, "{burst:?}, {coalesced:?}, {skipped:?}");
    Ok(())
}

#[tokio::test]
async fn a_timer_whose_run_fails_is_logged_and_a_repeating_one_goes_on() -> anyhow::Result<()> {
    let (_host, mut client) = clocked("failing-timer").await?;
    let payload = json!([{"do": "offer", "channel": "rings", "item": "run"}, {"do": "trap"}]);
    set(&mut client, json!({"every-ms": 50}), payload).await?;

    for _ in 0..3 {
        rings(&mut client).await?;
    }
    logged("failing-timer", "trapped").await?;
    Ok(())
}

#[tokio::test]
async fn a_timer_belongs_to_its_plugin_alone() -> anyhow::Result<()> {
    let setup = Setup::new().guest(PUPPET, "owner", "")?.guest(PUPPET, "stranger", "")?;
    let host = setup.start().await?;
    let mut owner = host.connect("/owner").await?;
    let mut stranger = host.connect("/stranger").await?;
    let timer = set(&mut owner, json!({"after-ms": 600_000}), json!([])).await?;

    assert_eq!(stranger.get(json!({"do": "timers"})).await?, json!([]));
    let refused = stranger.ask(json!({"do": "cancel-timer", "timer": timer})).await?;
    assert_eq!(case(&refused), "Unknown");
    assert_eq!(host.hub().timers().len(), 1);
    Ok(())
}
