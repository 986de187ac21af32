//! Where an instance keeps its turn while it computes, and how a call of it is polled: whenever it waits for anything, the turn is
//! another's.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use parking_lot::Mutex;

use super::share::Share;
use super::turns::Turn;

/// The seat of one instance.
#[derive(Clone)]
pub struct Seat {
    share: Arc<Share>,
    place: Arc<Place>,
}

#[derive(Default)]
struct Place {
    // None while the guest waits, and in the first tick of an event.
    turn: Mutex<Option<Turn>>,
    // Whether there is one, so that an event that needs none takes no lock. Only the task that has the instance writes it.
    is_taken: AtomicBool,
}

impl Seat {
    /// A seat in which nobody sits. All seats of a share have its computing time together.
    #[must_use]
    pub fn new(share: Arc<Share>) -> Self {
        Self { share, place: Arc::default() }
    }

    /// The guest has computed for a tick. It goes on when it is its turn, after all that is short.
    pub(super) fn next(&self) -> impl Future<Output = ()> + Send + 'static {
        let before = self.place.take();
        if before.is_none() {
            // It was looked at in its first tick, which is given whole to some and not at all to others; on average it is right.
            self.share.charge(self.share.tick());
        } else {
            self.share.has_long_guest();
        }
        drop(before);
        let seat = self.clone();
        async move {
            let turn = seat.share.turn().await;
            seat.share.give_way().await;
            seat.sit(Some(turn.begun()));
        }
    }

    /// Takes a seat with this turn, if there is one. Without it the guest begins with a tick that is free.
    pub fn sit(&self, turn: Option<Turn>) {
        if turn.is_some() {
            *self.place.turn.lock() = turn;
            self.place.is_taken.store(true, Ordering::Relaxed);
        }
    }

    /// The guest does not compute any more: whoever is next can.
    pub fn leave(&self) {
        drop(self.place.take());
    }

    /// Polls a call of the guest. While it waits for anything, nobody sits here.
    pub fn poll<T>(&self, call: Pin<&mut impl Future<Output = T>>, cx: &mut Context<'_>) -> Poll<T> {
        let polled = call.poll(cx);
        if polled.is_pending() {
            self.leave();
        }
        polled
    }
}

impl Place {
    fn take(&self) -> Option<Turn> {
        if !self.is_taken.load(Ordering::Relaxed) {
            return None;
        }
        self.is_taken.store(false, Ordering::Relaxed);
        self.turn.lock().take()
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("share", &self.share).finish_non_exhaustive()
    }
}
