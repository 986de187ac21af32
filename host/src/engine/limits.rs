//! What one instance may use: memory in all, time in each event.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::ResourceLimiter;

use super::Seat;
use crate::tenant::{Limit, Tenant, Usage};

/// What a plugin's instances may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of linear memory of an instance.
    pub memory: usize,
    /// Computing time of an event; waiting does not count.
    pub cpu: Duration,
    /// Time of an event from its call to its return, waiting included.
    pub timeout: Duration,
}

/// How much computing a call may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// As much as it wants, giving way at every tick: for workers.
    Unlimited,
    /// This much; counted in ticks, so it is exact to about one of them.
    Limited(Duration),
}

/// The guest broke a limit; this is what its trap says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// It computed for longer than it may.
    #[error("computed for longer than the {0:?} that an event may take")]
    Cpu(Duration),
    /// It waited or computed for longer than it may.
    #[error("took longer than the {0:?} that an event may last")]
    Timeout(Duration),
}

/// Data of a store that has a meter.
pub trait Metered: Send + 'static {
    /// The meter.
    fn meter(&mut self) -> &mut Meter;

    /// Where it sits while it computes.
    fn seat(&self) -> &Seat;
}

thread_local! {
    // When the guest that runs on this thread was last let go on.
    static GOES_ON: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// A guest is about to go on after it has waited, wherever that was: in an import that pauses its meter, or in one of a library that
/// knows of none. To be called on the thread on which it goes on.
pub fn goes_on() {
    GOES_ON.set(Some(Instant::now()));
}

/// Counts what an instance uses.
#[derive(Debug)]
pub struct Meter {
    // What its memory is counted for.
    tenant: Arc<Tenant>,
    // And for what of the tenant's.
    usage: Arc<Usage>,
    tick: Duration,
    memory: usize,
    memory_limit: usize,
    memory_refused: bool,
    budget: Budget,
    used: Duration,
    // When the guest was last looked at, or went on after it had waited; none in the first tick of a call.
    resumed: Option<Instant>,
}

impl Meter {
    /// A meter that has counted nothing.
    #[must_use]
    pub fn new(memory_limit: usize, tick: Duration, tenant: Arc<Tenant>, usage: Arc<Usage>) -> Self {
        Self {
            tenant,
            usage,
            tick,
            memory: 0,
            memory_limit,
            memory_refused: false,
            budget: Budget::Unlimited,
            used: Duration::ZERO,
            resumed: None,
        }
    }

    /// A call begins.
    pub fn begin(&mut self, budget: Budget) {
        self.budget = budget;
        self.used = Duration::ZERO;
        self.resumed = None;
    }

    /// True if the guest asked for more memory than it may have. It was told so, and has likely ended itself over it.
    #[must_use]
    pub fn memory_refused(&self) -> bool {
        self.memory_refused
    }

    /// Bytes of linear memory in use.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// The guest has waited in an import and goes on: what it waited is not what it computed.
    pub fn resume(&mut self) {
        self.resumed = Some(Instant::now());
    }

    /// The guest begins to wait in an import.
    pub fn pause(&mut self) {
        // In the first tick of a call nobody has looked yet; that much is given.
        self.used += self.resumed.take().map_or(Duration::ZERO, |resumed| resumed.elapsed().min(self.tick));
    }

    /// A running guest is looked at once in a tick, so it has computed for at most one since the last look: what is more, it was not
    /// running.
    pub(super) fn tick(&mut self) -> Result<(), Exceeded> {
        let now = Instant::now();
        let since = self.resumed.max(GOES_ON.get());
        self.used += since.map_or(self.tick, |since| now.saturating_duration_since(since).min(self.tick));
        self.resumed = Some(now);
        match self.budget {
            Budget::Limited(limit) if self.used > limit => Err(Exceeded::Cpu(limit)),
            Budget::Limited(_) | Budget::Unlimited => Ok(()),
        }
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        // An instance may have several memories; the limit is on their sum.
        let after = self.memory.saturating_add(desired.saturating_sub(current));
        if after > self.memory_limit || !self.tenant.take(Limit::Memory, after - self.memory) {
            self.memory_refused = true;
            return Ok(false);
        }
        self.usage.recount(Limit::Memory, self.memory, after);
        self.memory = after;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, _desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        // The pool's own bound holds.
        Ok(true)
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.tenant.give_back(Limit::Memory, self.memory);
        self.usage.recount(Limit::Memory, self.memory, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(1);

    #[test]
    fn memory_is_limited_over_all_memories() {
        let mut meter = Meter::new(100, TICK, Tenant::of_the_host(), Arc::default());
        assert!(meter.memory_growing(0, 60, None).is_ok_and(|allowed| allowed));
        assert!(meter.memory_growing(0, 50, None).is_ok_and(|allowed| !allowed));
        assert!(meter.memory_refused());
        assert!(meter.memory_growing(60, 100, None).is_ok_and(|allowed| allowed));
        assert_eq!(meter.memory(), 100);
    }

    #[test]
    fn a_budget_lasts_for_its_time_and_begins_anew_with_each_call() {
        let limit = TICK * 3;
        let mut meter = Meter::new(0, TICK, Tenant::of_the_host(), Arc::default());
        for _ in 0..2 {
            meter.begin(Budget::Limited(limit));
            let begun = Instant::now();
            while meter.tick().is_ok() {
                assert!(begun.elapsed() < limit * 100, "the budget never ends");
                std::hint::spin_loop();
            }
            // The first tick is counted whole, whenever it comes.
            assert!(begun.elapsed() >= limit - TICK);
        }
    }

    #[test]
    fn what_was_waited_is_not_counted() {
        let mut meter = Meter::new(0, TICK, Tenant::of_the_host(), Arc::default());
        meter.begin(Budget::Limited(TICK));
        for _ in 0..1000 {
            meter.pause();
            meter.resume();
            assert_eq!(meter.tick(), Ok(()));
        }
    }

    #[test]
    fn what_was_waited_elsewhere_is_not_counted_either() {
        let mut meter = Meter::new(0, TICK, Tenant::of_the_host(), Arc::default());
        meter.begin(Budget::Limited(TICK * 2));
        for _ in 0..5 {
            let waited = Instant::now();
            while waited.elapsed() < TICK {
                std::hint::spin_loop();
            }
            goes_on();
            assert_eq!(meter.tick(), Ok(()));
        }
    }
}
