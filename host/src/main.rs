//! The `holdline` program: parse, run, print the error chain, exit code.

use std::process::ExitCode;

use clap::Parser;
use holdline::cli::{self, Cli};

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cli::report(&error);
            ExitCode::FAILURE
        }
    }
}
