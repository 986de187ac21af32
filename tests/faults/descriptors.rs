//! A process that may open no more files: who is connected goes on, who comes waits, and nobody spins.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::json;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::harness::{Client, within};
use crate::program::{Place, Program};

/// So many come, and not all of them have room.
const COMING: usize = 12;

/// How many files may be open beside those that are.
const ROOM: usize = 4;

/// What the log says when nobody can be accepted.
const PAUSED: &str = "a client could not be accepted";

/// Lets the program have files up to this number.
async fn limit(program: &Program, files: u64) -> anyhow::Result<()> {
    let arguments = ["--pid", &program.process()?, &format!("--nofile={files}:")];
    ensure!(Command::new("prlimit").args(arguments).status().await?.success(), "the limit was not set");
    Ok(())
}

/// The limit below which it finds so many numbers for more files.
fn with_room(program: &Program) -> anyhow::Result<u64> {
    let files = std::fs::read_dir(format!("/proc/{}/fd", program.process()?))?;
    let taken: HashSet<u64> = files.filter_map(|file| file.ok()?.file_name().to_str()?.parse().ok()).collect();
    let last = (0..).filter(|number| !taken.contains(number)).take(ROOM).last();
    Ok(last.context("no room")? + 1)
}

async fn echo(client: &mut Client, bytes: &[u8]) -> anyhow::Result<()> {
    client.send_binary(bytes).await?;
    ensure!(client.next().await?.into_data() == bytes, "another echo");
    Ok(())
}

#[tokio::test]
async fn who_comes_waits_until_there_is_room_and_nobody_spins() -> anyhow::Result<()> {
    let place = Place::new("no-descriptors", "store", "")?;
    let program = Arc::new(Program::start(&place, place.command()?, &place.folder.join("store")).await?);
    let mut there = Vec::new();
    for _ in 0..4 {
        there.push(program.client().await?);
    }

    limit(&program, with_room(&program)?).await?;
    let mut coming = JoinSet::new();
    for _ in 0..COMING {
        let program = Arc::clone(&program);
        coming.spawn(async move { program.client().await });
    }
    program.says(PAUSED).await?;

    // Those who are there go on meanwhile, for two seconds.
    let (before, begun) = (program.computed()?, Instant::now());
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    for _ in 0..40 {
        pace.tick().await;
        for client in &mut there {
            echo(client, b"still here").await?;
        }
    }
    let (computed, lasted) = (program.computed()? - before, begun.elapsed());
    eprintln!("computed {computed:?} in {lasted:?} without room; the log: {:#?}", program.said("accepted"));
    ensure!(computed < lasted / 8, "it has computed {computed:?} in {lasted:?}");
    let lines = program.said(PAUSED).len();
    ensure!(lines == 1, "{lines} lines about it");

    // Some are in by now, some wait; each that leaves makes room for one.
    let mut served = Vec::new();
    while let Some(come) = coming.try_join_next() {
        served.push(come??);
    }
    ensure!(served.len() == ROOM, "{} have found room", served.len());
    for client in there {
        client.close(1000, "").await?;
        let next = within("the next one", coming.join_next()).await?.context("nobody waits")?;
        served.push(next??);
    }
    limit(&program, 1024).await?;
    while let Some(come) = within("the others", coming.join_next()).await? {
        served.push(come??);
    }
    program.says("clients are accepted again").await?;
    assert_eq!(served.len(), COMING);
    for mut client in served {
        echo(&mut client, b"here").await?;
        client.close(1000, "").await?;
    }
    program.balances().await?;
    assert_eq!(program.operator.get("/readyz").await?.status, 200);
    Ok(())
}
