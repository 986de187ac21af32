//! How long `holdline run` takes from its start to the first connection: cold, when the component has to be compiled, and warm,
//! when it has been compiled before. It may use all cores, as it would anywhere.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::book::{Figures, Quantity};
use crate::plugins::Plugin;
use crate::process::{PATIENCE, Process, pause};
use crate::servers::Stage;

/// How often a connection is tried.
const TRY: Duration = Duration::from_micros(500);

/// Starts it twice, with an empty folder for what it keeps between starts.
pub(crate) fn cold_and_warm(stage: &Stage) -> anyhow::Result<Figures> {
    let cache = stage.scratch("cache");
    if cache.exists() {
        std::fs::remove_dir_all(&cache).with_context(|| format!("{} cannot be removed", cache.display()))?;
    }
    let cold = start(stage, &cache)?;
    let warm = start(stage, &cache)?;
    Ok(vec![(Quantity::ColdStartMillis, cold), (Quantity::WarmStartMillis, warm)])
}

/// Milliseconds to the first connection.
fn start(stage: &Stage, cache: &Path) -> anyhow::Result<f64> {
    // It was free a moment ago. That another program takes it meanwhile would be seen by an error.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut command = Command::new(stage.holdline());
    command.arg("run").arg(stage.component(Plugin::Echo)).args(["--isolation", "pooled"]);
    command.args(["--listen", &address.to_string()]).env("XDG_CACHE_HOME", cache);
    let begun = Instant::now();
    let mut process = Process::start("holdline run", command, stage.scratch("server.log"))?;
    while !is_upgraded(address) {
        ensure!(!process.has_ended()?, process.failure("ended"));
        ensure!(begun.elapsed() < PATIENCE, process.failure("took no connection"));
        pause(TRY);
    }
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}

/// True if a connection was made and is a WebSocket.
fn is_upgraded(address: SocketAddr) -> bool {
    let upgrade = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(
            stream,
            "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(&status == b"HTTP/1.1 101")
    };
    upgrade().unwrap_or_default()
}
