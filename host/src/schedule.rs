//! A queue of things that are due later. Inserting and removing cost O(1); what is due is drained above, by one task. Nothing is
//! ever early; the grain is a millisecond.

use std::collections::HashMap;
use std::future::poll_fn;
use std::task::{Poll, ready};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::time::{DelayQueue, delay_queue};

/// The wheel panics at what is more than two years and two months away from where it stands, and it turns only when something comes
/// out. So something does at least this often.
const TURN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The number under which no thing is.
const NO_THING: u64 = 0;

/// Things that are due later, each under a number that is never given out twice.
pub struct Schedule<T> {
    // One lock for the wheel and the map, because a number must leave both at once: the wheel reuses its keys.
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    wheel: DelayQueue<u64>,
    // Boxed: the free places of a map of many timers would else cost more than the timers.
    items: HashMap<u64, Box<Item<T>>>,
    last: u64,
    // Whether `NO_THING` is in.
    turns: bool,
}

struct Item<T> {
    key: delay_queue::Key,
    due: Instant,
    value: T,
}

impl<T> Default for Schedule<T> {
    fn default() -> Self {
        Self { inner: Mutex::new(Inner { wheel: DelayQueue::new(), items: HashMap::new(), last: 0, turns: false }) }
    }
}

impl<T> Schedule<T> {
    /// Puts a thing in and returns its number. `make` is given the number, and the thing cannot come out before it has returned.
    /// The time may have passed; it may be at most two years away.
    pub fn insert(&self, due: Instant, make: impl FnOnce(u64) -> T) -> u64 {
        let mut inner = self.inner.lock();
        inner.last += 1;
        let number = inner.last;
        inner.put(number, due, make(number));
        number
    }

    /// A number that nothing is under, for a thing that was due before it could go in.
    pub fn number(&self) -> u64 {
        let mut inner = self.inner.lock();
        inner.last += 1;
        inner.last
    }

    /// Puts a thing that came out back in under its old number, if `wanted` still says so. Whoever looks sees either what `wanted`
    /// has not done yet or the thing.
    pub fn again_if(&self, number: u64, due: Instant, value: T, wanted: impl FnOnce() -> bool) {
        let mut inner = self.inner.lock();
        if wanted() {
            inner.put(number, due, value);
        }
    }

    /// Takes the thing of this number out, if it is in and `wanted` says so.
    pub fn remove_if(&self, number: u64, wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        self.inner.lock().take_if(number, wanted)
    }

    /// The same, and true if it did. If nothing is in under this number, `elsewhere` answers, before it can come back in.
    pub fn remove_or(&self, number: u64, wanted: impl FnOnce(&T) -> bool, elsewhere: impl FnOnce() -> bool) -> bool {
        let mut inner = self.inner.lock();
        if inner.items.contains_key(&number) { inner.take_if(number, wanted).is_some() } else { elsewhere() }
    }

    /// What `pick` makes of each thing that is in, with its number and time, in no order.
    pub fn pick<U>(&self, mut pick: impl FnMut(u64, Instant, &T) -> Option<U>) -> Vec<U> {
        let inner = self.inner.lock();
        inner.items.iter().filter_map(|(number, item)| pick(*number, item.due, &item.value)).collect()
    }

    /// How many things are in.
    pub fn len(&self) -> usize {
        self.inner.lock().items.len()
    }

    /// True if nothing is in.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next thing that is due, with its number; waits until there is one. For one task at a time: the latest one to wait is the
    /// one that is woken. `later` is asked before anyone can see that it is out, and if it names a time the thing stays in until then.
    pub async fn next(&self, later: impl Fn(u64, &mut T) -> Option<Instant>) -> (u64, T) {
        poll_fn(|cx| {
            let mut inner = self.inner.lock();
            loop {
                if !inner.turns {
                    inner.turns = true;
                    inner.wheel.insert(NO_THING, TURN);
                }
                // It is never empty, and wakes this task when something is inserted that is due sooner.
                let Some(expired) = ready!(inner.wheel.poll_expired(cx)) else { return Poll::Pending };
                let number = expired.into_inner();
                inner.turns &= number != NO_THING;
                let Some(mut item) = inner.items.remove(&number) else { continue };
                match later(number, &mut item.value) {
                    Some(due) => inner.put(number, due, item.value),
                    None => return Poll::Ready((number, item.value)),
                }
            }
        })
        .await
    }
}

impl<T> Inner<T> {
    fn put(&mut self, number: u64, due: Instant, value: T) {
        let key = self.wheel.insert_at(number, due);
        self.items.insert(number, Box::new(Item { key, due, value }));
    }

    fn take_if(&mut self, number: u64, wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        if !wanted(&self.items.get(&number)?.value) {
            return None;
        }
        let item = self.items.remove(&number)?;
        self.wheel.remove(&item.key);
        Some(item.value)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn things_come_out_in_time_and_never_early() {
        let schedule = Schedule::default();
        let start = Instant::now();
        schedule.insert(start + Duration::from_millis(20), |_| "late");
        schedule.insert(start + Duration::from_millis(10), |_| "soon");
        assert_eq!(schedule.next(|_, _| None).await.1, "soon");
        assert!(start.elapsed() >= Duration::from_millis(10));
        assert_eq!(schedule.next(|_, _| None).await.1, "late");
        assert!(start.elapsed() >= Duration::from_millis(20));
    }

    #[tokio::test(start_paused = true)]
    async fn an_insert_wakes_the_one_that_waits() {
        let schedule = Arc::new(Schedule::default());
        let waiting = tokio::spawn({
            let schedule = Arc::clone(&schedule);
            async move { schedule.next(|_, _| None).await.1 }
        });
        tokio::task::yield_now().await;
        schedule.insert(Instant::now(), |_| 7);
        assert_eq!(waiting.await.ok(), Some(7));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_to_come_later_stays_in_until_then() {
        let schedule = Schedule::default();
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let number = schedule.insert(start + second, |_| second);
        let later = |_, wait: &mut Duration| {
            assert_eq!(start.elapsed(), second);
            Some(start + second + std::mem::take(wait)).filter(|due| start.elapsed() < due.duration_since(start))
        };
        let next = std::pin::pin!(schedule.next(later));
        assert!(tokio::time::timeout(second + second / 2, next).await.is_err());
        assert_eq!(schedule.remove_if(number, |_| true), Some(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_removed_does_not_come_and_its_place_is_not_confused() {
        let schedule = Schedule::default();
        let first = schedule.insert(Instant::now() + Duration::from_secs(1), |_| 1);
        assert_eq!(schedule.remove_if(first, |_| false), None);
        assert_eq!(schedule.remove_if(first, |_| true), Some(1));
        schedule.insert(Instant::now() + Duration::from_secs(2), |_| 2);
        assert_eq!(schedule.remove_if(first, |_| true), None);
        assert_eq!(schedule.next(|_, _| None).await.1, 2);
    }
}
