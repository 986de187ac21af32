//! `cargo soak --minutes 5`: thousands of clients hold, leave, crash workers and trap handlers at random. At the end every message is
//! accounted for, every connection has had exactly one close event, no handle is left, and the memory is back where it was.
#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]
#![allow(dead_code, unused_imports, reason = "it uses a part of what the suite stands on")]

#[path = "../harness/mod.rs"]
mod harness;

mod client;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use client::{Account, Plan};
use harness::{Host, SOAK, SOAK_MANIFEST, Setup, resident};
use holdline::hub::Channel;
use tracing::subscriber::NoSubscriber;

/// After each minute all clients have left, and the books are checked. The first minutes are a warm-up: what grows once has grown.
const ROUND: Duration = Duration::from_secs(60);
const WARM_UP: usize = 2;

fn main() -> anyhow::Result<()> {
    let (rounds, clients) = arguments()?;
    // The suite keeps the whole log in memory; this would be most of what is measured here.
    tracing::subscriber::set_global_default(NoSubscriber::default())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let setup = Setup::new().configured(|config| config.engine.instances = 1000);
        let host = setup.guest(SOAK, "soak", SOAK_MANIFEST)?.start().await?;
        let events = host.hub().channels().open(
            &host.registry().tenants().get("default").context("the host itself")?,
            "events",
            1 << 20,
        )?;
        let mut before = 0;
        let mut after = 0;
        for number in 1..=WARM_UP + rounds {
            round(&host, &events, clients, ROUND).await?;
            after = resident()?;
            if number == WARM_UP {
                before = after;
            }
            println!("memory   {after} kB after minute {number}, when all have left");
        }
        ensure!(
            after * 10 <= before * 11,
            "the memory has grown by more than a tenth since the warm-up: {before} kB then"
        );
        host.stop().await;
        println!("all is accounted for");
        Ok(())
    })
}

/// All clients come, do what they like for this long, and leave; then the books are checked.
async fn round(host: &Host, events: &Arc<Channel>, clients: usize, duration: Duration) -> anyhow::Result<()> {
    let plan = Plan { address: host.address(), end: Instant::now() + duration };
    let tasks: Vec<_> = (0..clients).map(|seed| tokio::spawn(client::run(plan, seed as u64))).collect();
    let mut account = Account::default();
    for task in tasks {
        account.add(&task.await??);
    }
    host.until("the end of the last connection", |hub| hub.connection_count() == 0).await?;
    host.holds(0).await?;
    let mut lives: HashMap<String, (u64, u64)> = HashMap::new();
    while let Some(event) = events.poll()? {
        let event = String::from_utf8(event.to_vec())?;
        let (what, id) = event.split_once(' ').context("an event without a connection")?;
        let life = lives.entry(id.to_owned()).or_default();
        *(if what == "open" { &mut life.0 } else { &mut life.1 }) += 1;
    }
    println!("{account}");
    println!("closes   {} connections, each with one open and one close event", lives.len());
    let odd = lives.iter().find(|(_, life)| **life != (1, 1));
    ensure!(odd.is_none(), "a connection with another number of open and close events: {odd:?}");
    ensure!(u64::try_from(lives.len())? == account.connections, "not every connection had its events");
    account.check()
}

fn arguments() -> anyhow::Result<(usize, usize)> {
    let (mut minutes, mut clients) = (5, 2000);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a number"));
        match argument.as_str() {
            "--minutes" => minutes = value()?.parse()?,
            "--clients" => clients = value()?.parse()?,
            // Cargo says so to every benchmark.
            "--bench" => {}
            other => anyhow::bail!("`{other}`? usage: cargo soak [--minutes 5] [--clients 2000]"),
        }
    }
    Ok((minutes, clients))
}
