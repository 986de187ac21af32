//! An allocator that counts, for each thread on its own, so that tests beside a measurement do not disturb it.
#![allow(unsafe_code, reason = "only the allocator itself knows what is allocated")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    // Without a destructor, so that it can be used as long as its thread allocates.
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: the system's allocator does all the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(taken(layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-taken(layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(taken(size) - taken(layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What a common allocator takes for this many bytes: a word more, in steps of 16, and never less than 32.
fn taken(size: usize) -> i64 {
    i64::try_from((size + 8).next_multiple_of(16).max(32)).unwrap_or(i64::MAX)
}

fn count(bytes: i64) {
    LIVE.set(LIVE.get() + bytes);
}

/// How many bytes more than before this thread has allocated after `work`, and what `work` made.
pub(crate) fn allocated_by<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let before = LIVE.get();
    let made = work();
    #[allow(clippy::cast_precision_loss, reason = "it is far below 2^53")]
    let more = (LIVE.get() - before) as f64;
    (more, made)
}
