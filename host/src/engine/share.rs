//! A tenant's part of what the engine has: computing time and places for instances. Its instances have it together.
//!
//! The engine knows it by a number, and nothing of whose it is.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::clock::Clock;
use super::slots::{Slot, Slots};
use super::turns::{Turn, Turns};

/// A part of what the engine has.
pub struct Share {
    tick: Duration,
    clock: Arc<Clock>,
    // To begin, and to go on after a tick: what begins does not wait for what goes on.
    begin: Arc<Turns>,
    go_on: Arc<Turns>,
    slots: Arc<Slots>,
    number: u64,
    // For the clock.
    last_seen: AtomicU64,
}

impl Share {
    /// The share of this number. Between two that compute without end, the time is divided as their weights are.
    pub(super) fn new(
        number: u64,
        weight: NonZeroU32,
        tick: Duration,
        clock: &Arc<Clock>,
        turns: &[Arc<Turns>; 2],
        slots: &Arc<Slots>,
    ) -> Arc<Self> {
        let [begin, go_on] = turns.clone();
        begin.enter(number, weight);
        go_on.enter(number, weight);
        slots.enter(number);
        let (clock, slots) = (Arc::clone(clock), Arc::clone(slots));
        Arc::new(Self { tick, clock, begin, go_on, slots, number, last_seen: AtomicU64::new(0) })
    }

    /// How often its guests give way while they compute.
    #[must_use]
    pub fn tick(&self) -> Duration {
        self.tick
    }

    /// Changes its weight, from its next turn on.
    pub fn set_weight(&self, weight: NonZeroU32) {
        for turns in [&self.begin, &self.go_on] {
            turns.weigh(self.number, weight);
        }
    }

    /// A guest is about to begin. While the host keeps up with what is to do there is no turn, and it begins at once; otherwise it waits
    /// for one.
    pub async fn turn_to_begin(&self) -> Option<Turn> {
        let clock = &self.clock;
        clock.stir();
        clock.seen(&self.last_seen);
        if !clock.is_behind() {
            return None;
        }
        let _others_wait_behind = clock.waiting();
        // Boxed, so that only who has to wait has room for it.
        Some(Box::pin(self.begin.take(self.number)).await.begun())
    }

    /// Waits for a turn to go on.
    pub(super) async fn turn(&self) -> Turn {
        self.go_on.take(self.number).await
    }

    /// The right to have one instance alive; waits while there are as many as may be.
    pub async fn slot(&self) -> Slot {
        self.slots.take(self.number).await
    }

    /// The right to have one instance alive, if it can be had at once.
    #[must_use]
    pub fn slot_now(&self) -> Option<Slot> {
        self.slots.take_now(self.number)
    }

    /// Lets everything that is short go first, with a turn in hand.
    pub(super) async fn give_way(&self) {
        // Tokio looks at sockets and timers when all who give way have done so, and puts those in front of what it finds there.
        tokio::task::yield_now().await;
        if self.go_on.are_on_all_threads() {
            // The second time that is in front. Another thread would take it; and would find none of it here, and be in the way
            // when it is to wait for sockets again.
            tokio::task::yield_now().await;
        }
    }

    /// One of its guests has been looked at a second time, without having waited between.
    pub(super) fn has_long_guest(&self) {
        self.clock.has_long_guest();
    }

    /// It has computed for so long without a turn.
    pub(super) fn charge(&self, used: Duration) {
        self.go_on.charge(self.number, used);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.begin.leave(self.number);
        self.go_on.leave(self.number);
        self.slots.leave(self.number);
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share").field("number", &self.number).finish_non_exhaustive()
    }
}
