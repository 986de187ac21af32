//! The engine's time: epochs, so that running guests are looked at, and whether the threads that serve keep up with what is to do.
//!
//! A thread of its own keeps it, because those that serve may all be busy. It goes slower while every event is short, because
//! each of its steps takes a core from a thread that serves; and it rests while no guest runs, so that a host that nobody uses wakes
//! for nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

/// While no guest computes for long and the host is not behind, time goes in steps of so many ticks.
const CALM: u32 = 5;

/// The runtime shows that it comes round while guests run, so many ticks apart, or a step if that is more.
const BEAT: u32 = 2;

/// A beat that is so many ticks late tells that what is ready to run has to wait. A millisecond is what tokio's timers are exact to, and
/// guests in their first tick may take the rest.
const LATE: u32 = 3;

/// When no guest was seen for so many steps, time stops.
const REST: u32 = 64;

/// Events begin in fair order for so long after the host was behind, and steps are ticks for so long after a guest has computed for
/// long. A flood comes in waves, and each would have to be noticed anew, by one who waits behind it.
const AFTER: Duration = Duration::from_secs(5);

/// The time of one engine. It ends when it is dropped.
pub(super) struct Clock {
    pulse: Arc<Pulse>,
    keeper: Thread,
}

struct Pulse {
    tick: Duration,
    origin: Instant,
    // Whether a guest was seen lately.
    active: AtomicBool,
    ended: AtomicBool,
    // Whether events begin in fair order.
    gated: AtomicBool,
    // How many events wait for their turn to begin.
    waiting: AtomicUsize,
    // When the runtime is to have come round next, in microseconds since the origin.
    beat: AtomicU64,
    // How many ticks a step has now.
    step: AtomicU32,
    // A guest has computed for more than a step since the last one.
    long: AtomicBool,
    // Whiles are numbered. In this one so many shares had events, and in the one before.
    period: AtomicU64,
    present: AtomicUsize,
    before: AtomicUsize,
    // Each time that time goes on has a beat of its own, which ends with it.
    round: AtomicU64,
}

/// Whether there is a runtime that can be late.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beats {
    Yes,
    No,
}

/// Until when the clock goes in ticks, and why.
struct Busy {
    // The host was behind.
    late_until: Instant,
    // A guest has computed for long.
    long_until: Instant,
}

/// An event that waits to begin, until it is dropped.
pub(super) struct Waiting<'a>(&'a Pulse);

impl Clock {
    /// Starts the thread.
    pub(super) fn start(engine: wasmtime::EngineWeak, tick: Duration) -> std::io::Result<Self> {
        let pulse = Arc::new(Pulse {
            tick,
            origin: Instant::now(),
            active: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            gated: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            beat: AtomicU64::new(0),
            step: AtomicU32::new(CALM),
            long: AtomicBool::new(false),
            period: AtomicU64::new(1),
            present: AtomicUsize::new(0),
            before: AtomicUsize::new(0),
            round: AtomicU64::new(0),
        });
        let (kept, runtime) = (Arc::clone(&pulse), Handle::try_current().ok());
        let thread = std::thread::Builder::new()
            .name("epoch".to_owned())
            .spawn(move || kept.keep_time(&engine, runtime.as_ref()))?;
        Ok(Self { pulse, keeper: thread.thread().clone() })
    }

    /// A guest runs: time goes on.
    #[inline]
    pub(super) fn stir(&self) {
        if !self.pulse.active.load(Ordering::Relaxed) {
            self.pulse.active.store(true, Ordering::Release);
            self.keeper.unpark();
        }
    }

    /// A share has an event; it keeps the number of the while in which it had its last.
    #[inline]
    pub(super) fn seen(&self, last: &AtomicU64) {
        let period = self.pulse.period.load(Ordering::Relaxed);
        if last.load(Ordering::Relaxed) != period && last.swap(period, Ordering::Relaxed) != period {
            self.pulse.present.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A guest has computed for a whole step and goes on: it is to be looked at in each tick.
    pub(super) fn has_long_guest(&self) {
        self.pulse.long.store(true, Ordering::Relaxed);
    }

    /// Whether events have to wait for their turn before they begin, because the host is behind.
    #[inline]
    pub(super) fn is_behind(&self) -> bool {
        self.pulse.gated.load(Ordering::Relaxed)
    }

    /// An event waits to begin. As long as one does, others wait behind it.
    pub(super) fn waiting(&self) -> Waiting<'_> {
        self.pulse.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(&self.pulse)
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.pulse.ended.store(true, Ordering::Release);
        self.keeper.unpark();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pulse {
    fn keep_time(self: Arc<Self>, engine: &wasmtime::EngineWeak, runtime: Option<&Handle>) {
        let beats = if runtime.is_some() { Beats::Yes } else { Beats::No };
        let mut busy = Busy { late_until: Instant::now(), long_until: Instant::now() };
        while !self.ended.load(Ordering::Acquire) {
            if !self.active.load(Ordering::Acquire) {
                std::thread::park();
                continue;
            }
            let round = self.round.fetch_add(1, Ordering::Relaxed) + 1;
            if let Some(runtime) = runtime {
                let _due = self.came_round();
                runtime.spawn(Arc::clone(&self).beat(round));
            }
            while self.active.swap(false, Ordering::Acquire) || self.gated.load(Ordering::Relaxed) {
                if self.go_on(engine, beats, &mut busy).is_none() {
                    return;
                }
            }
            self.round.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A while of time; none if the engine is gone.
    #[allow(clippy::disallowed_methods, reason = "this thread serves nobody else")]
    fn go_on(&self, engine: &wasmtime::EngineWeak, beats: Beats, busy: &mut Busy) -> Option<()> {
        self.before.store(self.present.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        self.period.fetch_add(1, Ordering::Relaxed);
        for _ in 0..REST {
            engine.upgrade()?.increment_epoch();
            let now = Instant::now();
            if beats == Beats::Yes && self.is_late() && self.has_several_shares() {
                busy.late_until = now + AFTER;
            }
            if self.long.swap(false, Ordering::Relaxed) {
                busy.long_until = now + AFTER;
            }
            let is_gated = now < busy.late_until || self.waiting.load(Ordering::Relaxed) > 0;
            self.gated.store(is_gated, Ordering::Relaxed);
            let step = if is_gated || now < busy.long_until { 1 } else { CALM };
            self.step.store(step, Ordering::Relaxed);
            std::thread::sleep(self.tick * step);
        }
        Some(())
    }

    /// A share that is alone waits for itself only, and order would do nothing but cost.
    fn has_several_shares(&self) -> bool {
        self.present.load(Ordering::Relaxed).max(self.before.load(Ordering::Relaxed)) > 1
    }

    /// Comes round like everything that waits for a socket or a timer: when it is its turn in the runtime's queue.
    async fn beat(self: Arc<Self>, round: u64) {
        while self.round.load(Ordering::Relaxed) == round {
            tokio::time::sleep(self.came_round()).await;
        }
    }

    /// Returns when it is to come round next.
    fn came_round(&self) -> Duration {
        let next = self.tick * BEAT.max(self.step.load(Ordering::Relaxed));
        self.beat.store(self.now().saturating_add(micros(next)), Ordering::Relaxed);
        next
    }

    fn is_late(&self) -> bool {
        self.now() > self.beat.load(Ordering::Relaxed).saturating_add(micros(self.tick * LATE))
    }

    fn now(&self) -> u64 {
        micros(self.origin.elapsed())
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
