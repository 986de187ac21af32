//! `cargo hosting`: what it costs to host others. Versions are swapped under load, and no message is lost, none comes out of order and no
//! connection closes; a plugin is loaded from the cache and from its component; and a thousand tenants start.
#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]
#![allow(dead_code, unused_imports, reason = "it uses a part of what the suite stands on")]

#[path = "../harness/mod.rs"]
mod harness;

mod load;
mod many;
mod swap;

use anyhow::{Context, bail};
use tracing::subscriber::NoSubscriber;

fn main() -> anyhow::Result<()> {
    // The suite keeps the whole log in memory; this would be a part of what is measured here.
    tracing::subscriber::set_global_default(NoSubscriber::default())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut parts: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if parts.is_empty() {
        parts = ["swap", "load", "many"].map(str::to_owned).into();
    }
    for part in parts {
        match part.as_str() {
            "swap" => runtime.block_on(swap::run())?,
            "load" => runtime.block_on(load::run())?,
            "many" => runtime.block_on(many::run())?,
            other => bail!("`{other}`? usage: cargo hosting [swap] [load] [many]"),
        }
    }
    Ok(())
}

/// The middle one of what was measured.
fn median(mut measured: Vec<f64>) -> anyhow::Result<f64> {
    measured.sort_by(f64::total_cmp);
    measured.get(measured.len() / 2).copied().context("nothing was measured")
}

/// A component with another manifest in it, so that it is another version that does the same.
fn variant(component: &[u8], number: usize) -> Vec<u8> {
    holdline::plugin::embed(component, &format!("name = \"variant-{number}\""))
}
