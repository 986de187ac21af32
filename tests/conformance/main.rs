//! Every language against one list of cases: the same plugin, the puppet, written with each SDK, is driven through every import and
//! export of the contract. It prints a table of language × case. `-- --record` writes that table into guest-sdk/README.md, and without
//! it the table there has to be true.
#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]
#![allow(dead_code, unused_imports, reason = "it uses a part of what the suite stands on")]
#![allow(clippy::indexing_slicing, reason = "of a JSON value, what is not there is null")]

#[path = "../harness/mod.rs"]
mod harness;

mod channels;
mod connect;
mod delayed;
mod events;
mod languages;
mod migration;
mod requests;
mod stage;
mod table;
mod timers;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use languages::Puppet;
use stage::{Case, Stage};
use table::Row;

fn main() -> ExitCode {
    match check() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all cases hold in all languages, and the table says so.
fn check() -> anyhow::Result<bool> {
    let record = std::env::args().any(|argument| argument == "--record");
    let puppets = languages::puppets()?;
    let cases: Vec<Case> = [
        connect::CASES,
        requests::CASES,
        delayed::CASES,
        channels::CASES,
        timers::CASES,
        events::CASES,
        migration::CASES,
    ]
    .concat();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut rows: Vec<Row> = cases.iter().map(|(name, _)| Row::new(name)).collect();
    let mut failed = 0;
    for puppet in &puppets {
        let begun = Instant::now();
        runtime.block_on(async {
            let stage = Stage::start(puppet).await?;
            for ((name, case), row) in cases.iter().zip(&mut rows) {
                let outcome = case(stage.clone()).await;
                if let Err(error) = &outcome {
                    failed += 1;
                    println!("{}, {name}: {error:#}", puppet.language.name());
                }
                row.add(outcome.is_ok());
            }
            anyhow::Ok(())
        })?;
        println!("{}: {} cases in {:.1} s", puppet.language.name(), cases.len(), begun.elapsed().as_secs_f64());
    }
    let names: Vec<_> = puppets.iter().map(|puppet| puppet.language.name()).collect();
    let table = table::table(&names, &rows);
    println!("\n{table}");
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../guest-sdk/README.md");
    let is_true = if record { table::write(&file, &table).map(|()| true)? } else { table::is_in(&file, &table)? };
    if !is_true {
        println!(
            "guest-sdk/README.md has another table: cargo test --release -p holdline-tests --test conformance -- --record"
        );
    }
    Ok(failed == 0 && is_true)
}
