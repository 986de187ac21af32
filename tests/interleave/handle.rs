//! One handle, and all who race for it.

use std::collections::VecDeque;
use std::iter;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use shuttle::thread;

use crate::explore::{any, in_every_order, in_many_orders};
use crate::history::History;
use crate::hub::{Connection, DelayedError, EventKind, Expiry, Frame, Headers, Hub, RetainOptions, Settings, Upgrade};
use crate::ids::{NodeId, TenantId};
use crate::message::{CloseFrame, Message};
use crate::model::{Model, Outcome, Step};
use crate::tenant::{Limit, Limits, Tenant, TenantName};

const TENANT: TenantId = TenantId(1);

/// Who it is, with no limits but the hub's.
pub(crate) fn tenant() -> Arc<Tenant> {
    Tenant::new(TENANT, TenantName::default(), Vec::new(), Limits::unlimited())
}

/// A connection whose event under way has retained it.
struct Race {
    hub: Hub,
    connection: Arc<Connection>,
    handle: u64,
    start: Model,
    history: History<Model>,
}

impl Race {
    /// The deadline has come already or will not come, because the clock stands still.
    fn new(overdue: bool, expiry: Expiry) -> Self {
        let (hub, _no_timers) = Hub::new(NodeId::default(), Settings::default()).expect("random numbers");
        let upgrade = Upgrade {
            path: "/".into(),
            query: "".into(),
            headers: Headers::default(),
            remote_address: ([192, 0, 2, 7], 50123).into(),
        };
        let lease = tenant().lease(Limit::Connections).expect("no limit");
        let connection = hub.connect(lease, "test".into(), upgrade, None, Vec::new()).expect("random numbers");
        connection.begin_event(EventKind::Message);
        let deadline = if overdue { Duration::ZERO } else { Duration::from_secs(60) };
        let options = RetainOptions { deadline: Some(deadline), expiry: expiry.clone() };
        let handle = hub.retain(&connection, options).expect("a handle").get();
        Self { hub, connection, handle, start: Model::held(overdue, expiry), history: History::default() }
    }

    /// Lets each task do its steps, and compares what they saw with what one after the other would have seen.
    fn run(self, tasks: Vec<Vec<Step>>) -> Arc<Self> {
        let race = Arc::new(self);
        let tasks = tasks.into_iter().map(|steps| {
            let race = Arc::clone(&race);
            thread::spawn(move || steps.into_iter().for_each(|step| race.record(step)))
        });
        for task in tasks.collect::<Vec<_>>() {
            task.join().expect("no panic");
        }
        race.check();
        race
    }

    fn record(&self, step: Step) {
        self.history.record(step, || self.apply(step));
    }

    fn apply(&self, step: Step) -> Outcome {
        let (hub, connection) = (&self.hub, &self.connection);
        match step {
            Step::Send(text) => return Outcome::Handle(hub.send(TENANT, self.handle, message(text), None)),
            Step::Push(text) => return Outcome::Handle(hub.push(TENANT, self.handle, message(text), None)),
            Step::Release => return Outcome::Handle(hub.release(TENANT, self.handle)),
            Step::Close => return Outcome::Handle(hub.close(TENANT, self.handle, CloseFrame::NORMAL)),
            Step::Extend => return Outcome::Handle(hub.extend(TENANT, self.handle, Duration::from_secs(60))),
            Step::Write => return Outcome::Written(pop(connection)),
            Step::CloseFromOutside => connection.close(CloseFrame::GOING_AWAY),
            Step::PeerGone => connection.peer_gone(),
            Step::Return => _ = hub.finish_event(connection, Ok(())),
            Step::Fail => _ = hub.finish_event(connection, Err(())),
            Step::Expire => hub.expire(connection),
            Step::Disconnect => hub.disconnect(connection),
        }
        Outcome::Done
    }

    fn check(&self) {
        // First the outbox: to ask the handle what it says is to push.
        let outbox: VecDeque<Frame> = iter::from_fn(|| pop(&self.connection)).collect();
        let state = self.hub.push(TENANT, self.handle, message(""), None);
        let (live, expired) = (self.hub.held_count(), self.hub.expired_count());
        let fits = |model: &Model| {
            outbox == model.outbox
                && state == model.state()
                && live == usize::from(model.held)
                && expired == model.expired
        };
        self.history.check(&self.start, fits, &(&outbox, state, live, expired));
        self.hub.disconnect(&self.connection);
        assert_eq!((self.hub.held_count(), self.hub.connection_count()), (0, 0), "something is left of the connection");
    }
}

fn message(text: &'static str) -> Message {
    Message::Text(text.into())
}

fn expiries() -> [Expiry; 3] {
    [Expiry::Resume, Expiry::Close(CloseFrame::GOING_AWAY), Expiry::Send(message("expired"))]
}

const BY_HANDLE: [Step; 5] = [Step::Send("sent"), Step::Push("pushed"), Step::Release, Step::Close, Step::Extend];

const BY_CONNECTION: [Step; 7] =
    [Step::CloseFromOutside, Step::PeerGone, Step::Return, Step::Fail, Step::Expire, Step::Write, Step::Disconnect];

#[test]
fn of_send_release_and_close_exactly_one_succeeds() {
    in_many_orders(3000, || {
        let race = Arc::new(Race::new(false, Expiry::Resume));
        let tasks = [Step::Send("sent"), Step::Release, Step::Close].map(|step| {
            let race = Arc::clone(&race);
            thread::spawn(move || race.apply(step))
        });
        let outcomes = tasks.map(|task| task.join().expect("no panic"));
        let won = outcomes.iter().filter(|outcome| **outcome == Outcome::Handle(Ok(()))).count();
        let lost = outcomes.iter().filter(|outcome| **outcome == Outcome::Handle(Err(DelayedError::InvalidHandle)));
        assert_eq!((won, lost.count()), (1, 2), "{outcomes:?}");
        assert_eq!(race.hub.held_count(), 0);
    });
}

#[test]
fn two_who_race_see_in_every_order_what_one_after_the_other_would_see() {
    for overdue in [false, true] {
        for first in BY_HANDLE {
            for second in BY_HANDLE.into_iter().chain(BY_CONNECTION) {
                in_every_order(move || {
                    let race = Race::new(overdue, Expiry::Close(CloseFrame::GOING_AWAY));
                    if second == Step::Expire {
                        race.record(Step::Return);
                    }
                    race.run(vec![vec![first], vec![second]]);
                });
            }
        }
    }
}

#[test]
fn a_handle_is_used_once_whatever_its_connection_does_meanwhile() {
    in_many_orders(10_000, || {
        let race = Race::new(any(&[false, true]), any(&expiries()));
        // The steps of its own task: the event ends, and then it lives on, fades or ends.
        let mut own = vec![any(&[Step::Return, Step::Fail])];
        own.extend([any(&[Step::Expire, Step::Write, Step::PeerGone]), any(&[Step::Expire, Step::Write])]);
        own.extend(any(&[None, Some(Step::Disconnect)]));
        let by_guest = |text| {
            let steps = [Step::Send(text), Step::Push(text), Step::Release, Step::Close, Step::Extend];
            any(&steps)
        };
        let one = vec![by_guest("one"), by_guest("two")];
        let other = vec![by_guest("three"), any(&[by_guest("four"), Step::CloseFromOutside])];
        race.run(vec![own, one, other]);
    });
}

#[test]
fn a_handle_of_an_earlier_event_does_not_end_the_retention_of_a_later_one() {
    in_many_orders(5000, || {
        let race = Arc::new(Race::new(false, Expiry::Resume));
        let other = thread::spawn({
            let race = Arc::clone(&race);
            move || race.hub.release(TENANT, race.handle)
        });
        let (hub, connection) = (&race.hub, &race.connection);
        hub.finish_event(connection, Ok(()));
        let own = hub.release(TENANT, race.handle);
        // One of the two has freed the connection for its next event, which retains it again while the other may still be looking.
        connection.begin_event(EventKind::Message);
        let again = hub.retain(connection, RetainOptions::default()).expect("a handle").get();
        hub.finish_event(connection, Ok(()));
        let outcomes = [own, other.join().expect("no panic")];
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        assert_eq!((hub.held_count(), hub.release(TENANT, again), hub.held_count()), (1, Ok(()), 0));
    });
}

/// The next frame to write.
fn pop(connection: &Connection) -> Option<Frame> {
    let mut next = None;
    connection.look(&Context::from_waker(Waker::noop()), 1, |outgoing| next = Some(outgoing.frame));
    next
}
