//! Who gets the next place for an instance, when there are as many as may be: the share that has the fewest.
//!
//! A place is kept for each other share, so that one that takes all that it can get leaves something. It does not know what is in a
//! place.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// All places of an engine.
pub(super) struct Slots {
    book: Mutex<Book>,
    // As the book says, for those who ask at each event and need no lock for it.
    free: AtomicUsize,
}

struct Book {
    count: usize,
    free: usize,
    // How many shares have no place, and how many asks wait. Both could be counted anew, but each event would pay for it.
    without: usize,
    waiting: usize,
    parts: BTreeMap<u64, Part>,
}

/// What a share has of them.
#[derive(Default)]
struct Part {
    held: usize,
    waiting: VecDeque<oneshot::Sender<Slot>>,
}

/// The right to have one instance alive. It goes back when it is dropped.
pub struct Slot {
    slots: Arc<Slots>,
    share: u64,
}

impl Slots {
    /// So many places.
    pub(super) fn new(count: usize) -> Arc<Self> {
        let book = Book { count, free: count, without: 0, waiting: 0, parts: BTreeMap::new() };
        Arc::new(Self { book: Mutex::new(book), free: AtomicUsize::new(count) })
    }

    /// How many are free.
    pub(super) fn free(&self) -> usize {
        self.free.load(Ordering::Relaxed)
    }

    /// A share comes.
    pub(super) fn enter(&self, share: u64) {
        let mut book = self.book.lock();
        book.parts.insert(share, Part::default());
        book.without += 1;
    }

    /// A share goes. What it still has comes back later.
    pub(super) fn leave(&self, share: u64) {
        let mut book = self.book.lock();
        if let Some(part) = book.parts.remove(&share) {
            book.without -= usize::from(part.held == 0);
            book.waiting -= part.waiting.len();
        }
    }

    /// A place, if the share can have one at once.
    pub(super) fn take_now(self: &Arc<Self>, share: u64) -> Option<Slot> {
        let taken = self.take_of(&mut self.book.lock(), share);
        taken.then(|| Slot { slots: Arc::clone(self), share })
    }

    /// Waits for a place.
    pub(super) async fn take(self: &Arc<Self>, share: u64) -> Slot {
        loop {
            let waits = {
                let mut book = self.book.lock();
                if self.take_of(&mut book, share) {
                    return Slot { slots: Arc::clone(self), share };
                }
                book.wait(share)
            };
            // Who waits is never forgotten: its share lives for as long.
            if let Ok(slot) = waits.await {
                return slot;
            }
        }
    }

    fn take_of(&self, book: &mut Book, share: u64) -> bool {
        let taken = book.take(share);
        self.free.store(book.free, Ordering::Relaxed);
        taken
    }

    fn give_back(self: &Arc<Self>, share: u64) {
        let mut book = self.book.lock();
        book.give_back(share);
        let next = book.next();
        self.free.store(book.free, Ordering::Relaxed);
        drop(book);
        if let Some((share, waiting)) = next {
            // If it was given up in this moment, the place is dropped and so given back again.
            let _given_up = waiting.send(Slot { slots: Arc::clone(self), share });
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.give_back(self.share);
    }
}

impl Book {
    fn take(&mut self, share: u64) -> bool {
        let Some(part) = self.parts.get_mut(&share) else { return false };
        // A place is left for each share that has none; for all of them together at most a quarter.
        let left = if part.held == 0 { 0 } else { self.without.min(self.count / 4) };
        if self.free <= left {
            return false;
        }
        self.without -= usize::from(part.held == 0);
        part.held += 1;
        self.free -= 1;
        true
    }

    fn wait(&mut self, share: u64) -> oneshot::Receiver<Slot> {
        let (sender, receiver) = oneshot::channel();
        if let Some(part) = self.parts.get_mut(&share) {
            part.waiting.push_back(sender);
            self.waiting += 1;
        }
        receiver
    }

    fn give_back(&mut self, share: u64) {
        self.free += 1;
        if let Some(part) = self.parts.get_mut(&share) {
            part.held -= 1;
            self.without += usize::from(part.held == 0);
        }
    }

    /// Takes a place for one of those that wait: of the share that has the fewest, the one that has waited for the longest time.
    fn next(&mut self) -> Option<(u64, oneshot::Sender<Slot>)> {
        while self.waiting > 0 {
            let waits = self.parts.iter().filter(|(_, part)| !part.waiting.is_empty());
            let share = waits.min_by_key(|(share, part)| (part.held, **share)).map(|(share, _)| *share)?;
            let waiting = self.parts.get_mut(&share)?.waiting.pop_front()?;
            self.waiting -= 1;
            if waiting.is_closed() {
                continue;
            }
            if self.take(share) {
                return Some((share, waiting));
            }
            self.parts.get_mut(&share)?.waiting.push_front(waiting);
            self.waiting += 1;
            return None;
        }
        None
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("share", &self.share).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn slots(count: usize, shares: u64) -> Arc<Slots> {
        let slots = Slots::new(count);
        (0..shares).for_each(|share| slots.enter(share));
        slots
    }

    fn poll(take: Pin<&mut impl Future<Output = Slot>>) -> Option<Slot> {
        match take.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(slot) => Some(slot),
            Poll::Pending => None,
        }
    }

    fn all(slots: &Arc<Slots>, share: u64) -> Vec<Slot> {
        std::iter::from_fn(|| slots.take_now(share)).collect()
    }

    #[test]
    fn a_share_that_is_alone_can_have_all() {
        let slots = slots(8, 1);
        assert_eq!(all(&slots, 0).len(), 8);
        assert_eq!(slots.free(), 8);
    }

    #[test]
    fn a_place_is_left_for_each_other_share_and_a_quarter_for_all() {
        let few = slots(8, 2);
        let taken = all(&few, 0);
        assert_eq!(taken.len(), 7);
        assert_eq!(all(&few, 1).len(), 1);
        let many = slots(8, 100);
        assert_eq!(all(&many, 0).len(), 6);
    }

    #[test]
    fn who_has_the_fewest_is_next() {
        let slots = slots(8, 3);
        let (mut greedy, _modest) = (all(&slots, 0), slots.take_now(1).expect("one is left"));
        let last = slots.take_now(2).expect("one is left");
        let mut waits = [Box::pin(slots.take(0)), Box::pin(slots.take(1))];
        assert!(waits.iter_mut().all(|it| poll(it.as_mut()).is_none()));
        greedy.pop();
        let [first, second] = &mut waits;
        assert!(poll(first.as_mut()).is_none());
        assert!(poll(second.as_mut()).is_some());
        drop(last);
    }

    #[test]
    fn a_place_that_was_given_and_never_taken_comes_back() {
        let slots = slots(1, 1);
        let only = slots.take_now(0).expect("it is free");
        let mut waits = Box::pin(slots.take(0));
        assert!(poll(waits.as_mut()).is_none());
        drop(only);
        drop(waits);
        assert!(poll(pin!(slots.take(0))).is_some());
        assert_eq!(slots.free(), 1);
    }
}
