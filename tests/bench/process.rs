//! A program that runs in a process of its own, bound to one core: what it says, what it has used, and its end with the benchmark.
//!
//! Servers and clients are such processes. What they are is not known here.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context;

/// How long a program may take over what is waited for. In this time a slow machine makes thousands of connections.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What the kernel counts computing time in, for programs that ask.
const TICK: Duration = Duration::from_millis(10);

/// Waits. A benchmark has one thread, and while it waits others are measured.
#[allow(clippy::disallowed_methods, reason = "no other work is kept waiting")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// The server and the client each have a core of their own.
#[derive(Clone, Copy)]
pub(crate) enum Core {
    Server,
    Client,
}

impl Core {
    /// A command that runs the program on this core alone. `taskset` becomes the program, so that its process is the program's.
    pub(crate) fn command(self, program: impl AsRef<Path>) -> Command {
        let core = match self {
            Self::Server => "0",
            Self::Client => "1",
        };
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", core]).arg(program.as_ref());
        command
    }
}

/// The computing time that all programs of the machine have had, and what a host of machines has taken from this one. What the
/// kernel does for the network is not in it.
pub(crate) fn machine_computed() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let first = stat.lines().next().context("the kernel counts no computing time")?;
    let fields: Vec<u32> = first.split_whitespace().skip(1).map(str::parse).collect::<Result<_, _>>()?;
    // User, nice and system; then idle and four that wait or serve interrupts; then what was stolen.
    Ok(TICK * fields.iter().take(3).chain(fields.get(7)).sum())
}

/// A process that ends when nobody has it any more.
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it. What it complains of goes to the file.
    pub(crate) fn start(name: &str, mut command: Command, log: PathBuf) -> anyhow::Result<Self> {
        let file = File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file).spawn();
        let child = started.with_context(|| format!("{} does not run", command.get_program().display()))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// Reads its output to the end on a thread, and returns what the first line means that means something.
    pub(crate) fn hear<T: Send + 'static>(&mut self, meaning: fn(&str) -> Option<T>) -> anyhow::Result<T> {
        let output = self.child.stdout.take().context("its output was taken before")?;
        let (sender, receiver) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            for found in BufReader::new(output).lines().map_while(Result::ok).filter_map(|line| meaning(&line)) {
                // Who has heard the first does not wait for another.
                let _heard = sender.try_send(found);
            }
        });
        receiver.recv_timeout(PATIENCE).map_err(|_| self.failure("did not start"))
    }

    /// True if it has ended.
    pub(crate) fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// All that it has written to its output, when it has ended well.
    pub(crate) fn output(mut self) -> anyhow::Result<String> {
        let mut output = String::new();
        self.child.stdout.take().context("its output was taken before")?.read_to_string(&mut output)?;
        let status = self.child.wait()?;
        if status.success() { Ok(output) } else { Err(self.failure(&format!("ended with {status}"))) }
    }

    /// The computing time that all its threads have had.
    pub(crate) fn computed(&self) -> anyhow::Result<Duration> {
        let stat = self.proc("stat")?;
        // The name of the program may have anything in it and ends with the last parenthesis. The time in the program and that in
        // the kernel are the 12th and the 13th field after it.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks = fields.skip(11).take(2).map(str::parse::<u32>).sum::<Result<u32, _>>()?;
        Ok(TICK * ticks)
    }

    /// What it has in memory, in bytes.
    pub(crate) fn resident(&self) -> anyhow::Result<f64> {
        let status = self.proc("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or_else(|| self.failure("ended"))?;
        let kilobytes: f64 = line.trim_end_matches("kB").trim().parse()?;
        Ok(kilobytes * 1024.0)
    }

    fn proc(&self, file: &str) -> anyhow::Result<String> {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).map_err(|_| self.failure("ended"))
    }

    /// What it has complained of so far.
    pub(crate) fn complaints(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// An error that says what the process did wrong, with the last of its complaints.
    pub(crate) fn failure(&self, what: &str) -> anyhow::Error {
        let complaints = self.complaints();
        let last: Vec<&str> = complaints.lines().rev().take(3).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        let words = if last.is_empty() { String::new() } else { format!(": {}", last.join(" | ")) };
        anyhow::anyhow!("{} {what}{words}", self.name)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed, and only has to be taken away.
        let _killed = self.child.kill();
        let _taken = self.child.wait();
    }
}
