//! The mutex that the hub gets here in the place of `host/src/sync.rs`: the same to look at, but before it is taken and after it is
//! given back the scheduler may let another task go first.
//!
//! Only there: the atomics and the maps of the hub are the real ones, and so is the lock of its schedule. All tasks are on one
//! thread, so those steps are whole, each next to the one before it; a map's shard must not be locked while a task takes one of
//! these mutexes, because the next task would then wait for it for ever (a broadcast does that, and opening a channel).

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
use std::thread::panicking;

use crate::explore::another_may_go_first;

#[derive(Default)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

/// Is never empty but while it is dropped.
pub(crate) struct MutexGuard<'a, T>(Option<shuttle::sync::MutexGuard<'a, T>>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().expect("it is held")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_deref_mut().expect("it is held")
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.0 = None;
        // What follows is often a look into a map that is to be late.
        if !panicking() {
            another_may_go_first();
        }
    }
}
