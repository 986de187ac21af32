//! What a plugin prints goes to its log, line by line: stdout as info, stderr as a warning. In a second the plugins of a
//! tenant get so much of it; the rest is left out, and how much that was is told.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::state::Owner;
use crate::digest::Brief;

/// A line longer than this is cut into several.
const MAX_LINE: usize = 8 << 10;

/// What a line counts beside its own bytes: without it empty lines would be free.
const LINE: usize = 64;

/// Tells how many lines of a plugin were left out and not told yet, if any were.
pub(super) fn tell_left_out(owner: &Owner) {
    let lines = owner.left_out.swap(0, Ordering::Relaxed);
    if lines == 0 {
        return;
    }
    let (tenant, plugin, version) = (owner.tenant.name(), &*owner.name, Brief(owner.digest));
    let most = owner.tenant.limits().log_size_per_second;
    tracing::warn!(target: "plugin", tenant, plugin, %version, "{lines} lines were left out: the plugins of a tenant may print {most} in a second");
}

/// Which of the two streams it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Level {
    Info,
    Warn,
}

/// A stream of a plugin.
#[derive(Clone)]
pub(super) struct PluginLog {
    owner: Arc<Owner>,
    level: Level,
}

impl PluginLog {
    pub(super) fn new(owner: Arc<Owner>, level: Level) -> Self {
        Self { owner, level }
    }

    fn lines(&self) -> Lines {
        Lines { log: self.clone(), begun: Vec::new() }
    }

    fn line(&self, line: &[u8]) {
        if !self.owner.tenant.may_print(LINE + line.len()) {
            self.owner.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        tell_left_out(&self.owner);
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        let (tenant, plugin, version) = (self.owner.tenant.name(), &*self.owner.name, Brief(self.owner.digest));
        match self.level {
            Level::Info => tracing::info!(target: "plugin", tenant, plugin, %version, "{line}"),
            Level::Warn => tracing::warn!(target: "plugin", tenant, plugin, %version, "{line}"),
        }
    }
}

impl IsTerminal for PluginLog {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for PluginLog {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.lines())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.lines())
    }
}

/// Cuts what is written into lines. What has begun and not ended is a line when the stream goes.
struct Lines {
    log: PluginLog,
    begun: Vec<u8>,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            for part in piece.chunks(MAX_LINE) {
                self.begun.extend_from_slice(part);
                if part.ends_with(b"\n") || self.begun.len() >= MAX_LINE {
                    self.log.line(&self.begun);
                    self.begun.clear();
                }
            }
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.begun.is_empty() {
            self.log.line(&self.begun);
        }
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}

impl AsyncWrite for Lines {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
