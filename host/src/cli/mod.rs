//! The command line: one file for each command.

mod bench;
mod build;
mod check;
mod demo;
mod dev;
mod doctor;
mod host;
mod new;
mod run;
mod serve;
mod source;
mod talk;
mod terminal;

use clap::{Parser, Subcommand};

/// A WebSocket server whose handlers are WebAssembly components.
#[derive(Debug, Parser)]
#[command(name = "holdline", version, arg_required_else_help = true)]
#[command(after_help = "Examples:\n  \
    holdline new hello --lang python           a new plugin, in a language of your choice\n  \
    holdline dev hello                         serve it, and swap it whenever a source changes\n  \
    holdline run plugins/echo                  build a plugin and serve it on ws://127.0.0.1:8080/\n  \
    holdline serve --config holdline.toml      serve what a configuration says\n  \
    holdline check mirror.wasm                 what a component exports, imports and asks for\n  \
    holdline bench ws://127.0.0.1:8080/        put a server under load and measure it")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(new::New),
    Dev(dev::Dev),
    Run(run::Run),
    Serve(serve::Serve),
    Build(build::Build),
    Check(check::Check),
    Doctor(doctor::Doctor),
    Demo(demo::Demo),
    Bench(bench::Bench),
}

impl Cli {
    /// Does what was asked for.
    ///
    /// # Errors
    /// Whatever stood in the way; [`report`] prints it, and what to do about it.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::New(args) => new::run(args),
            Command::Dev(args) => dev::run(args),
            Command::Run(args) => run::run(args),
            Command::Serve(args) => serve::run(args),
            Command::Build(args) => build::run(args),
            Command::Check(args) => check::run(args),
            Command::Doctor(args) => doctor::run(args),
            Command::Demo(args) => demo::run(args),
            Command::Bench(args) => bench::run(args),
        }
    }
}

/// Prints an error with its causes, and what to do about it if one of them knows.
pub fn report(error: &anyhow::Error) {
    terminal::remark(format!("error: {error}"));
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        // Some errors carry their cause in their own words.
        if !said.contains(&text) {
            terminal::remark(format!("  because: {text}"));
        }
        said = text;
    }
    if let Some(hint) = source::hint(error) {
        terminal::remark(format!("hint: {hint}"));
    }
}
