//! A run from its beginning to its report: it starts the threads, has them begin together, and looks at how far they are.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::error::Error;
use super::load::Load;
use super::plan::{Extent, Plan, Task};
use super::report::{Report, Sample};
use super::tally::Tally;

/// What else than connections has files open: the program, its terminal, what each thread waits with.
const OTHER_FILES: u64 = 64;

/// How often it is looked whether all threads have their connections.
const LOOK: Duration = Duration::from_millis(5);

/// From the word to go to the beginning: by then all threads have heard it.
const READY_STEADY: Duration = Duration::from_millis(10);

/// A run has about this many samples of its rate, none of them shorter than this.
const SAMPLES: u32 = 100;
const SHORTEST_SAMPLE: Duration = Duration::from_millis(50);
const LONGEST_SAMPLE: Duration = Duration::from_secs(1);

/// What a run tells while it goes on.
#[derive(Clone, Copy, Debug)]
pub enum News {
    /// Connections are being opened.
    Connecting {
        /// Those that stand.
        established: u64,
        /// Those that were refused.
        failed: u64,
    },
    /// All connections stand, or were refused.
    Standing {
        /// Those that stand.
        established: u64,
    },
    /// It works.
    Running {
        /// Since the first message.
        elapsed: Duration,
        /// Messages, or connections, in a second of late.
        per_second: f64,
    },
}

/// Which thread of how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    pub(super) index: u32,
    pub(super) of: u32,
}

impl Lane {
    /// How many of so many things are this thread's, if they are dealt out in turn.
    pub(super) fn share(self, count: u32) -> u32 {
        count / self.of + u32::from(self.index < count % self.of)
    }
}

/// What the threads and who looks at them have in common.
#[derive(Debug)]
pub(super) struct Shared {
    /// How many threads have all their connections.
    pub(super) ready: AtomicU32,
    /// How many threads have ended their work.
    pub(super) over: AtomicU32,
    /// When all begin; none if there is no use in it.
    pub(super) go: OnceLock<Option<Instant>>,
    pub(super) lanes: Vec<Progress>,
}

/// How far a thread is. Each has a cache line of its own, so that telling it costs the others nothing.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Progress {
    pub(super) established: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) messages: AtomicU64,
}

impl Shared {
    fn sum(&self, of: impl Fn(&Progress) -> &AtomicU64) -> u64 {
        self.lanes.iter().map(|lane| of(lane).load(Ordering::Relaxed)).sum()
    }
}

/// Does what the plan says. It blocks until the end.
///
/// # Errors
/// The run could not begin. What goes wrong with connections is in the report.
pub fn run(plan: &Plan, watch: &mut dyn FnMut(News)) -> Result<Report, Error> {
    allow_open_files(plan.connections)?;
    let threads = plan.threads.clamp(1, plan.connections);
    let shared = Shared {
        ready: AtomicU32::new(0),
        over: AtomicU32::new(0),
        go: OnceLock::new(),
        lanes: (0..threads).map(|_| Progress::default()).collect(),
    };
    let mut mask = [0; 4];
    getrandom::fill(&mut mask)
        .map_err(|error| Error::System { what: "give random bytes", source: std::io::Error::other(error) })?;
    thread::scope(|scope| {
        // Nothing is sent through it: it ends when the last thread does.
        let (lives, ended) = sync_channel::<()>(1);
        let mut running = Vec::new();
        for index in 0..threads {
            let load = Load::new(plan, &shared, Lane { index, of: threads }, mask)?;
            let (lives, shared) = (lives.clone(), &shared);
            running.push(scope.spawn(move || {
                let outcome = load.run();
                if outcome.is_err() {
                    // The others would wait for it.
                    let _already_begun = shared.go.set(None);
                }
                drop(lives);
                outcome
            }));
        }
        drop(lives);
        let timeline = look_on(plan, &shared, &ended, watch);
        let mut sum: Option<Tally> = None;
        for thread in running {
            let tally = thread.join().map_err(|_| Error::Thread)??;
            match &mut sum {
                Some(sum) => sum.add(&tally),
                None => sum = Some(tally),
            }
        }
        Ok(Report::new(plan, sum.ok_or(Error::Thread)?, timeline))
    })
}

/// Gives the word to go, tells what happens and takes samples of the rate, until all threads have ended.
fn look_on(plan: &Plan, shared: &Shared, ended: &Receiver<()>, watch: &mut dyn FnMut(News)) -> Vec<Sample> {
    let threads = shared.lanes.len() as u32;
    while shared.ready.load(Ordering::Acquire) < threads {
        if ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Disconnected) {
            return Vec::new();
        }
        let (established, failed) = (shared.sum(|lane| &lane.established), shared.sum(|lane| &lane.failed));
        watch(News::Connecting { established, failed });
    }
    let established = shared.sum(|lane| &lane.established);
    let is_useful = established > 0 || plan.task == Task::Connect;
    let start = Instant::now() + READY_STEADY;
    let _unless_a_thread_has_failed = shared.go.set(is_useful.then_some(start));
    if is_useful {
        watch(News::Standing { established });
    }
    let every = match plan.extent {
        Extent::Lasting { warm_up, duration } => {
            ((warm_up + duration) / SAMPLES).clamp(SHORTEST_SAMPLE, LONGEST_SAMPLE)
        }
        Extent::Messages(_) => SHORTEST_SAMPLE,
    };
    let mut samples = Vec::new();
    let (mut last, mut seen) = (start, shared.sum(|lane| &lane.messages));
    while ended.recv_timeout(every) != Err(RecvTimeoutError::Disconnected) {
        // What follows is taking leave.
        if shared.over.load(Ordering::Relaxed) == threads {
            continue;
        }
        let now = Instant::now();
        let elapsed = now.saturating_duration_since(start);
        let messages = shared.sum(|lane| &lane.messages);
        let time = now.saturating_duration_since(last);
        if time.is_zero() {
            continue;
        }
        let messages_per_second = (messages - seen) as f64 / time.as_secs_f64();
        samples.push(Sample { seconds: elapsed.as_secs_f64(), messages_per_second });
        watch(News::Running { elapsed, per_second: messages_per_second });
        (last, seen) = (now, messages);
    }
    samples
}

/// Every connection is an open file. The soft limit is made for programs of another kind, and is raised as far as it may be.
fn allow_open_files(connections: u32) -> Result<(), Error> {
    let connections = u64::from(connections);
    let needed = connections + OTHER_FILES;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if let Some(allowed) = maximum.filter(|maximum| *maximum < needed) {
        return Err(Error::OpenFiles { connections, allowed });
    }
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
        .map_err(|source| Error::System { what: "allow more open files", source: source.into() })
}
