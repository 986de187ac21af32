//! What held connections and timers cost, and whether many timers that are due in the same second are in time.
#![allow(clippy::print_stdout, reason = "the figures are for people; speed is held to bounds by the benchmarks")]

use std::time::{Duration, Instant};

use bytes::Bytes;
use holdline::hub::{EventKind, Hub, Missed, Recurrence, RetainOptions, Settings};
use holdline::ids::NodeId;

use crate::allocator::allocated_by;
use crate::door::{Host, PLUGIN, TENANT, connect, tenant, text};

const MILLION: u32 = 1_000_000;

/// As many as a host holds, in small: tables that double as they grow are as empty with a quarter of a million as with a million.
const CONNECTIONS: u32 = 250_000;

#[tokio::test]
async fn a_held_connection_costs_at_most_200_bytes_more_than_one_that_is_not() {
    let (hub, _due) = Hub::new(NodeId::default(), Settings::default()).expect("random numbers");
    let (idle, connections) = allocated_by(|| {
        let connections = (0..CONNECTIONS).map(|_| connect(&hub, TENANT, "/"));
        connections.collect::<Vec<_>>()
    });
    let (held, handles) = allocated_by(|| {
        let handles = connections.iter().map(|connection| {
            connection.begin_event(EventKind::Message);
            let handle = hub.retain(connection, RetainOptions::default()).expect("a handle");
            hub.finish_event(connection, Ok(()));
            handle
        });
        handles.collect::<Vec<_>>()
    });
    let (delayed, ()) = allocated_by(|| {
        for (handle, seconds) in handles.iter().zip(1..) {
            let delay = Duration::from_secs(seconds);
            hub.send_after(TENANT, handle.get(), text("late"), delay).expect("a delivery");
        }
    });
    // The list of the handles is this test's own.
    let held = held / f64::from(CONNECTIONS) - 8.0;
    println!("{:.0} bytes for a connection", idle / f64::from(CONNECTIONS));
    println!("{held:.0} bytes more for a held one");
    println!("{:.0} bytes more for a pending delivery", delayed / f64::from(CONNECTIONS));
    assert!(held > 8.0, "the measure is wrong: a retention is not for nothing");
    assert!(held <= 200.0, "{held:.0} bytes for a retention");
}

#[tokio::test]
async fn a_pending_timer_costs_at_most_250_bytes_at_a_million_of_them() {
    let (hub, _due) = Hub::new(NodeId::default(), Settings::default()).expect("random numbers");
    hub.timers().admit(PLUGIN);
    let (taken, ()) = allocated_by(|| {
        for number in 0..MILLION {
            let delay = Duration::from_millis(60_000 + u64::from(number));
            hub.timers()
                .set(tenant(TENANT), PLUGIN, Recurrence::After(delay), Bytes::new(), Missed::Skip)
                .expect("a timer");
        }
    });
    assert_eq!(hub.timers().len(), MILLION as usize);
    let each = taken / f64::from(MILLION);
    println!("{each:.0} bytes for a pending timer");
    assert!(each > 8.0, "the measure is wrong: a timer is not for nothing");
    assert!(each <= 250.0, "{each:.0} bytes for a timer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_100_000_timers_that_are_due_in_the_same_second_none_is_early() {
    const TIMERS: usize = 100_000;
    let mut host = Host::new();
    let first = Instant::now() + Duration::from_secs(2);
    let times: Vec<Instant> = (0..TIMERS as u64).map(|number| first + Duration::from_micros(10 * number)).collect();
    for (number, time) in times.iter().enumerate() {
        let delay = Recurrence::After(time.saturating_duration_since(Instant::now()));
        let payload = Bytes::copy_from_slice(&number.to_be_bytes());
        host.timers().set(tenant(TENANT), PLUGIN, delay, payload, Missed::Skip).expect("a timer");
    }
    let mut late = Vec::with_capacity(TIMERS);
    while late.len() < TIMERS {
        let due = host.due.recv().await.expect("the hub runs");
        let now = Instant::now();
        let number = usize::from_be_bytes(due.payload().as_ref().try_into().expect("a number"));
        late.push(now.checked_duration_since(times[number]).expect("a timer is never early"));
        host.timers().finished(due);
    }
    late.sort();
    let [median, p99, last] = [TIMERS / 2, TIMERS * 99 / 100, TIMERS - 1].map(|place| late[place]);
    println!(
        "{TIMERS} timers in one second: half of them at most {median:?} late, 99 of 100 at most {p99:?}, all {last:?}"
    );
    assert!(p99 < Duration::from_secs(10), "{p99:?} late");
}
