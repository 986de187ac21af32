//! Counters that are counted at every message. Each thread has a row of its own in them, so that counting is a plain addition in a line of
//! memory that no other core writes; who asks adds the rows up.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;

use parking_lot::Mutex;

use super::usage::Counter;

/// So many threads have a row of their own: those that serve, one for each core, and as many beside them. Others share one.
static ROWS: LazyLock<usize> = LazyLock::new(|| 2 * available_parallelism().map_or(1, usize::from));

/// The rows that no thread has.
static FREE: LazyLock<Mutex<BTreeSet<usize>>> = LazyLock::new(|| Mutex::new((0..*ROWS).collect()));

thread_local! {
    static ROW: OwnRow = OwnRow(FREE.lock().pop_first());
}

/// Which row a thread has, for as long as it lives. Whoever has it next sees what it has counted: the lock is between them.
struct OwnRow(Option<usize>);

impl Drop for OwnRow {
    fn drop(&mut self) {
        FREE.lock().extend(self.0);
    }
}

/// How much there was of each [`Counter`].
#[derive(Debug)]
pub(super) struct Counts {
    rows: Box<[Row]>,
    shared: Row,
}

/// Two lines of the cache: processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Row([AtomicU64; Counter::ALL.len()]);

impl Default for Counts {
    fn default() -> Self {
        Self { rows: (0..*ROWS).map(|_| Row::default()).collect(), shared: Row::default() }
    }
}

impl Counts {
    /// How much there was.
    pub(super) fn of(&self, counter: Counter) -> u64 {
        let rows = self.rows.iter().chain([&self.shared]);
        rows.filter_map(|row| row.of(counter)).map(|counted| counted.load(Ordering::Relaxed)).sum()
    }

    /// Counts so much more.
    pub(super) fn count(&self, counter: Counter, amount: u64) {
        // A thread that ends may have given its row back.
        let own = ROW.try_with(|row| row.0).ok().flatten().and_then(|own| self.rows.get(own));
        if let Some(counted) = own.and_then(|row| row.of(counter)) {
            counted.store(counted.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
        } else if let Some(counted) = self.shared.of(counter) {
            counted.fetch_add(amount, Ordering::Relaxed);
        }
    }
}

impl Row {
    fn of(&self, counter: Counter) -> Option<&AtomicU64> {
        self.0.get(counter as usize)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn nothing_is_lost_however_many_threads_count_and_end() {
        let (counts, threads) = (Counts::default(), *ROWS * 2);
        for _ in 0..3 {
            // All at the same time: two that had the same row would overwrite what the other one has counted.
            let begin = Barrier::new(threads);
            let count = || {
                begin.wait();
                (0..100_000).for_each(|_| counts.count(Counter::Events, 2));
            };
            thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(count))));
        }
        let all = 3 * 200_000 * threads as u64;
        assert_eq!((counts.of(Counter::Accepted), counts.of(Counter::Events)), (0, all));
    }
}
