//! Whether a client is still there: it is sent pings, and has to be heard of after each.

use std::mem::take;
use std::time::Duration;

use tokio::time::Instant;

use super::settings::Settings;
use crate::hub::Connection;

/// What is known of one client.
pub(super) struct Keepalive {
    // Whether it was heard of since the last check.
    heard: bool,
    // When the ping was sent that is out.
    pinged: Option<Instant>,
    due: Instant,
}

/// What can be heard of a client now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hearing {
    /// All that it says.
    All,
    /// Nothing: what it has said waits, and the host does not read on.
    Nothing,
    /// Nothing need be heard of it, and nothing may be said: it is at its end.
    Over,
}

/// What a check comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// There is nothing to do.
    Fine,
    /// It is to be sent a ping.
    Ask,
    /// Nothing was heard of it.
    Gone,
}

impl Keepalive {
    pub(super) fn new(settings: &Settings, connection: &Connection) -> Self {
        Self { heard: false, pinged: None, due: Instant::now() + interval(settings, connection) }
    }

    /// When the next check is due.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Something came from the client.
    pub(super) fn hear(&mut self) {
        self.heard = true;
    }

    /// A pong came. If no ping is out the client says a thing that nobody asked, as it may (RFC 6455, section 5.5.3).
    pub(super) fn answered(&mut self, settings: &Settings, connection: &Connection) {
        if let Some(pinged) = self.pinged.take() {
            connection.round_trip(pinged.elapsed());
            self.due = pinged + interval(settings, connection);
        }
    }

    /// Looks at it, at the time that was due or after it.
    pub(super) fn check(
        &mut self,
        now: Instant,
        hearing: Hearing,
        settings: &Settings,
        connection: &Connection,
    ) -> Finding {
        let (interval, heard) = (interval(settings, connection), take(&mut self.heard));
        match (self.pinged.take(), hearing) {
            (Some(_), Hearing::All) if !heard => Finding::Gone,
            (None, Hearing::All | Hearing::Nothing) => {
                self.due = now + settings.keepalive_timeout;
                self.pinged = Some(now);
                Finding::Ask
            }
            (pinged, _) => {
                self.due = now.max(pinged.unwrap_or(now) + interval);
                Finding::Fine
            }
        }
    }
}

/// How often this client is sent a ping: those that came together are not asked together.
fn interval(settings: &Settings, connection: &Connection) -> Duration {
    settings.keepalive.mul_f64(0.9 + 0.2 * connection.id().fraction())
}
