//! What was acknowledged is there, whenever the host is killed, and a disk that is full does not end it.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use holdline::digest::Digest;
use holdline::store::{Batch, Store};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::harness::{Client, KEEPER, Served, folder, holdline, within};

/// How often a host is killed.
const ROUNDS: u32 = 6;

/// How many clients write at once.
const CLIENTS: u32 = 8;

/// A configuration in this folder, with the guest `keeper`.
fn configure(folder: &Path) -> anyhow::Result<String> {
    std::fs::write(folder.join("keeper.wasm"), KEEPER.component()?)?;
    let file = folder.join("holdline.toml");
    let text = "[listen]\naddress = \"127.0.0.1:0\"\n[store]\nfolder = \"store\"\n\
        [grants]\nkeyvalue = true\nconfig = true\n\
        [[plugin]]\nsource = \"keeper.wasm\"\nroute = \"/\"\nisolation = \"pooled\"\n";
    std::fs::write(&file, text)?;
    Ok(file.to_str().context("a folder that is no text")?.to_owned())
}

async fn ask(client: &mut Client, command: Value) -> anyhow::Result<Value> {
    client.send_text(json!(["b", command]).to_string()).await?;
    client.json().await
}

async fn get(client: &mut Client, command: Value) -> anyhow::Result<Value> {
    let outcome = ask(client, command).await?;
    outcome.get("ok").cloned().with_context(|| format!("{outcome} is not what was to come"))
}

/// Writes numbered keys and counts, until the host is gone: how many keys were acknowledged, and the last count.
async fn write(mut client: Client, name: String, from: u32, all: Arc<AtomicU32>) -> (u32, i64) {
    let (mut number, mut count) = (from, 0);
    loop {
        let key = format!("{name}-{number}");
        let set = get(&mut client, json!({"do": "set", "key": key, "value": format!("the value of {key}")})).await;
        if set.is_err() {
            return (number, count);
        }
        number += 1;
        all.fetch_add(1, Ordering::Relaxed);
        let counted = get(&mut client, json!({"do": "increment", "key": format!("count-{name}"), "delta": 1})).await;
        match counted.map(|counted| counted.as_i64()) {
            Ok(Some(counted)) => count = counted,
            Ok(None) | Err(_) => return (number, count),
        }
    }
}

#[tokio::test]
async fn a_host_that_is_killed_has_all_that_it_acknowledged() -> anyhow::Result<()> {
    let configuration = configure(&folder("killed")?)?;
    let mut acknowledged = vec![(0, 0); CLIENTS as usize];
    for round in 0..=ROUNDS {
        let served = Served::start(&["serve", "--config", &configuration]).await?;
        let mut client = Client::connect(served.address(), "/", &[]).await?;
        for (name, (keys, count)) in acknowledged.iter().enumerate() {
            let wanted: Vec<String> = (0..*keys).map(|number| format!("{name}-{number}")).collect();
            for keys in wanted.chunks(1000) {
                let found = get(&mut client, json!({"do": "get-many", "keys": keys})).await?;
                let all: Vec<_> = keys.iter().map(|key| json!([key, format!("the value of {key}")])).collect();
                ensure!(found == json!(all), "round {round}: what client {name} wrote is not there");
            }
            let counted =
                get(&mut client, json!({"do": "increment", "key": format!("count-{name}"), "delta": 0})).await?;
            // The last one may have been written and not acknowledged.
            let counted = counted.as_i64().unwrap_or_default();
            ensure!(counted == *count || counted == *count + 1, "round {round}: {counted} and not {count}");
        }
        if round == ROUNDS {
            break;
        }
        let all = Arc::new(AtomicU32::new(0));
        let mut writers = Vec::new();
        for (name, (keys, _)) in acknowledged.iter().enumerate() {
            let client = Client::connect(served.address(), "/", &[]).await?;
            writers.push(tokio::spawn(write(client, name.to_string(), *keys, Arc::clone(&all))));
        }
        // At another moment in each round.
        let enough = 40 + 37 * round;
        let written = async {
            while all.load(Ordering::Relaxed) < enough {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        within("so many acknowledgements", written).await?;
        served.kill().await?;
        for (writer, of_client) in writers.into_iter().zip(&mut acknowledged) {
            *of_client = writer.await?;
        }
    }
    ensure!(acknowledged.iter().all(|(keys, _)| *keys > ROUNDS), "somebody has hardly written: {acknowledged:?}");
    Ok(())
}

/// In a process that has this the test of records only writes them, into the store in that folder.
const FOLDER: &str = "HOLDLINE_TEST_STORE";

/// Writes records until the process is killed.
#[allow(clippy::print_stdout, reason = "it is how it tells what was acknowledged")]
async fn write_records(folder: &Path) -> anyhow::Result<()> {
    let store = Store::open(folder)?;
    for number in 0_u64.. {
        let component: Arc<[u8]> = number.to_le_bytes().repeat(1000).into();
        let digest = store.keep_component(component).await?;
        let key = format!("{number:06}");
        let batch = Batch::new().put("plugin", &key, &digest.to_string())?.put("version", &key, &number)?;
        store.commit(batch.audit(&number)?).await?;
        println!("kept {number}");
    }
    Ok(())
}

#[tokio::test]
async fn records_that_go_together_are_all_there_or_none() -> anyhow::Result<()> {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return write_records(Path::new(&folder)).await;
    }
    let folder = folder("killed-records")?.join("store");
    let mut most = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe()?);
        child.args(["--exact", "--nocapture", "durability::records_that_go_together_are_all_there_or_none"]);
        let mut child = child.env(FOLDER, &folder).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let mut acknowledged = None;
        while acknowledged < Some(20 + u64::from(round)) {
            let line = within("a line", lines.next_line()).await??.context("it has ended by itself")?;
            acknowledged = line.split("kept ").nth(1).map(str::parse).transpose()?.or(acknowledged);
        }
        child.kill().await?;
        while let Some(line) = lines.next_line().await? {
            acknowledged = line.split("kept ").nth(1).map(str::parse).transpose()?.or(acknowledged);
        }
        let acknowledged = acknowledged.context("nothing was acknowledged")?;
        most = most.max(acknowledged);

        let store = Store::open(&folder)?;
        let digests: Vec<(String, String)> = store.records("plugin", "").await?;
        let numbers: Vec<(String, u64)> = store.records("version", "").await?;
        let audit: Vec<(u64, u64)> = store.audit(None, 0, usize::MAX).await?;
        ensure!(digests.len() == numbers.len(), "{} and {}", digests.len(), numbers.len());
        ensure!(digests.len() as u64 > most, "{} are there, and {most} was acknowledged", digests.len());
        let last = audit.last().context("no audit log")?.1;
        ensure!(
            last == acknowledged || last == acknowledged + 1,
            "{last} is the last, and {acknowledged} was acknowledged"
        );
        for (_, digest) in digests {
            let digest: Digest = digest.parse()?;
            ensure!(store.component(digest).await?.is_some(), "{digest} is not there");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_full_disk_is_told_to_the_guest_and_ends_nothing() -> anyhow::Result<()> {
    let configuration = configure(&folder("full")?)?;
    let plain = holdline(&["serve", "--config", &configuration])?;
    let plain = plain.as_std();
    // No file of this process may be larger than 4 MiB, and what it writes beyond fails as on a full disk.
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -S -f 8192; exec \"$0\" \"$@\""])
        .arg(plain.get_program())
        .args(plain.get_args());
    for (name, value) in plain.get_envs() {
        limited.env(name, value.unwrap_or_default());
    }
    let served = Served::spawn({
        limited.stdin(Stdio::null()).kill_on_drop(true);
        limited
    })
    .await?;
    let mut client = Client::connect(served.address(), "/", &[]).await?;
    let value = "v".repeat(100_000);
    let mut kept = 0;
    let refused = loop {
        let outcome = ask(&mut client, json!({"do": "set", "key": kept.to_string(), "value": value})).await?;
        if outcome.get("ok").is_none() {
            break outcome;
        }
        kept += 1;
        ensure!(kept < 100, "the disk is never full");
    };
    assert_eq!(refused["error"], "the host's disk is full");
    assert!(kept > 3, "{kept}");
    // What is there can be read.
    for key in 0..kept {
        assert_eq!(get(&mut client, json!({"do": "get", "key": key.to_string()})).await?, value.as_str(), "{key}");
    }
    // There is room again, and the host finds out by itself.
    let room = ["--pid", &served.process()?, "--fsize=unlimited:"];
    ensure!(Command::new("prlimit").args(room).status().await?.success(), "the limit was not raised");
    let mut look = tokio::time::interval(Duration::from_millis(10));
    let written = async {
        while get(&mut client, json!({"do": "set", "key": "again", "value": "v"})).await.is_err() {
            look.tick().await;
        }
    };
    within("a write that succeeds", written).await?;
    client.close(1000, "").await?;
    served.kill().await?;

    let served = Served::start(&["serve", "--config", &configuration]).await?;
    let mut client = Client::connect(served.address(), "/", &[]).await?;
    for key in 0..kept {
        assert_eq!(get(&mut client, json!({"do": "exists", "key": key.to_string()})).await?, true, "{key}");
    }
    assert_eq!(get(&mut client, json!({"do": "get", "key": "again"})).await?, "v");
    Ok(())
}
