//! `cargo instructions`: how many instructions the host executes for one message, in each of a few cells. It fails when a cell takes
//! a tenth more than `tests/bench/instructions.toml` says. Time differs from run to run and from machine to machine; this hardly
//! does, so that what a change costs is seen when it is made. `cargo instructions --record` writes the file anew.
#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]
#![allow(dead_code, unused_imports, reason = "it uses a part of what the suite stands on")]

#[path = "../../cargo.rs"]
mod cargo;
#[path = "../../harness/mod.rs"]
mod harness;

mod counted;
mod figures;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{bail, ensure};
use counted::Counted;
use figures::{Figures, Versions};
use harness::{AT_ONCE, Client, Guest, RELAY, folder, sample};
use holdline::plugin::{Isolation, embed};

/// A cell: its name, which is its route and its manifest's name, too; the plugin; and what else the manifest says.
type Cell = (&'static str, Plugin, &'static str);

/// What is served in a cell.
enum Plugin {
    Sample(&'static str),
    Guest(Guest),
}

const CELLS: [Cell; 5] = [
    ("echo-event", Plugin::Sample("echo"), "isolation = \"event\""),
    ("echo-pooled", Plugin::Sample("echo"), "isolation = \"pooled\""),
    ("echo-connection", Plugin::Sample("echo"), "isolation = \"connection\""),
    ("worker", Plugin::Guest(RELAY), "isolation = \"pooled\"\n[[worker]]\nname = \"relay\""),
    ("send-after", Plugin::Guest(AT_ONCE), "isolation = \"pooled\""),
];

/// What the client sends, 64 bytes long.
const MESSAGE: &str = "Sixty-four bytes of text, as a client of a chat may well send it";

/// A cell is counted this many times, and the figure is the median: the host's clock ticks now and then, whatever is sent.
const ROUNDS: usize = 5;

/// How many messages are sent in a round, and before the first one, until the host has made what it keeps.
const MESSAGES: u64 = 200;
const WARM_UP: u64 = 100;

/// Between two messages the client waits until the host has finished with the first, as it would if a person wrote them.
const PAUSE: Duration = Duration::from_millis(2);

fn main() -> anyhow::Result<()> {
    let Some(record) = arguments()? else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let now = runtime.block_on(count())?;
    if record {
        return now.write();
    }
    now.hold_to(&Figures::read()?)
}

/// The figures of all cells, one after the other on one host.
async fn count() -> anyhow::Result<Figures> {
    let versions = Versions::find()?;
    counted::build()?;
    let folder = folder("instructions")?;
    let mut host = Counted::start(&folder, &configuration(&folder)?).await?;
    let mut per_message = BTreeMap::new();
    for (cell, ..) in CELLS {
        let mut client = Client::connect(host.address(), &format!("/{cell}"), &[]).await?;
        talk(&mut client, WARM_UP).await?;
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(host.during(cell, talk(&mut client, MESSAGES)).await? / MESSAGES);
        }
        client.close(1000, "").await?;
        rounds.sort_unstable();
        println!("{cell:<16} {rounds:?}");
        if let Some(median) = rounds.get(ROUNDS / 2) {
            per_message.insert(cell.to_owned(), *median);
        }
    }
    host.stop().await?;
    Ok(Figures { recorded_with: versions, per_message })
}

/// Sends messages, each when the one before has come back.
async fn talk(client: &mut Client, messages: u64) -> anyhow::Result<()> {
    for _ in 0..messages {
        client.send_text(MESSAGE).await?;
        let answer = client.text().await?;
        ensure!(answer == MESSAGE, "`{answer}` came back");
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// The configuration of a host with all cells, in files of this folder.
fn configuration(folder: &Path) -> anyhow::Result<String> {
    // So few instances that their address space fits into what valgrind leaves: each has 8 GiB of it, and there are 64. Under valgrind all
    // takes fifty times as long, and ticks would come that much more often for each message.
    let mut whole =
        "[listen]\naddress = \"127.0.0.1:0\"\n[engine]\ninstances = 6\ntick = \"1s\"\n[log]\nlevel = \"warn\"\n"
            .to_owned();
    for (cell, plugin, manifest) in CELLS {
        let component = match plugin {
            Plugin::Sample(name) => sample(name)?.1,
            Plugin::Guest(guest) => guest.component()?,
        };
        let file = folder.join(format!("{cell}.wasm"));
        std::fs::write(&file, embed(&component, &format!("name = \"{cell}\"\n{manifest}\n")))?;
        whole.push_str(&format!("[[plugin]]\nsource = {file:?}\nroute = \"/{cell}\"\n"));
    }
    Ok(whole)
}

/// Whether the figures are to be recorded; nothing if only help was asked for.
fn arguments() -> anyhow::Result<Option<bool>> {
    const USAGE: &str = "usage: cargo instructions [--record]";
    let mut record = false;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--record" => record = true,
            // Cargo says so to every benchmark.
            "--bench" => {}
            "--help" | "-h" => {
                println!(
                    "{USAGE}\n\nCounts what the host executes for a message, and fails when that is a tenth more than recorded."
                );
                return Ok(None);
            }
            other => bail!("`{other}`? {USAGE}"),
        }
    }
    Ok(Some(record))
}
