//! A clock on the wall that is set while the program runs: what goes by the time of day follows it, what lasts so and so long does not,
//! and nobody spins.

use std::time::Duration;

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::{Client, case, handshake, request};
use crate::program::{Place, Program, field};
use crate::shifted::Clock;

const HOUR: i64 = 3600;

/// The key of the tokens.
const SECRET: &str = "a secret of thirty-two bytes, or more";

/// A program whose clock can be set, and that clock.
async fn program(name: &str, more: &str) -> anyhow::Result<(Program, Clock)> {
    let place = Place::new(name, "store", more)?;
    let mut command = place.command()?;
    let clock = Clock::of(&mut command, &place.folder).await?;
    Ok((Program::start(&place, command, &place.folder.join("store")).await?, clock))
}

/// Lets a timer put a tick into a channel of this name.
async fn ticks(client: &mut Client, channel: &str, when: Value, missed: &str) -> anyhow::Result<()> {
    client.get(json!({"do": "open", "channel": channel, "capacity": 10_000})).await?;
    // An instance may be another one, that does not know the channel yet.
    let payload = json!([
        {"do": "open", "channel": channel, "capacity": 10_000},
        {"do": "offer", "channel": channel, "item": "tick"}
    ]);
    client.get(json!({"do": "timer", "when": when, "missed": missed, "payload": payload})).await?;
    Ok(())
}

/// Waits for a tick.
async fn tick(client: &mut Client, channel: &str) -> anyhow::Result<()> {
    client.get(json!({"do": "open", "channel": channel, "capacity": 10_000})).await?;
    client.get(json!({"do": "receive", "channel": channel, "timeout-ms": 20_000})).await?;
    Ok(())
}

/// How many there are, which are taken.
async fn taken(client: &mut Client, channel: &str) -> anyhow::Result<usize> {
    client.get(json!({"do": "open", "channel": channel, "capacity": 10_000})).await?;
    let mut count = 0;
    while case(&client.ask(json!({"do": "receive", "channel": channel, "timeout-ms": 0})).await?) == "no error" {
        count += 1;
    }
    Ok(count)
}

fn each_second() -> Value {
    json!({"cron": {"expression": "* * * * * *", "zone": null}})
}

#[tokio::test]
async fn timers_of_the_day_follow_it_by_their_policies() -> anyhow::Result<()> {
    let (program, mut clock) = program("clock-timers", "").await?;
    let mut client = program.client().await?;
    for missed in ["skip", "burst", "coalesce"] {
        ticks(&mut client, missed, each_second(), missed).await?;
        tick(&mut client, missed).await?;
    }
    let noon = u64::try_from((clock.now()? + HOUR) * 1000)?;
    ticks(&mut client, "noon", json!({"at-ms": noon}), "skip").await?;

    let begun = Instant::now();
    clock.jump(HOUR)?;
    for _ in 0..HOUR {
        tick(&mut client, "burst").await?;
    }
    // In whole seconds, and one more for what was under way.
    let most = |begun: Instant| usize::try_from(begun.elapsed().as_secs()).map(|seconds| seconds + 2);
    tick(&mut client, "skip").await?;
    let skipped = 1 + taken(&mut client, "skip").await?;
    ensure!(skipped <= most(begun)?, "{skipped} runs in {:?}", begun.elapsed());
    tick(&mut client, "coalesce").await?;
    let coalesced = 1 + taken(&mut client, "coalesce").await?;
    ensure!(coalesced <= most(begun)? + 1, "{coalesced} runs in {:?}", begun.elapsed());
    // It was planned for a moment that came with the jump.
    tick(&mut client, "noon").await?;
    ensure!(begun.elapsed() < Duration::from_secs(15), "it took {:?} to see it", begun.elapsed());

    let (before, begun) = (program.computed()?, Instant::now());
    taken(&mut client, "skip").await?;
    clock.jump(-2 * HOUR)?;
    for _ in 0..3 {
        tick(&mut client, "skip").await?;
    }
    let (computed, lasted) = (program.computed()? - before, begun.elapsed());
    eprintln!("set back by two hours: 3 runs in {lasted:?}, computed {computed:?}");
    ensure!(lasted >= Duration::from_secs(1), "three runs in {lasted:?}");
    ensure!(computed < lasted / 4, "it has computed {computed:?} in {lasted:?}");
    ensure!(taken(&mut client, "noon").await? == 0, "what has run once runs again");
    client.close(1000, "").await?;
    program.balances().await
}

#[tokio::test]
async fn what_lasts_so_long_lasts_so_long() -> anyhow::Result<()> {
    let (program, mut clock) = program("clock-deadlines", "").await?;
    let deadline = Duration::from_secs(3);
    for jump in [HOUR, -2 * HOUR] {
        let mut held = program.client().await?;
        let mut later = program.client().await?;
        let mut hand = program.client().await?;
        let asked = Instant::now();
        held.hold_with(json!({"do": "retain", "deadline-ms": 3000, "expiry": {"send": {"text": "expired"}}})).await?;
        later.tell(json!([{"do": "retain"}, {"do": "send-after", "text": "delivered", "delay-ms": 2000}])).await?;
        ticks(&mut hand, "every", json!({"every-ms": 500}), "burst").await?;
        clock.jump(jump)?;
        assert_eq!(later.text().await?, "delivered");
        assert_eq!(held.text().await?, "expired");
        let lasted = asked.elapsed();
        ensure!(deadline <= lasted && lasted < deadline * 4, "it has expired after {lasted:?}");
        let every = taken(&mut hand, "every").await?;
        ensure!(every <= usize::try_from(lasted.as_millis())? / 500 + 1, "{every} runs in {lasted:?}");
        for timer in hand.get(json!({"do": "timers"})).await?.as_array().context("no list")? {
            hand.get(json!({"do": "cancel-timer", "timer": timer["id"]})).await?;
        }
        taken(&mut hand, "every").await?;
        for client in [held, later, hand] {
            client.close(1000, "").await?;
        }
    }
    program.balances().await
}

/// When a connection was opened, as the admin API says: one for each.
async fn opened(program: &Program) -> anyhow::Result<Vec<i64>> {
    let list = program.operator.get("/v1/tenants/default/connections").await?.with(200)?;
    let all = list.get("items").and_then(Value::as_array).context("no list")?;
    let mut times = Vec::new();
    for one in all {
        times.push(field(one, "/opened")?.parse::<jiff::Timestamp>()?.as_second());
    }
    times.sort_unstable();
    Ok(times)
}

#[tokio::test]
async fn the_time_of_a_connection_is_that_of_its_day() -> anyhow::Result<()> {
    let (program, mut clock) = program("clock-opened", "").await?;
    let mut clients = vec![program.client().await?];
    let mut times = vec![clock.now()?];
    for jump in [HOUR, -3 * HOUR] {
        clock.jump(jump)?;
        times.push(clock.now()?);
        clients.push(program.client().await?);
    }
    times.sort_unstable();
    for (said, wanted) in opened(&program).await?.into_iter().zip(times) {
        ensure!((said - wanted).abs() < 60, "{said} is not {wanted}");
    }
    for client in clients {
        client.close(1000, "").await?;
    }
    program.balances().await
}

/// A token that expires then.
fn token(expires: i64) -> String {
    let [head, claims] = [json!({"alg": "HS256"}), json!({"sub": "ada", "exp": expires})]
        .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{head}.{claims}");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[tokio::test]
async fn a_token_is_good_by_the_clock_as_it_is() -> anyhow::Result<()> {
    let more = format!(
        "[[plugin]]\nsource = \"puppet.wasm\"\nname = \"guarded\"\nroute = \"/guarded\"\n[plugin.jwt]\nsecret = \"key\"\n\
         [secrets]\nkey = {SECRET:?}\n"
    );
    let (program, mut clock) = program("clock-tokens", &more).await?;
    let bearer = format!("Bearer {}", token(clock.now()? + HOUR));
    let headers = [&handshake()[..], &[("authorization", &*bearer)]].concat();
    let mut was_let_in = 0;

    for (jump, status) in [(0, 101), (2 * HOUR, 401), (-HOUR - HOUR / 2, 101), (HOUR, 401), (-6 * HOUR, 101)] {
        clock.jump(jump)?;
        assert_eq!(request(program.address(), "/guarded", &headers).await?.status, status, "after {jump} s");
        was_let_in += u64::from(status == 101);
    }

    program.were_let_in(was_let_in);
    program.balances().await
}
