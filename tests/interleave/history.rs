//! What the tasks of a race did and saw, and whether one after the other could have done and seen the same (Herlihy and Wing, 1990).

use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// A thing that does one step at a time.
pub(crate) trait Sequential: Clone {
    type Step: Copy + Debug;
    type Outcome: PartialEq + Debug;

    fn apply(&mut self, step: Self::Step) -> Self::Outcome;
}

#[derive(Debug)]
struct Call<S: Sequential> {
    step: S::Step,
    outcome: S::Outcome,
    begun: usize,
    ended: usize,
}

/// The calls of all tasks.
pub(crate) struct History<S: Sequential> {
    // Real ones: to write something down is no step of the race.
    clock: AtomicUsize,
    calls: Mutex<Vec<Call<S>>>,
}

impl<S: Sequential> Default for History<S> {
    fn default() -> Self {
        Self { clock: AtomicUsize::new(0), calls: Mutex::default() }
    }
}

impl<S: Sequential + Debug> History<S> {
    /// Does the step and writes down what came of it.
    pub(crate) fn record(&self, step: S::Step, act: impl FnOnce() -> S::Outcome) {
        let begun = self.clock.fetch_add(1, Ordering::Relaxed);
        let outcome = act();
        let ended = self.clock.fetch_add(1, Ordering::Relaxed);
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(Call { step, outcome, begun, ended });
    }

    /// Fails if there is no order of the calls, each at some moment between its begin and its end, in which `start` does and says
    /// the same and ends as `fits` wants it.
    pub(crate) fn check(&self, start: &S, fits: impl Fn(&S) -> bool, seen: &impl Debug) {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let left: Vec<&Call<S>> = calls.iter().collect();
        let explained = explains(start, &left, &fits);
        assert!(explained, "no order of these calls explains them:\n{calls:#?}\nfrom {start:#?}\nto {seen:#?}");
    }
}

fn explains<S: Sequential>(state: &S, left: &[&Call<S>], fits: &impl Fn(&S) -> bool) -> bool {
    let Some(first_end) = left.iter().map(|call| call.ended).min() else { return fits(state) };
    // What began after another had ended cannot come before it.
    left.iter().enumerate().filter(|(_, call)| call.begun < first_end).any(|(index, call)| {
        let mut next = state.clone();
        if next.apply(call.step) != call.outcome {
            return false;
        }
        let mut rest = left.to_vec();
        rest.remove(index);
        explains(&next, &rest, fits)
    })
}
