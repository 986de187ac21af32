//! The command line: one file for each command.

mod access;
mod api;
mod audit;
mod bench;
mod build;
mod canary;
mod channels;
mod check;
mod compile;
mod connections;
mod demo;
mod deploy;
mod dev;
mod doctor;
mod granting;
mod held;
mod host;
mod logs;
mod new;
mod plugins;
mod rollback;
mod run;
mod serve;
mod source;
mod table;
mod talk;
mod tenants;
mod terminal;
mod timers;
mod token;
mod top;
mod usage;

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
    holdline bench ws://127.0.0.1:8080/        put a server under load and measure it\n\n\
    A host that runs and has an admin API:\n  \
    holdline deploy plugins/echo --canary 10%  try a plugin on a tenth of its connections\n  \
    holdline top                               see what the host does\n  \
    holdline token create ci --role deployer   let others operate it")]
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
    #[command(hide = true)]
    Compile(compile::Compile),
    Doctor(doctor::Doctor),
    Demo(demo::Demo),
    Bench(bench::Bench),
    Deploy(deploy::Deploy),
    Plugins(plugins::Plugins),
    Rollback(rollback::RollbackArgs),
    Canary(canary::CanaryArgs),
    Connections(connections::Connections),
    Held(held::HeldArgs),
    Channels(channels::Channels),
    Timers(timers::Timers),
    Logs(logs::Logs),
    Top(top::Top),
    Usage(usage::UsageArgs),
    Tenants(tenants::Tenants),
    Token(token::TokenArgs),
    Audit(audit::Audit),
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
            Command::Compile(args) => compile::run(&args),
            Command::Doctor(args) => doctor::run(args),
            Command::Demo(args) => demo::run(args),
            Command::Bench(args) => bench::run(args),
            Command::Deploy(args) => deploy::run(args),
            Command::Plugins(args) => plugins::run(args),
            Command::Rollback(args) => rollback::run(args),
            Command::Canary(args) => canary::run(args),
            Command::Connections(args) => connections::run(args),
            Command::Held(args) => held::run(args),
            Command::Channels(args) => channels::run(args),
            Command::Timers(args) => timers::run(args),
            Command::Logs(args) => logs::run(args),
            Command::Top(args) => top::run(args),
            Command::Usage(args) => usage::run(args),
            Command::Tenants(args) => tenants::run(args),
            Command::Token(args) => token::run(args),
            Command::Audit(args) => audit::run(args),
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
