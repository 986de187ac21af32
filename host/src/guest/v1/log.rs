//! What a plugin prints goes to its log, line by line: stdout as info, stderr as a warning. In a second it gets so much of it; the rest
//! is left out, and how much that was is told.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::state::Owner;
use crate::digest::Brief;
use crate::tenant::Limit;

/// A line longer than this is cut into several.
const MAX_LINE: usize = 8 << 10;

/// What a line counts beside its own bytes: without it empty lines would be free.
const LINE: usize = 64;

/// What a plugin has printed in the second that goes on.
#[derive(Debug, Default)]
pub struct Printed(Mutex<Second>);

#[derive(Debug, Default)]
struct Second {
    begun: Option<Instant>,
    bytes: usize,
    left_out: u64,
}

/// What becomes of a line.
enum Verdict {
    /// It is written, and before it how many were left out.
    Write {
        left_out: u64,
    },
    LeaveOut,
}

impl Printed {
    /// How many lines were left out and not told yet.
    pub(super) fn left_out(&self) -> u64 {
        self.0.lock().left_out
    }

    /// `most` is how many bytes there may be in a second.
    fn judge(&self, line: usize, most: usize, now: Instant) -> Verdict {
        let mut second = self.0.lock();
        let mut told = 0;
        if second.begun.is_none_or(|begun| now.saturating_duration_since(begun) >= Duration::from_secs(1)) {
            told = second.left_out;
            *second = Second { begun: Some(now), ..Second::default() };
        }
        let after = second.bytes.saturating_add(LINE).saturating_add(line);
        if after > most {
            second.left_out += 1;
            return Verdict::LeaveOut;
        }
        second.bytes = after;
        Verdict::Write { left_out: told }
    }
}

/// Tells how many lines of a plugin were left out.
pub(super) fn tell_left_out(owner: &Owner, lines: u64) {
    let (tenant, plugin, version) = (owner.tenant.name(), &*owner.name, Brief(owner.digest));
    let most = owner.tenant.limits().log_size_per_second;
    tracing::warn!(target: "plugin", tenant, plugin, %version, "{lines} lines were left out: a plugin may print {most} in a second");
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
        let most = self.owner.tenant.limits().most(Limit::Log);
        match self.owner.printed.judge(line.len(), most, Instant::now()) {
            Verdict::Write { left_out: 0 } => {}
            Verdict::Write { left_out } => tell_left_out(&self.owner, left_out),
            Verdict::LeaveOut => return self.owner.tenant.refuse(Limit::Log),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of so many lines are written at this moment, and how many it says were left out before.
    fn written(printed: &Printed, lines: usize, bytes: usize, now: Instant) -> (usize, u64) {
        let mut told = 0;
        let write = (0..lines).filter(|_| match printed.judge(bytes, 74_000, now) {
            Verdict::Write { left_out } => {
                told += left_out;
                true
            }
            Verdict::LeaveOut => false,
        });
        (write.count(), told)
    }

    #[test]
    fn so_many_lines_are_written_in_a_second_and_then_it_is_told_how_many_were_not() {
        let (printed, now) = (Printed::default(), Instant::now());
        assert_eq!(written(&printed, 1500, 10, now), (1000, 0));
        assert_eq!(written(&printed, 100, 10, now + Duration::from_millis(999)), (0, 0));
        assert_eq!(printed.left_out(), 600);
        assert_eq!(written(&printed, 10, 10, now + Duration::from_secs(1)), (10, 600));
        assert_eq!(printed.left_out(), 0);
    }

    #[test]
    fn long_lines_are_fewer() {
        let (printed, now) = (Printed::default(), Instant::now());
        assert_eq!(written(&printed, 100, 8 << 10, now), (8, 0));
    }
}
