//! Who computes next, when more want to than there are threads: turns in start-time fair order.
//!
//! A guest that has computed for a tick needs a turn to go on, and there are fewer turns than threads that serve.
//! So what is left of tokio's run queue is short, whatever the guests do. Those who wait are served in the order of virtual
//! time, in which a share that has had much is late and a share with twice the weight ages half as fast (Goyal, Vin, Cheng:
//! Start-time Fair Queueing, SIGCOMM 1996). It knows shares by number and nothing of whose they are.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// All turns of an engine.
pub(super) struct Turns {
    // Whether no thread is left for what is short.
    on_all_threads: bool,
    book: Mutex<Book>,
}

struct Book {
    tick: Duration,
    free: usize,
    // The virtual time: the tag of the turn that was given last.
    now: u64,
    flows: HashMap<u64, Flow>,
    // Those flows in which somebody waits, the one whose turn it is first.
    order: BTreeSet<(u64, u64)>,
}

/// What the book knows of a share.
struct Flow {
    weight: NonZeroU32,
    // When its next turn begins in virtual time: nanoseconds, divided by the weight.
    tag: u64,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// The right to compute now. It goes back when it is dropped, and the time since its beginning is charged.
///
/// Boxed, because every event has room for one, and few need it.
pub struct Turn(Box<Given>);

struct Given {
    turns: Arc<Turns>,
    share: u64,
    begun: Option<Instant>,
}

impl Turns {
    /// One less than there are threads that serve, so that one is always there for what is short. If there is one only, it has to do
    /// all.
    pub(super) fn new(threads: usize, tick: Duration) -> Arc<Self> {
        let free = threads.saturating_sub(1).max(1);
        let book = Book { tick, free, now: 0, flows: HashMap::new(), order: BTreeSet::new() };
        Arc::new(Self { on_all_threads: free >= threads, book: Mutex::new(book) })
    }

    /// A share of this number and weight comes.
    pub(super) fn enter(&self, share: u64, weight: NonZeroU32) {
        self.book.lock().flows.insert(share, Flow { weight, tag: 0, waiting: VecDeque::new() });
    }

    /// A share goes.
    pub(super) fn leave(&self, share: u64) {
        self.book.lock().flows.remove(&share);
    }

    /// Changes the weight of a share, from its next turn on.
    pub(super) fn weigh(&self, share: u64, weight: NonZeroU32) {
        if let Some(flow) = self.book.lock().flows.get_mut(&share) {
            flow.weight = weight;
        }
    }

    /// A share has computed for so long without a turn.
    pub(super) fn charge(&self, share: u64, used: Duration) {
        self.book.lock().charge(share, used);
    }

    /// Whether no thread is left for what is short.
    pub(super) fn are_on_all_threads(&self) -> bool {
        self.on_all_threads
    }

    /// Waits for a turn of this share.
    pub(super) async fn take(self: &Arc<Self>, share: u64) -> Turn {
        loop {
            let waits = {
                let mut book = self.book.lock();
                if book.take_now(share) {
                    return Turn::new(self, share);
                }
                book.wait(share)
            };
            // One that waits is never forgotten: its share lives for as long.
            if let Ok(turn) = waits.await {
                return turn;
            }
        }
    }

    /// Hands a free turn to the one whose it is, if there are both.
    fn pass_on(self: &Arc<Self>) {
        let next = self.book.lock().next();
        if let Some((share, waiting)) = next {
            // If it was given up in this moment, the turn is dropped and so passed on again.
            let _given_up = waiting.send(Turn::new(self, share));
        }
    }
}

impl Turn {
    fn new(turns: &Arc<Turns>, share: u64) -> Self {
        Self(Box::new(Given { turns: Arc::clone(turns), share, begun: None }))
    }

    /// What is charged begins now.
    pub(super) fn begun(mut self) -> Self {
        self.0.begun = Some(Instant::now());
        self
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        let used = self.begun.map_or(Duration::ZERO, |begun| begun.elapsed());
        self.turns.book.lock().give_back(self.share, used);
        self.turns.pass_on();
    }
}

impl Book {
    fn take_now(&mut self, share: u64) -> bool {
        if self.free == 0 || !self.order.is_empty() {
            return false;
        }
        self.begin(share);
        true
    }

    fn wait(&mut self, share: u64) -> oneshot::Receiver<Turn> {
        let (sender, receiver) = oneshot::channel();
        if let Some(flow) = self.flows.get_mut(&share) {
            if flow.waiting.is_empty() {
                // Who comes back after a while is not owed what it did not ask for.
                flow.tag = flow.tag.max(self.now);
                self.order.insert((flow.tag, share));
            }
            flow.waiting.push_back(sender);
        }
        receiver
    }

    /// Takes a free turn for the first in the order.
    fn next(&mut self) -> Option<(u64, oneshot::Sender<Turn>)> {
        while self.free > 0 {
            let (_, share) = self.order.pop_first()?;
            let Some(flow) = self.flows.get_mut(&share) else { continue };
            let taken = std::iter::from_fn(|| flow.waiting.pop_front()).find(|waiting| !waiting.is_closed());
            let Some(waiting) = taken else { continue };
            self.begin(share);
            if let Some(flow) = self.flows.get(&share).filter(|flow| !flow.waiting.is_empty()) {
                self.order.insert((flow.tag, share));
            }
            return Some((share, waiting));
        }
        None
    }

    /// A turn begins, and is taken to last for a tick.
    fn begin(&mut self, share: u64) {
        self.free -= 1;
        if let Some(flow) = self.flows.get_mut(&share) {
            flow.tag = flow.tag.max(self.now);
            self.now = flow.tag;
            flow.tag = flow.tag.saturating_add(virtual_time(self.tick, flow.weight));
        }
    }

    fn give_back(&mut self, share: u64, used: Duration) {
        self.free += 1;
        let tick = self.tick;
        self.age(share, |flow, _| {
            flow.tag.saturating_sub(virtual_time(tick, flow.weight)).saturating_add(virtual_time(used, flow.weight))
        });
    }

    fn charge(&mut self, share: u64, used: Duration) {
        self.age(share, |flow, now| flow.tag.max(now).saturating_add(virtual_time(used, flow.weight)));
    }

    fn age(&mut self, share: u64, tag: impl FnOnce(&Flow, u64) -> u64) {
        let Some(flow) = self.flows.get_mut(&share) else { return };
        let waits = self.order.remove(&(flow.tag, share));
        flow.tag = tag(flow, self.now);
        if waits {
            self.order.insert((flow.tag, share));
        }
    }
}

/// How much a share of this weight ages by it.
fn virtual_time(time: Duration, weight: NonZeroU32) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX) / u64::from(weight.get())
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("share", &self.0.share).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    const TICK: Duration = Duration::from_millis(1);

    fn book(free: usize, weights: &[u32]) -> Book {
        let mut book = Book { tick: TICK, free, now: 0, flows: HashMap::new(), order: BTreeSet::new() };
        for (share, weight) in (0..).zip(weights) {
            let weight = NonZeroU32::new(*weight).expect("a weight");
            book.flows.insert(share, Flow { weight, tag: 0, waiting: VecDeque::new() });
        }
        book
    }

    /// How many of so many turns each share gets, when each has that many guests that always want one, for so long at a time.
    fn divide(weights: &[u32], guests: &[usize], used: &[Duration], turns: usize) -> Vec<Duration> {
        let mut book = book(1, weights);
        let mut waits = Vec::new();
        for (share, guests) in (0..).zip(guests) {
            waits.extend((0..*guests).map(|_| book.wait(share)));
        }
        let mut had = vec![Duration::ZERO; weights.len()];
        for _ in 0..turns {
            let (share, _) = book.next().expect("somebody waits");
            had[share as usize] += used[share as usize];
            book.give_back(share, used[share as usize]);
            waits.push(book.wait(share));
        }
        had
    }

    #[test]
    fn time_is_divided_by_weight_however_many_guests_want_it() {
        let had = divide(&[1, 3], &[50, 1], &[TICK, TICK], 400);
        assert_eq!(had, [TICK * 100, TICK * 300]);
    }

    #[test]
    fn what_is_divided_is_time_and_not_turns() {
        let had = divide(&[1, 1], &[5, 5], &[TICK, TICK / 10], 1100);
        let (longer, shorter) = (had[0].max(had[1]), had[0].min(had[1]));
        assert!(longer - shorter <= TICK * 2, "{had:?}");
    }

    #[test]
    fn a_quiet_share_is_next_and_is_not_owed_what_it_did_not_ask_for() {
        let mut book = book(1, &[1, 1]);
        let mut waits: Vec<_> = (0..500).map(|_| book.wait(0)).collect();
        for _ in 0..100 {
            let (share, _) = book.next().expect("somebody waits");
            book.give_back(share, TICK);
        }
        waits.extend((0..100).map(|_| book.wait(1)));
        let order: Vec<_> = (0..20)
            .map(|_| {
                let (share, _) = book.next().expect("somebody waits");
                book.give_back(share, TICK);
                share
            })
            .collect();
        assert_eq!(order[0], 1);
        assert_eq!(order.iter().filter(|share| **share == 0).count(), 10, "{order:?}");
    }

    #[test]
    fn what_was_computed_before_the_first_turn_is_charged() {
        let mut book = book(1, &[1, 1]);
        let _waits = [book.wait(0), book.wait(0), book.wait(1)];
        book.charge(0, TICK * 3);
        assert_eq!(book.next().expect("somebody waits").0, 1);
    }

    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    /// One turn, and two shares that want it.
    fn turns() -> Arc<Turns> {
        let turns = Turns::new(1, TICK);
        (0..2).for_each(|share| turns.enter(share, NonZeroU32::MIN));
        turns
    }

    #[test]
    fn a_turn_goes_on_to_who_waits_and_comes_back_from_who_does_not_wait_any_more() {
        let turns = turns();
        let first = poll(pin!(turns.take(0))).expect("it is free").begun();
        {
            let mut waits = pin!(turns.take(1));
            assert!(poll(waits.as_mut()).is_none());
            let mut gives_up = Box::pin(turns.take(0));
            assert!(poll(gives_up.as_mut()).is_none());
            drop(first);
            let second = poll(waits.as_mut()).expect("it was passed on");
            assert!(poll(gives_up.as_mut()).is_none());
            drop(gives_up);
            drop(second);
        }
        assert!(poll(pin!(turns.take(0))).is_some(), "the turn was lost with the one that gave up");
    }

    #[test]
    fn a_turn_that_was_given_and_never_taken_comes_back() {
        let turns = turns();
        let first = poll(pin!(turns.take(0))).expect("it is free");
        let mut given = Box::pin(turns.take(1));
        assert!(poll(given.as_mut()).is_none());
        drop(first);
        // It is its turn now, and it will never know.
        drop(given);
        assert!(poll(pin!(turns.take(0))).is_some(), "the turn was lost");
    }
}
