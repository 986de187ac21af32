//! One thread of a run: one loop that opens connections, waits for their sockets and serves them, from the first connection to the last
//! Close.
//!
//! It asks the system for as little as can be: sockets are watched for changes, and one is read until a read comes short, which is one
//! read for what came at once. What a connection does with a reply is in `work.rs`.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

use super::alarm::Alarm;
use super::connection::{Connection, Stage, Until, Wire};
use super::error::Error;
use super::frame::{Heard, Outgoing};
use super::opening::Openings;
use super::pace::Pace;
use super::plan::{Extent, Plan, Task};
use super::run::{Lane, Shared};
use super::tally::{self, Tally};
use super::work::Work;

/// Large enough for what many small replies come to, small enough to stay in the cache.
const READ_BUFFER: usize = 64 * 1024;

/// Messages of one connection are written in pieces of at most this size.
const WRITE_BUFFER: usize = 64 * 1024;

/// More handshakes at once only queue up in front of the server, whose system may drop what it has no room for.
const HANDSHAKES: u32 = 128;

/// How many sockets one wait tells about.
const EVENTS: usize = 1024;

/// How often it is looked for connections that have waited for too long, and whether the other threads are ready.
const LOOK: Duration = Duration::from_millis(250);
const LOOK_WHILE_READY: Duration = Duration::from_millis(2);

/// How long the server gets to answer a Close at the end.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);

/// How far a thread has come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// Connections are opened.
    Opening,
    /// All of them are there, and other threads are waited for.
    Ready,
    WarmingUp {
        until: Instant,
    },
    Measuring {
        since: Instant,
        cpu: Duration,
    },
    Leaving {
        until: Instant,
    },
}

/// One thread of a run.
pub(super) struct Load<'a> {
    pub(super) plan: &'a Plan,
    shared: &'a Shared,
    pub(super) lane: Lane,
    pub(super) wire: Wire<'a>,
    pub(super) poll: Poll,
    alarm: Alarm,
    pub(super) places: Vec<Option<Connection>>,
    pub(super) openings: Openings,
    pub(super) in_handshake: usize,
    pub(super) open: usize,
    pub(super) leaving: usize,
    pub(super) phase: Phase,
    pub(super) work: Work,
    /// Messages that may still be sent.
    pub(super) left: u64,
    /// Messages that wait for a reply, on all connections.
    pub(super) under_way: u64,
    /// Messages that have come, the warm-up included; with [`Task::Connect`], connections.
    pub(super) come: u64,
    pub(super) tally: Tally,
    pub(super) heard: Heard,
    pub(super) buffer: Vec<u8>,
    next_look: Instant,
}

impl<'a> Load<'a> {
    pub(super) fn new(plan: &'a Plan, shared: &'a Shared, lane: Lane, mask: [u8; 4]) -> Result<Load<'a>, Error> {
        let system = |what| move |source| Error::System { what, source };
        let poll = Poll::new().map_err(system("wait for sockets"))?;
        let alarm = Alarm::new(&poll).map_err(system("set a timer"))?;
        let places = lane.share(plan.connections) as usize;
        // The one that sends to all the others.
        let senders = usize::from(plan.task == Task::FanOut);
        let outgoing = Outgoing::new(plan.payload, plan.size, mask, WRITE_BUFFER);
        let now = Instant::now();
        let interval = plan.opening_interval() * f64::from(lane.of);
        let pace = Pace::new(now, interval, f64::from(lane.index) / f64::from(lane.of));
        let at_once = if plan.task == Task::Connect { places } else { lane.share(HANDSHAKES) as usize };
        let left = match plan.extent {
            Extent::Lasting { .. } => u64::MAX,
            Extent::Messages(count) => {
                let (of, index) = (u64::from(lane.of), u64::from(lane.index));
                count / of + u64::from(index < count % of)
            }
        };
        Ok(Load {
            plan,
            shared,
            lane,
            wire: Wire { target: &plan.target, outgoing, mask },
            poll,
            alarm,
            places: std::iter::repeat_with(|| None).take(places + senders).collect(),
            openings: Openings::new(places + senders, at_once, now, pace),
            in_handshake: 0,
            open: 0,
            leaving: 0,
            phase: Phase::Opening,
            work: Work::Nothing,
            left,
            under_way: 0,
            come: 0,
            tally: Tally::new().map_err(|error| Error::System {
                what: "make a histogram",
                source: std::io::Error::other(error.to_string()),
            })?,
            heard: Heard::default(),
            buffer: vec![0; READ_BUFFER],
            next_look: now,
        })
    }

    /// Runs from the first connection to the last Close.
    pub(super) fn run(mut self) -> Result<Tally, Error> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let now = Instant::now();
            self.turn(now);
            let nobody_left = self.leaving == 0 && self.open == 0 && self.in_handshake == 0;
            if let Phase::Leaving { until } = self.phase
                && (nobody_left || now >= until)
            {
                return Ok(self.tally);
            }
            let (due, latest) = self.next_moments(now);
            let waited = self.alarm.wait(&mut self.poll, &mut events, now, due, latest);
            waited.map_err(|source| Error::System { what: "wait for sockets", source })?;
            for event in &events {
                let until = if event.is_read_closed() || event.is_error() { Until::End } else { Until::Short };
                self.serve(event.token().0, until);
            }
        }
    }

    /// Does what is due at this time, whatever the sockets have to tell.
    fn turn(&mut self, now: Instant) {
        match self.phase {
            Phase::Opening if self.stands() => {
                self.phase = Phase::Ready;
                self.shared.ready.fetch_add(1, Ordering::Release);
            }
            Phase::Ready => match self.shared.go.get() {
                Some(Some(start)) if now >= *start => self.start(now),
                Some(None) => self.leave(now),
                _ => {}
            },
            Phase::WarmingUp { until } if now >= until => self.measure(now),
            Phase::Measuring { since, .. } => {
                let is_over = match self.plan.extent {
                    Extent::Lasting { duration, .. } => now >= since + duration,
                    Extent::Messages(_) => self.is_exhausted(),
                };
                if is_over || self.is_deserted() {
                    self.leave(now);
                }
            }
            _ => {}
        }
        if !matches!(self.phase, Phase::Ready | Phase::Leaving { .. }) {
            self.open_due(now);
            self.send_due(now);
        }
        self.tell();
        if now >= self.next_look {
            self.next_look = now + LOOK;
            // Many that are idle are not looked through for nothing.
            if self.under_way > 0 || self.in_handshake > 0 || self.leaving > 0 {
                self.look(now);
            }
        }
    }

    /// All connections were tried that there are to be before the work begins. With [`Task::Connect`] they are the work.
    fn stands(&self) -> bool {
        self.plan.task == Task::Connect || self.openings.is_empty() && self.in_handshake == 0
    }

    /// Tells the others how far this thread is.
    fn tell(&self) {
        if let Some(progress) = self.shared.lanes.get(self.lane.index as usize) {
            progress.established.store(self.tally.established, Ordering::Relaxed);
            progress.failed.store(self.tally.failed, Ordering::Relaxed);
            progress.messages.store(self.come, Ordering::Relaxed);
        }
    }

    /// When the loop has to turn again even if no socket tells anything: to the microsecond, and to the millisecond.
    fn next_moments(&self, now: Instant) -> (Option<Instant>, Instant) {
        let mut latest = self.next_look;
        match self.phase {
            Phase::Ready => latest = latest.min(now + LOOK_WHILE_READY),
            Phase::WarmingUp { until } | Phase::Leaving { until } => latest = latest.min(until),
            Phase::Measuring { since, .. } => {
                if let Extent::Lasting { duration, .. } = self.plan.extent {
                    latest = latest.min(since + duration);
                }
            }
            Phase::Opening => {}
        }
        let opening = match self.phase {
            Phase::Ready | Phase::Leaving { .. } => None,
            _ => self.openings.due(self.in_handshake),
        };
        let due = match (opening, self.next_due()) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
        (due, latest)
    }

    fn start(&mut self, now: Instant) {
        match self.plan.extent {
            Extent::Lasting { warm_up, .. } if !warm_up.is_zero() => {
                self.phase = Phase::WarmingUp { until: now + warm_up };
            }
            _ => self.measure(now),
        }
        self.begin_work(now);
    }

    fn measure(&mut self, now: Instant) {
        self.phase = Phase::Measuring { since: now, cpu: tally::cpu() };
    }

    /// Nobody is there any more who could do something.
    fn is_deserted(&self) -> bool {
        match self.plan.task {
            // As long as nobody was let in, the server is asked again as often as it may be at once, and no more.
            Task::Connect => self.tally.established == 0 && self.tally.failed >= 2 * self.places.len() as u64,
            // A sender alone has nobody to send to.
            Task::FanOut => self.open < 2,
            _ => self.open == 0,
        }
    }

    /// Ends the measuring and says Close on all connections.
    pub(super) fn leave(&mut self, now: Instant) {
        if let Phase::Measuring { since, cpu } = self.phase {
            self.tally.measured = now - since;
            self.tally.cpu = tally::cpu().saturating_sub(cpu);
            self.tally.unanswered += self.overdue(now);
        }
        self.phase = Phase::Leaving { until: now + FAREWELL };
        self.shared.over.fetch_add(1, Ordering::Relaxed);
        self.openings.end();
        for place in 0..self.places.len() {
            let Some(occupant) = self.places.get_mut(place) else { continue };
            match occupant.as_ref().map(|connection| &connection.stage) {
                Some(Stage::Open) => self.say_close(place, now),
                Some(Stage::Upgrading(_)) => {
                    *occupant = None;
                    self.in_handshake -= 1;
                }
                Some(Stage::Leaving) | None => {}
            }
        }
    }
}
