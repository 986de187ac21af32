//! What is due for a socket: the end of a retention, of the patience with a client that takes nothing or says nothing, and a ping.

use std::mem::take;
use std::task::Context;

use tokio::time::Instant;

use super::Wire;
use crate::gate::Reason;
use crate::message::CloseFrame;
use crate::socket::keepalive::{Finding, Hearing};

impl Wire {
    /// Does what is due. True if something was.
    pub(super) fn poll_timer(&mut self, held: Option<Instant>, cx: &mut Context<'_>) -> bool {
        let settings = &self.door.settings;
        let stalled = self.stalled_since.map(|since| since + settings.slow_consumer);
        let idle = settings.idle_timeout.map(|limit| self.silent_since + limit);
        let due = [held, stalled, idle].into_iter().flatten().fold(self.keepalive.due(), Instant::min);
        if due < self.timer.deadline() {
            self.timer.as_mut().reset(due);
            self.is_armed = false;
        }
        // Once it knows this task it wakes it, and whether it has struck is one look at a flag.
        if self.is_armed && !self.timer.is_elapsed() {
            return false;
        }
        // A timer that is polled when this task has used up its turn has not looked at all.
        let looks = tokio::task::coop::has_budget_remaining();
        if self.timer.as_mut().poll(cx).is_pending() {
            self.is_armed = looks;
            return false;
        }
        self.is_armed = false;
        let now = Instant::now();
        if held.is_some_and(|deadline| deadline <= now) {
            self.door.hub.expire(&self.connection);
        }
        if stalled.is_some_and(|deadline| deadline <= now) {
            self.tell(Reason::SlowConsumer, "it does not take what is sent to it");
            self.connection.abort(CloseFrame::SLOW_CONSUMER);
            self.stalled_since = None;
        }
        if idle.is_some_and(|deadline| deadline <= now) {
            self.check_silence(now);
        }
        if self.keepalive.due() <= now {
            self.check(now);
        }
        // What is due next is found in the next round; until then the timer must not be one that has fired.
        self.timer.as_mut().reset(self.keepalive.due());
        true
    }

    /// Closes a connection on which no message came or went for too long, unless it waits for something else: for its plugin, or for
    /// the delivery of one that is held.
    fn check_silence(&mut self, now: Instant) {
        self.silent_since = now;
        if self.has_spoken() || !self.inbox.is_empty() || !self.connection.is_idle() {
            return;
        }
        self.tell(Reason::IdleTimeout, "no message came or went");
        self.connection.close(CloseFrame::IDLE);
    }

    /// Whether a message came or went since this was last asked.
    fn has_spoken(&mut self) -> bool {
        let past_the_task = self.stream.has_spoken();
        take(&mut self.spoken) || past_the_task
    }

    /// Looks whether the client is still there.
    fn check(&mut self, now: Instant) {
        if self.has_spoken() {
            self.silent_since = now;
        }
        let hearing = if self.ending.has_begun() {
            Hearing::Over
        } else if self.inbox.is_full() {
            Hearing::Nothing
        } else {
            Hearing::All
        };
        match self.keepalive.check(now, hearing, &self.door.settings, &self.connection) {
            Finding::Fine => {}
            Finding::Ask => self.writer.ping(),
            Finding::Gone => {
                self.tell(Reason::KeepaliveTimeout, "it has not answered a ping");
                self.lost();
            }
        }
    }
}
