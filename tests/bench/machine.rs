//! What the figures come from: the machine and the versions, so that a table can say so. Neither the machine's name nor its paths.

use std::process::Command;

use anyhow::Context;

use crate::peers::{PACKAGES, Peers};
use crate::servers::Stage;

/// The packages that the yardstick and Holdline stand on.
const CRATES: [&str; 3] = ["tokio", "tokio-tungstenite", "wasmtime"];

/// One line.
pub(crate) fn describe(stage: &Stage) -> anyhow::Result<String> {
    let processor = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = processor.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1));
    let cores = std::thread::available_parallelism()?;
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let mut parts = vec![
        format!("{}, {cores} cores", model.unwrap_or(std::env::consts::ARCH)),
        // What follows the number names a build, and often its place.
        format!("Linux {}", kernel.trim().split('-').next().unwrap_or_default()),
        first_line(Command::new(stage.holdline()).arg("--version"))?,
        first_line(Command::new("rustc").arg("--version"))?,
    ];
    let lock = include_str!("../../Cargo.lock");
    parts.extend(CRATES.iter().filter_map(|name| Some(format!("{name} {}", locked(lock, name)?))));
    if let Some(peers) = stage.peers() {
        parts.extend(versions(peers)?);
    }
    Ok(parts.join(" · "))
}

fn versions(peers: &Peers) -> anyhow::Result<[String; 4]> {
    Ok([
        format!("Node {}", first_line(Command::new("node").arg("--version"))?.trim_start_matches('v')),
        format!("ws {}", peers.version("ws")?),
        format!("Bun {}", peers.version(PACKAGES.bun)?),
        format!("workerd {}", peers.version(PACKAGES.workerd)?),
    ])
}

fn first_line(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("{} does not run", command.get_program().display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    // What follows in parentheses is a commit and a date.
    let line = text.lines().next().unwrap_or_default();
    Ok(line.split(" (").next().unwrap_or_default().to_owned())
}

/// The version of a package in a lock file.
fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{package}\""));
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}
