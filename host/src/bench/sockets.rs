//! What a thread does with its sockets: it opens them, serves them when they have something to tell, and closes them.

use std::time::Instant;

use mio::{Interest, Token};

use super::connection::{Connection, Stage, Until};
use super::failure::Failure;
use super::load::{FAREWELL, Load, Phase};
use super::plan::Task;

impl Load<'_> {
    /// Ends a connection as the protocol wants it: Close, and then the server ends the stream.
    pub(super) fn say_close(&mut self, place: usize, now: Instant) {
        let Some(Some(connection)) = self.places.get_mut(place) else { return };
        connection.say_close(&self.wire);
        connection.stage = Stage::Leaving;
        connection.since = now;
        self.open -= 1;
        self.leaving += 1;
        if let Err(failure) = connection.flush(&self.wire) {
            self.lose(place, failure, now);
        }
    }

    pub(super) fn open_due(&mut self, now: Instant) {
        while let Some((place, due)) = self.openings.next(now, self.in_handshake) {
            let sources = &self.plan.sources;
            let number = place * self.lane.of as usize + self.lane.index as usize;
            let source = number.checked_rem(sources.len()).and_then(|turn| sources.get(turn)).copied();
            self.tally.connecting.get_or_insert((now, now));
            let opened = Connection::open(self.wire.target, source, due, now).and_then(|mut connection| {
                let interest = Interest::READABLE | Interest::WRITABLE;
                self.poll.registry().register(connection.stream.socket(), Token(place), interest)?;
                Ok(connection)
            });
            match opened {
                Ok(connection) => {
                    self.in_handshake += 1;
                    if let Some(free) = self.places.get_mut(place) {
                        *free = Some(connection);
                    }
                }
                Err(error) => self.refuse(place, error.into(), now),
            }
        }
    }

    /// A socket has something to tell.
    pub(super) fn serve(&mut self, place: usize, until: Until) {
        let Some(Some(connection)) = self.places.get_mut(place) else { return };
        let was_upgrading = matches!(connection.stage, Stage::Upgrading(_));
        self.heard.clear();
        let mut outcome = Ok(());
        if was_upgrading {
            // The socket may have come to be connected just now.
            outcome = connection.flush(&self.wire);
        }
        if outcome.is_ok() {
            outcome = connection.read(&self.wire, &mut self.buffer, until, &mut self.heard);
        }
        let now = Instant::now();
        if !self.heard.pings.is_empty() {
            connection.pong(&self.heard.pings, &self.wire);
        }
        if was_upgrading && matches!(connection.stage, Stage::Open) {
            self.in_handshake -= 1;
            self.open += 1;
            connection.since = now;
            self.tally.establish(now);
            self.upgraded(place, now);
        }
        if self.heard.messages > 0 {
            self.hear(place, now);
        }
        let Some(Some(connection)) = self.places.get_mut(place) else { return };
        if let Some(code) = self.heard.closed
            && matches!(connection.stage, Stage::Open)
        {
            // Nobody had asked for it. The answer is all that is left to do.
            connection.say_close(&self.wire);
            let _gone_or_not = connection.flush(&self.wire);
            outcome = Err(Failure::Closed(code));
        }
        if let Err(failure) = outcome.and_then(|()| connection.flush(&self.wire)) {
            self.lose(place, failure, now);
        }
    }

    /// Takes a connection out and counts why it has gone.
    pub(super) fn lose(&mut self, place: usize, failure: Failure, now: Instant) {
        let Some(connection) = self.places.get_mut(place).and_then(Option::take) else { return };
        match connection.stage {
            Stage::Upgrading(_) => {
                self.in_handshake -= 1;
                self.refuse(place, failure, now);
            }
            Stage::Open => {
                self.open -= 1;
                self.tally.break_off(failure);
                self.forget(&connection, place, now);
            }
            Stage::Leaving => {
                self.leaving -= 1;
                self.openings.free(place, now);
            }
        }
        if let Phase::Leaving { .. } = self.phase {
            self.openings.end();
        }
    }

    fn refuse(&mut self, place: usize, failure: Failure, now: Instant) {
        self.tally.fail(failure);
        if self.plan.task == Task::Connect {
            self.openings.refused(place, now);
        }
    }

    /// Lets go of connections that have waited for too long.
    pub(super) fn look(&mut self, now: Instant) {
        for place in 0..self.places.len() {
            let Some(Some(connection)) = self.places.get(place) else { continue };
            let (since, patience) = match connection.stage {
                Stage::Leaving => (Some(connection.since), FAREWELL),
                Stage::Upgrading(_) => (Some(connection.since), self.plan.timeout),
                Stage::Open => (self.waits_since(connection, place), self.plan.timeout),
            };
            if since.is_some_and(|since| now.saturating_duration_since(since) >= patience) {
                self.lose(place, Failure::TimedOut, now);
            }
        }
    }
}
