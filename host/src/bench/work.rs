//! What the connections of a thread do when they stand, when a reply comes, and when a message is due.

use std::time::{Duration, Instant};

use super::connection::{Connection, Stage};
use super::load::{Load, Phase};
use super::pace::Pace;
use super::plan::Task;

/// A message that is under way when the run ends is not yet one that got no answer.
const GRACE: Duration = Duration::from_secs(1);

/// The work of a thread, once it has begun.
#[derive(Debug)]
pub(super) enum Work {
    /// Nothing is sent.
    Nothing,
    /// Each connection sends when it has a reply.
    Echo,
    /// Connections send in turn, each message when it is due.
    Paced {
        pace: Pace,
        // How many messages were due when it was looked last, and how many of them were sent.
        seen: u64,
        asked: u64,
    },
    /// The last connection sends to all the others.
    FanOut {
        // How many messages were sent, the last of them when, and how many connections it has yet to reach.
        round: u64,
        sent: Instant,
        missing: u64,
    },
}

impl Load<'_> {
    /// All connections stand, and all threads begin now.
    pub(super) fn begin_work(&mut self, now: Instant) {
        match self.plan.task {
            Task::Idle | Task::Connect => {}
            Task::Echo { in_flight } => {
                self.work = Work::Echo;
                for place in 0..self.places.len() {
                    self.ask(place, u64::from(in_flight), now);
                    self.flush(place, now);
                }
            }
            Task::Paced { per_second } => {
                let share = self.places.len() as f64 / f64::from(self.plan.connections);
                let shift = f64::from(self.lane.index) / f64::from(self.lane.of);
                let pace = Pace::new(now, 1.0 / (per_second * share), shift);
                self.work = Work::Paced { pace, seen: 0, asked: 0 };
            }
            Task::FanOut => {
                self.work = Work::FanOut { round: 0, sent: now, missing: 0 };
                self.next_round(now);
            }
        }
    }

    /// A connection stands.
    pub(super) fn upgraded(&mut self, place: usize, now: Instant) {
        if self.plan.task != Task::Connect {
            return;
        }
        self.come += 1;
        if let (Phase::Measuring { .. }, Some(Some(connection))) = (self.phase, self.places.get(place)) {
            self.tally.record(now.saturating_duration_since(connection.begun));
        }
        self.say_close(place, now);
    }

    /// Messages have come to a connection. What it sends thereupon is written at the next flush.
    pub(super) fn hear(&mut self, place: usize, now: Instant) {
        let places = self.places.len() as u64;
        let Some(Some(connection)) = self.places.get_mut(place) else { return };
        let expected = match self.work {
            Work::Nothing => 0,
            Work::Echo | Work::Paced { .. } => connection.under_way(),
            // What the sender itself receives is no one's concern.
            Work::FanOut { .. } if place as u64 + 1 == places => return,
            Work::FanOut { round, .. } => round - connection.answered,
        };
        let count = expected.min(self.heard.messages);
        let first = connection.answered;
        connection.answered += count;
        self.come += count;
        if let Phase::Measuring { .. } = self.phase {
            self.tally.unexpected += self.heard.messages - count;
            self.tally.bytes += self.heard.bytes;
        }
        for number in first..first + count {
            let sent = match &self.work {
                Work::Paced { pace, .. } => pace.due(number * places + place as u64),
                Work::FanOut { sent, .. } => *sent,
                Work::Echo | Work::Nothing => connection.sent.pop_front().unwrap_or(now),
            };
            if let Phase::Measuring { .. } = self.phase {
                self.tally.record(now.saturating_duration_since(sent));
            }
        }
        if count == 0 {
            return;
        }
        connection.since = now;
        self.under_way -= count;
        match &mut self.work {
            _ if matches!(self.phase, Phase::Leaving { .. }) => {}
            Work::Nothing => {}
            Work::Echo => self.ask(place, count, now),
            Work::Paced { seen, .. } => {
                let seen = *seen;
                self.ask_due(place, seen, now);
            }
            Work::FanOut { missing, .. } => {
                *missing -= 1;
                self.next_round(now);
            }
        }
    }

    /// Has a connection send so many messages, or as many as are left.
    fn ask(&mut self, place: usize, count: u64, now: Instant) {
        let Some(Some(connection)) = self.places.get_mut(place) else { return };
        let count = count.min(self.left);
        if connection.under_way() == 0 {
            connection.since = now;
        }
        if let Work::Echo = self.work {
            connection.sent.extend((0..count).map(|_| now));
        }
        connection.ask(count, &self.wire);
        self.left -= count;
        self.under_way += count;
    }

    fn flush(&mut self, place: usize, now: Instant) {
        let Some(Some(connection)) = self.places.get_mut(place) else { return };
        if let Err(failure) = connection.flush(&self.wire) {
            self.lose(place, failure, now);
        }
    }

    /// Sends what has become due since it was looked last.
    pub(super) fn send_due(&mut self, now: Instant) {
        let places = self.places.len() as u64;
        let left = self.left;
        let Work::Paced { pace, seen, asked } = &mut self.work else { return };
        let due = pace.count(now).min(asked.saturating_add(left));
        let first = std::mem::replace(seen, due.max(*seen));
        // Each connection sends all that it has to in one go.
        for number in first..due.min(first + places) {
            let place = (number % places) as usize;
            self.ask_due(place, due, now);
            self.flush(place, now);
        }
    }

    /// Has a connection send its share of all messages that are due, unless the system has not taken yet what was sent before. Those
    /// that stay behind are sent after a reply, and their latency still counts from when they were due.
    fn ask_due(&mut self, place: usize, due: u64, now: Instant) {
        let places = self.places.len() as u64;
        let Some(Some(connection)) = self.places.get(place) else { return };
        if !connection.is_flushed() || !matches!(connection.stage, Stage::Open) {
            return;
        }
        let share = (due + places - 1 - place as u64) / places;
        let count = share.saturating_sub(connection.asked);
        if count > 0 {
            self.ask(place, count, now);
            if let Work::Paced { asked, .. } = &mut self.work {
                *asked += count;
            }
        }
    }

    /// Has the next message of a fan-out sent, if all have the one before.
    fn next_round(&mut self, now: Instant) {
        let is_working = matches!(self.phase, Phase::WarmingUp { .. } | Phase::Measuring { .. });
        let receivers = (self.open as u64).saturating_sub(1);
        let Work::FanOut { round, sent, missing } = &mut self.work else { return };
        if *missing > 0 || self.left == 0 || !is_working {
            return;
        }
        let sender = self.places.len() - 1;
        let Some(Some(connection)) = self.places.get_mut(sender) else { return self.leave(now) };
        (*round, *sent, *missing) = (*round + 1, now, receivers);
        self.under_way = receivers;
        self.left -= 1;
        connection.ask(1, &self.wire);
        self.flush(sender, now);
    }

    /// A connection has broken: nobody waits for its replies any more.
    pub(super) fn forget(&mut self, connection: &Connection, place: usize, now: Instant) {
        let is_sender = place + 1 == self.places.len();
        let lost = match &mut self.work {
            Work::Nothing => 0,
            Work::Echo | Work::Paced { .. } => connection.under_way(),
            Work::FanOut { .. } if is_sender => return self.leave(now),
            Work::FanOut { round, missing, .. } => {
                let lost = *round - connection.answered;
                *missing -= lost;
                lost
            }
        };
        self.under_way -= lost;
        self.tally.unanswered += lost;
        self.next_round(now);
    }

    /// All that was to be sent was sent and answered.
    pub(super) fn is_exhausted(&self) -> bool {
        let is_sent = match self.work {
            Work::Paced { seen, asked, .. } => seen >= asked.saturating_add(self.left),
            _ => self.left == 0,
        };
        is_sent && self.under_way == 0
    }

    /// Messages that have been due for so long that they should have been answered. In a closed loop there are none: who waits for a
    /// reply sends nothing.
    pub(super) fn overdue(&self, now: Instant) -> u64 {
        match &self.work {
            Work::Paced { pace, asked, .. } => {
                let long_ago = now.checked_sub(GRACE).unwrap_or(now);
                let due = pace.count(long_ago).min(asked.saturating_add(self.left));
                due.saturating_sub(asked - self.under_way)
            }
            _ => 0,
        }
    }

    /// When the next message is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        match &self.work {
            Work::Paced { pace, seen, asked } if *seen < asked.saturating_add(self.left) => Some(pace.due(*seen)),
            _ => None,
        }
    }

    /// Since when a connection has waited for a reply, if it does.
    pub(super) fn waits_since(&self, connection: &Connection, place: usize) -> Option<Instant> {
        match self.work {
            Work::Nothing => None,
            Work::Echo | Work::Paced { .. } => (connection.under_way() > 0).then_some(connection.since),
            Work::FanOut { round, sent, .. } => {
                (place + 1 < self.places.len() && connection.answered < round).then_some(sent)
            }
        }
    }
}
