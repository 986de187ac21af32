//! `cargo bench-peers`: Holdline beside a native echo without wasm, which is the yardstick, and beside Node, Bun and workerd.
//!
//! Every server is measured in every round, so that a machine that gets slower is slower for all of them, and the medians of the
//! rounds are compared.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program for a terminal")]

#[path = "../cargo.rs"]
mod cargo;
#[allow(dead_code, unused_imports, reason = "it uses a part of what the suite stands on")]
#[path = "../harness/mod.rs"]
mod harness;

mod book;
mod cells;
mod client;
mod machine;
mod native;
mod peers;
mod plugins;
mod process;
mod servers;
mod start;
mod table;
mod targets;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use book::{Book, Quantity};
use cells::{Bench, CELLS, Cell, GROWTH};
use clap::{Parser, ValueEnum};
use client::Timing;
use native::NATIVE;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use servers::{Server, Service, Stage};
use table::Style;
use targets::Target;

/// Other programs may have so much of a core, in percent, before they are spoken of.
const QUIET: f64 = 15.0;

/// Measures Holdline beside its peers. Exits with 1 if a target is missed or a server fails.
#[derive(Parser)]
#[command(name = "cargo bench-peers", bin_name = "cargo bench-peers")]
#[command(after_help = "Examples:\n  \
    cargo bench-peers                                      all cells, 5 rounds: half an hour\n  \
    cargo bench-peers --only 64x1x64 --servers native,pooled\n  \
    cargo bench-peers --growth --markdown                  the tables of the README, for growing numbers of connections")]
struct Arguments {
    /// How often each server is measured in each cell; three times as often at half load, where the figure is a p99.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long each measurement lasts.
    #[arg(long, value_name = "S", default_value_t = 3.0)]
    seconds: f64,
    /// How long a server is warmed up before each measurement, in seconds.
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    warm_up: f64,
    /// Only these cells, divided by commas.
    #[arg(long, value_name = "CELL", value_delimiter = ',')]
    only: Vec<Cell>,
    /// Only these servers, divided by commas.
    #[arg(long, value_name = "SERVER", value_delimiter = ',')]
    servers: Vec<Server>,
    /// Throughput and memory at 100 to 15,000 connections, instead of the other cells.
    #[arg(long)]
    growth: bool,
    /// Prints tables for a README.
    #[arg(long)]
    markdown: bool,
    /// Writes every value of every round to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Cargo says so to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    fn cells(&self) -> Vec<Cell> {
        match (self.growth, self.only.is_empty()) {
            (true, _) => GROWTH.iter().chain(&self.only).copied().collect(),
            (false, true) => CELLS.to_vec(),
            (false, false) => self.only.clone(),
        }
    }

    /// The servers of a cell that are wanted.
    fn servers(&self, cell: Cell) -> Vec<Server> {
        let wanted = |server: &&Server| self.servers.is_empty() || self.servers.contains(server);
        cell.servers().iter().filter(wanted).copied().collect()
    }

    fn timing(&self) -> anyhow::Result<Timing> {
        ensure!(self.seconds >= 0.5, "--seconds {} is too short: the server's use is read every 50 ms", self.seconds);
        let seconds = |seconds| Duration::try_from_secs_f64(seconds).with_context(|| format!("{seconds} seconds"));
        Ok(Timing { measured: seconds(self.seconds)?, warm_up: seconds(self.warm_up)? })
    }

    fn style(&self) -> Style {
        if self.markdown { Style::Markdown } else { Style::Terminal }
    }
}

fn main() -> anyhow::Result<ExitCode> {
    if let (Some(NATIVE), Some(service)) = (std::env::args().nth(1).as_deref(), std::env::args().nth(2)) {
        let service = Service::from_str(&service, false).map_err(anyhow::Error::msg)?;
        native::serve(service)?;
    }
    let arguments = Arguments::parse();
    let timing = arguments.timing()?;
    ensure!(std::thread::available_parallelism()?.get() > 1, "server and client need a core each, and there is one");
    raise_open_files()?;
    let cells = arguments.cells();
    let servers: Vec<Server> = cells.iter().flat_map(|cell| arguments.servers(*cell)).collect();
    let bench = Bench::new(Stage::prepare(&servers)?, timing);

    let mut book = Book::default();
    let mut failures = Vec::new();
    for cell in cells {
        measure(&bench, cell, arguments.servers(cell), arguments.rounds * cell.rounds(), &mut book, &mut failures);
        if let Some(table) = table::of_cell(&book, cell, arguments.style()) {
            print!("{table}");
        }
    }
    summary(&arguments, &machine::describe(bench.stage())?, &book, &failures)
}

/// Measures the servers of a cell in turn, round after round. One that fails is left out of the rounds that follow.
fn measure(
    bench: &Bench,
    cell: Cell,
    mut servers: Vec<Server>,
    rounds: u32,
    book: &mut Book,
    failures: &mut Vec<String>,
) {
    for round in 1..=rounds {
        servers.retain(|server| {
            eprintln!("{}, round {round}: {}", cell.title(), server.title());
            match bench.measure(cell, *server) {
                Ok(figures) => {
                    book.add(cell, *server, figures);
                    true
                }
                Err(error) => {
                    eprintln!("  failed: {error:#}");
                    failures.push(format!("{}: {}: {error:#}", cell.title(), server.title()));
                    false
                }
            }
        });
    }
}

/// The targets, the machine, and what makes the exit code.
fn summary(arguments: &Arguments, machine: &str, book: &Book, failures: &[String]) -> anyhow::Result<ExitCode> {
    let targets = targets::of(book);
    if targets.iter().any(Target::is_measured) {
        print!("{}", targets::show(&targets, arguments.style()));
    }
    println!(
        "\nmedians of {} rounds ({} at half load) of {} s each; {machine}",
        arguments.rounds,
        arguments.rounds * Cell::HalfLoad.rounds(),
        arguments.seconds
    );
    if let Some(file) = &arguments.json {
        let all = json!({"machine": machine, "rounds": arguments.rounds, "seconds": arguments.seconds,
            "values": book, "targets": targets, "failures": failures});
        std::fs::write(file, format!("{all:#}\n")).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    let others = book.greatest(Quantity::OthersBusyPercent);
    if others > QUIET {
        println!("the machine was not quiet: other programs had up to {others:.0} % of a core; the figures say little");
    }
    for failure in failures {
        println!("failed: {failure}");
    }
    let measured = targets.iter().filter(|target| target.is_measured()).count();
    let missed = targets.iter().filter(|target| target.is_missed()).count();
    if measured > 0 {
        println!("{missed} of {measured} targets are missed");
    }
    Ok(if missed == 0 && failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Thousands of connections are thousands of open files. The programs that are started have the limit of the one that starts them.
fn raise_open_files() -> anyhow::Result<()> {
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files).context("the limit of open files cannot be raised")
}
