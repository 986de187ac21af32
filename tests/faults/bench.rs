//! `cargo faults --seconds 600`: hundreds of clients on lines that cut, delay, split, corrupt and fall silent at random. After each minute
//! all have left, and the books of the host come out even; at the end the memory is what it was.
#![allow(dead_code, unused_imports, reason = "it uses a part of what the suite stands on")]
#![allow(clippy::print_stderr, reason = "it is a program for a terminal")]

#[path = "../harness/mod.rs"]
mod harness;

mod books;
mod storm;
mod talk;

use std::time::{Duration, SystemTime};

use anyhow::Context;
use storm::Storm;
use tracing::subscriber::NoSubscriber;

/// The books are checked this often.
const ROUND: Duration = Duration::from_secs(60);

fn main() -> anyhow::Result<()> {
    let storm = arguments()?;
    // The suite keeps the whole log in memory; this would be most of what is measured here.
    tracing::subscriber::set_global_default(NoSubscriber::default())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(storm.run())
}

fn arguments() -> anyhow::Result<Storm> {
    let (mut seconds, mut clients) = (600_u64, 300);
    let mut seed = SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value =
            || arguments.next().with_context(|| format!("{argument} needs a number"))?.parse().context("no number");
        match argument.as_str() {
            "--seconds" => seconds = value()?,
            "--clients" => clients = value()?,
            "--seed" => seed = value()?,
            // Cargo says so to every benchmark.
            "--bench" => {}
            other => anyhow::bail!("`{other}`? usage: cargo faults [--seconds 600] [--clients 300] [--seed N]"),
        }
    }
    // At least one round to warm up and one to compare with it.
    let rounds = usize::try_from(seconds.div_ceil(ROUND.as_secs()))?.max(2);
    let warm_up = (rounds / 2).max(1);
    Ok(Storm { rounds, warm_up, round: ROUND, clients, impatience: 8, seed })
}
