//! An exception in a handler: its author finds the stack in the log, and the client learns nothing.

use anyhow::Context;
use holdline::plugin::Deployment;
use holdline::plugin::Manifest;
use holdline::tenant::TenantName;
use holdline::toolchain;

use crate::harness::{Host, Setup, folder, logged};

const JAVASCRIPT: &str = r#"
import { Channel, timers } from "holdline";
export function open(request) { if (request.query === "open") deep("in open"); }
export function message(request, message) {
  if (message !== "set") deep("in message");
  timers.after(1, "");
  Channel.lookup("items").offer("x");
}
export function close() { deep("in close"); }
export function timer() { deep("in timer"); }
export function item() { deep("in item"); }
export function run() { deep("in run"); }
function deep(where) { throw new TypeError(`secret ${where}`); }
"#;

const PYTHON: &str = r#"
from holdline import Channel, on_close, on_item, on_message, on_open, on_timer, timers, worker
@on_open
def open(request):
    if request.query == "open": deep("in open")
@on_message
def message(request, message):
    if message != "set": deep("in message")
    timers.after(0.001)
    Channel.lookup("items").offer("x")
@on_close
def close(request, info): deep("in close")
@on_timer
def timer(timer, payload): deep("in timer")
@on_item
def item(channel, item): deep("in item")
@worker
def run(name, argument): deep("in run")
def deep(where): raise TypeError(f"secret {where}")
"#;

/// A plugin whose handlers all throw, and whose name is its language.
async fn throwing(language: &'static str, file: &str, source: &str) -> anyhow::Result<Host> {
    let plugin = folder(&format!("throwing-{language}"))?;
    let name = format!("throwing-{language}");
    let manifest = format!(
        "name = \"{name}\"\nlanguage = \"{language}\"\n[[worker]]\nname = \"w\"\n[[channel]]\nname = \"items\"\ncapacity = 1\n"
    );
    std::fs::write(plugin.join("plugin.toml"), &manifest)?;
    std::fs::write(plugin.join(file), source)?;
    let manifest = Manifest::parse(&manifest, &name)?;
    let written_in = manifest.language.context("a language")?;
    let built = tokio::task::spawn_blocking(move || toolchain::build(&plugin, written_in, &|_| {})).await??;
    let source = Deployment {
        manifest,
        component: std::fs::read(built)?,
        route: Some(format!("/{name}")),
        tenant: TenantName::default(),
    };
    Setup::new().source(source).start().await
}

/// Every handler's exception is in the log with the place it came from, and closes its connection, if it has one, without a word.
async fn all_throw(host: &Host, name: &str, place: &str) -> anyhow::Result<()> {
    logged(name, "secret in run").await?;
    let client = host.connect(&format!("/{name}?open")).await?;
    assert_eq!(client.closed().await?, (1011, String::new()));
    logged(name, "secret in open").await?;
    let mut client = host.connect(&format!("/{name}")).await?;
    client.send_text("set").await?;
    logged(name, "secret in timer").await?;
    logged(name, "secret in item").await?;
    client.send_text("throw").await?;
    assert_eq!(client.closed().await?, (1011, String::new()));
    logged(name, "secret in message").await?;
    logged(name, "secret in close").await?;
    logged(name, place).await?;
    Ok(())
}

#[tokio::test]
async fn an_exception_in_javascript_is_in_the_log_with_its_stack() -> anyhow::Result<()> {
    let host = throwing("javascript", "index.js", JAVASCRIPT).await?;
    all_throw(&host, "throwing-javascript", "at deep (index.js:13").await
}

#[tokio::test]
async fn an_exception_in_python_is_in_the_log_with_its_stack() -> anyhow::Result<()> {
    let host = throwing("python", "plugin.py", PYTHON).await?;
    all_throw(&host, "throwing-python", "plugin.py\", line 19, in deep").await
}
