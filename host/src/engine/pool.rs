//! Instances that are kept warm between two events.

use parking_lot::Mutex;

/// A stack of idle instances: the one that was used last is the next one, because its memory is still in the caches.
#[derive(Debug)]
pub struct Pool<I> {
    idle: Mutex<Vec<I>>,
    keep: usize,
}

impl<I> Pool<I> {
    /// A pool that keeps at most this many.
    #[must_use]
    pub fn new(keep: usize) -> Self {
        Self { idle: Mutex::new(Vec::new()), keep }
    }

    /// Ends all that are idle.
    pub fn clear(&self) {
        let idle = std::mem::take(&mut *self.idle.lock());
        drop(idle);
    }

    /// Takes an idle instance, if there is one.
    #[must_use]
    pub fn take(&self) -> Option<I> {
        self.idle.lock().pop()
    }

    /// Puts an instance back. One too many is dropped, after the lock is free.
    pub fn put(&self, instance: I) {
        let mut idle = self.idle.lock();
        if idle.len() < self.keep {
            idle.push(instance);
        } else {
            drop(idle);
            drop(instance);
        }
    }
}
