//! Which connection of a thread is opened next, and when.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::pace::Pace;

/// A place whose connection was refused is tried again after this time, so that a server which refuses is not hammered.
const AGAIN: Duration = Duration::from_millis(100);

/// The places that wait for a connection.
#[derive(Debug)]
pub(super) struct Openings {
    // Each with the moment before which it is not opened.
    waiting: VecDeque<(Instant, usize)>,
    pace: Pace,
    begun: u64,
    // How many may be in their handshake at once: more only queue up in front of the server.
    at_once: usize,
}

impl Openings {
    pub(super) fn new(places: usize, at_once: usize, start: Instant, pace: Pace) -> Openings {
        let waiting = (0..places).map(|place| (start, place)).collect();
        Openings { waiting, pace, begun: 0, at_once: at_once.max(1) }
    }

    /// Nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When the next is due, unless so many are in their handshake that one of them has to be done first.
    pub(super) fn due(&self, in_handshake: usize) -> Option<Instant> {
        let (earliest, _) = self.waiting.front().filter(|_| in_handshake < self.at_once)?;
        Some(self.pace.due(self.begun).max(*earliest))
    }

    /// The next place, if it is due, and since when.
    pub(super) fn next(&mut self, now: Instant, in_handshake: usize) -> Option<(usize, Instant)> {
        let due = self.due(in_handshake).filter(|due| *due <= now)?;
        let (_, place) = self.waiting.pop_front()?;
        self.begun += 1;
        Some((place, due))
    }

    /// The connection of this place has gone as it should: the next one can come at once.
    pub(super) fn free(&mut self, place: usize, now: Instant) {
        self.waiting.push_front((now, place));
    }

    /// The connection of this place was refused.
    pub(super) fn refused(&mut self, place: usize, now: Instant) {
        self.waiting.push_back((now + AGAIN, place));
    }

    /// No more are opened.
    pub(super) fn end(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_opened_at_their_pace_and_not_too_many_at_once() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut openings = Openings::new(3, 2, start, Pace::new(start, 0.010, 0.0));
        assert_eq!(openings.next(at(0), 0), Some((0, at(0))));
        assert_eq!(openings.next(at(9), 1), None);
        assert_eq!(openings.next(at(25), 1), Some((1, at(10))), "its latency counts from when it was due");
        assert_eq!(openings.next(at(25), 2), None);
        assert_eq!(openings.due(2), None);
        openings.refused(0, at(25));
        assert_eq!(openings.next(at(25), 1), Some((2, at(20))));
        assert_eq!(openings.due(0), Some(at(125)));
        openings.free(1, at(40));
        assert_eq!(openings.next(at(40), 0), Some((1, at(40))));
    }
}
