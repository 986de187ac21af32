//! Waiting for sockets, and for a moment that is due within microseconds.
//!
//! The wait of an event loop is counted in milliseconds on Linux, far too coarse for messages that are due at a rate. So a timer of the
//! system wakes it there, which is exact to some ten microseconds, and what is due sooner than that is not slept for at all.

use std::io;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

/// What is due within this time is waited for awake: to fall asleep and be woken takes about as long.
const AWAKE: Duration = Duration::from_micros(50);

/// The clock of one event loop.
#[derive(Debug)]
pub(super) struct Alarm {
    timer: timer::Timer,
    // What the timer is set to: a reply that comes before does not change it.
    set: Option<Instant>,
}

impl Alarm {
    pub(super) fn new(poll: &Poll) -> io::Result<Alarm> {
        Ok(Alarm { timer: timer::Timer::new(poll)?, set: None })
    }

    /// Waits for events until the moment that is due, if there is one, and no longer than until the other, to which a millisecond does
    /// not matter.
    pub(super) fn wait(
        &mut self,
        poll: &mut Poll,
        events: &mut Events,
        now: Instant,
        due: Option<Instant>,
        latest: Instant,
    ) -> io::Result<()> {
        let mut timeout = latest.saturating_duration_since(now);
        if let Some(due) = due.filter(|due| *due < latest) {
            let left = due.saturating_duration_since(now);
            timeout = if left <= AWAKE { Duration::ZERO } else { timeout.min(self.set(due, left)?) };
        }
        match poll.poll(events, Some(timeout)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            polled => polled,
        }
    }

    /// Has the loop woken at this moment: how long it may wait besides.
    fn set(&mut self, due: Instant, left: Duration) -> io::Result<Duration> {
        if self.set != Some(due) {
            self.timer.set(left)?;
            self.set = Some(due);
        }
        Ok(timer::BESIDES.unwrap_or(left))
    }
}

#[cfg(target_os = "linux")]
mod timer {
    use std::io;
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::time::Duration;

    use mio::unix::SourceFd;
    use mio::{Interest, Poll, Token};
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };

    /// The timer wakes the loop, and a wait of its own would only be too short or too long.
    pub(super) const BESIDES: Option<Duration> = Some(Duration::MAX);

    /// A token that is no connection's.
    const TIMER: Token = Token(usize::MAX - 1);

    #[derive(Debug)]
    pub(super) struct Timer(OwnedFd);

    impl Timer {
        pub(super) fn new(poll: &Poll) -> io::Result<Timer> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            poll.registry().register(&mut SourceFd(&timer.as_raw_fd()), TIMER, Interest::READABLE)?;
            Ok(Timer(timer))
        }

        /// It is never read: setting it anew takes back what it has told.
        pub(super) fn set(&self, left: Duration) -> io::Result<()> {
            let left = Timespec::try_from(left).map_err(io::Error::other)?;
            let once = Itimerspec { it_interval: Timespec::default(), it_value: left };
            timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
            Ok(())
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod timer {
    use std::io;
    use std::time::Duration;

    use mio::Poll;

    /// Elsewhere the wait itself is as exact as the system can be.
    pub(super) const BESIDES: Option<Duration> = None;

    #[derive(Debug)]
    pub(super) struct Timer;

    impl Timer {
        pub(super) fn new(_: &Poll) -> io::Result<Timer> {
            Ok(Timer)
        }

        pub(super) fn set(&self, _: Duration) -> io::Result<()> {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_ends_when_the_moment_has_come_and_not_a_millisecond_later() {
        let mut poll = Poll::new().unwrap();
        let mut events = Events::with_capacity(8);
        let mut alarm = Alarm::new(&poll).unwrap();
        let mut late = Vec::new();
        for _ in 0..20 {
            let begun = Instant::now();
            let due = begun + Duration::from_micros(300);
            let mut now = begun;
            while now < due {
                alarm.wait(&mut poll, &mut events, now, Some(due), begun + Duration::from_secs(10)).unwrap();
                now = Instant::now();
            }
            late.push(now - due);
        }
        // One wait may be late on a machine that is busy; not most of them.
        late.sort();
        assert!(late[late.len() / 4] < Duration::from_micros(700), "{late:?}");
    }
}
