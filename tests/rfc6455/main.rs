//! RFC 6455, and RFC 7692 on top of it, held against the real host over a real TCP socket, byte for byte. Each case names the section
//! that it was written from. The cases are counted: one that is listed and does not run has failed. A word behind `--` runs the cases
//! that have it in their names.
#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]

#[allow(dead_code, unused_imports, reason = "it is what the suite stands on, too")]
#[path = "../harness/mod.rs"]
mod harness;

mod case;
mod close;
mod closing;
mod control;
mod deflate;
mod fragments;
mod framing;
mod handshake;
mod limits;
mod peer;
mod stage;
mod utf8;

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use case::Case;
use stage::Stage;

/// A subject: the RFC that it is from, what it is called, and its cases.
type Subject = (&'static str, &'static str, fn() -> Vec<Case>);

const SUBJECTS: [Subject; 9] = [
    ("RFC 6455", "framing", framing::cases),
    ("RFC 6455", "fragmentation", fragments::cases),
    ("RFC 6455", "control frames", control::cases),
    ("RFC 6455", "UTF-8", utf8::cases),
    ("RFC 6455", "close, by the client", close::cases),
    ("RFC 6455", "close, by the host", closing::cases),
    ("RFC 6455", "limits", limits::cases),
    ("RFC 6455", "handshake", handshake::cases),
    ("RFC 7692", "compression", deflate::cases),
];

/// So many cases of RFC 6455 there are at least.
const LEAST: usize = 120;

/// No case takes longer than this.
const PATIENCE: Duration = Duration::from_secs(40);

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            println!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(check()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn check() -> anyhow::Result<()> {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let stage = Arc::new(Stage::start().await?);
    let (mut names, mut failed, mut of_6455, mut not_run) = (HashSet::new(), 0, 0, 0);
    for (rfc, subject, cases) in SUBJECTS {
        let begun = Instant::now();
        let cases = cases();
        ensure!(!cases.is_empty(), "{subject} has no cases");
        let (listed, mut ran) = (cases.len(), 0);
        for case in cases {
            let name = format!("{rfc}, {}: {}", case.section, case.name);
            ensure!(names.insert(name.clone()), "two cases have the name `{name}`");
            if wanted.as_ref().is_some_and(|wanted| !name.contains(wanted)) {
                continue;
            }
            ran += 1;
            if let Err(error) = run(&stage, case).await {
                failed += 1;
                println!("failed: {name}: {error:#}");
            }
        }
        not_run += listed - ran;
        of_6455 += if rfc == "RFC 6455" { ran } else { 0 };
        println!("{rfc}, {subject}: {ran} of {listed} cases in {:.2} s", begun.elapsed().as_secs_f64());
    }
    Arc::into_inner(stage).context("a case goes on")?.empties().await?;
    ensure!(failed == 0, "{failed} cases failed");
    if wanted.is_none() {
        ensure!(not_run == 0, "{not_run} cases have not run");
        ensure!(of_6455 >= LEAST, "{of_6455} cases of RFC 6455 are fewer than {LEAST}");
    }
    println!("{} cases, of RFC 6455 {of_6455}", names.len() - not_run);
    Ok(())
}

/// Plays one case, and then sees whether anybody else was disturbed by it. A case that panics has failed.
async fn run(stage: &Arc<Stage>, case: Case) -> anyhow::Result<()> {
    let on = Arc::clone(stage);
    let door = case.door;
    let played = tokio::time::timeout(PATIENCE, tokio::spawn(case.play(on))).await.context("it takes too long")?;
    played.context("it panicked")??;
    stage.undisturbed(door).await
}
