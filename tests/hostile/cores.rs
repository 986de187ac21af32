//! How long threads of this program were ready to run while other programs had the cores: what a machine that others use too adds to a
//! time, and a host can do nothing about.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// The threads that have a part in an answer. A system that does not keep the account says nothing, and nothing is taken off.
pub(crate) struct Cores {
    client: Option<File>,
    host: Vec<File>,
}

/// What the account of each thread said at one time.
pub(crate) struct Reading {
    client: Duration,
    host: Vec<Duration>,
}

impl Cores {
    /// The client is the thread that calls; the host's threads have these names.
    pub(crate) fn new(names: &[&str]) -> Self {
        let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten().map(|thread| thread.path());
        let of_host = threads.filter(|thread| {
            fs::read_to_string(thread.join("comm")).is_ok_and(|name| names.contains(&name.trim_end()))
        });
        let host = of_host.filter_map(|thread| File::open(thread.join("schedstat")).ok()).collect();
        Self { client: File::open("/proc/thread-self/schedstat").ok(), host }
    }

    /// What the accounts say now.
    pub(crate) fn read(&self) -> Reading {
        Reading {
            client: self.client.as_ref().map_or(Duration::ZERO, waited),
            host: self.host.iter().map(waited).collect(),
        }
    }
}

impl Reading {
    /// How much the client and, of the host's threads, the one that it hit worst have waited since.
    pub(crate) fn since(&self, before: &Self) -> Duration {
        let host = self.host.iter().zip(&before.host).map(|(now, before)| now.saturating_sub(*before)).max();
        self.client.saturating_sub(before.client) + host.unwrap_or_default()
    }
}

/// The second of the three numbers: nanoseconds in which the thread waited on a run queue (Documentation/scheduler/sched-stats.rst of
/// Linux).
fn waited(account: &File) -> Duration {
    let mut line = [0; 96];
    let read = account.read_at(&mut line, 0).unwrap_or(0);
    let text = line.get(..read).and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|number| number.parse().ok()).map_or(Duration::ZERO, Duration::from_nanos)
}
