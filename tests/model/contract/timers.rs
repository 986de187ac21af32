//! Timers of plugins: when they run, what they do with runs that were missed, and how they are taken back.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use holdline::hub::{Missed, Recurrence, TimerDue, TimerError};
use holdline::ids::TimerId;
use tokio::time::Instant;

use crate::door::{Host, OTHER, PLUGIN, TENANT, item, passes, settle, tenant};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn set(host: &Host, recurrence: Recurrence) -> TimerId {
    set_with(host, recurrence, Missed::default())
}

fn set_with(host: &Host, recurrence: Recurrence, missed: Missed) -> TimerId {
    host.timers().set(tenant(TENANT), PLUGIN, recurrence, item("payload"), missed).expect("a timer")
}

async fn next(host: &mut Host) -> TimerDue {
    host.due.recv().await.expect("the hub runs")
}

/// Whether nothing runs for this long.
async fn is_quiet(host: &mut Host, time: Duration) -> bool {
    passes(time).await;
    host.due.is_empty()
}

/// How long after `start` each of the next runs begins, if the handler of each takes as long as `takes` says.
async fn runs(host: &mut Host, start: Instant, takes: &[Duration]) -> Vec<Duration> {
    let mut begun = Vec::new();
    for takes in takes {
        let due = next(host).await;
        begun.push(start.elapsed());
        passes(*takes).await;
        host.timers().finished(due);
    }
    begun
}

#[tokio::test(start_paused = true)]
async fn a_timer_runs_once_after_its_delay_with_its_payload() {
    let mut host = Host::new();
    let start = Instant::now();
    let id = set(&host, Recurrence::After(10 * SECOND));
    let due = next(&mut host).await;
    assert_eq!(start.elapsed(), 10 * SECOND);
    assert_eq!((due.id, due.plugin(), due.payload()), (id, PLUGIN, &item("payload")));
    host.timers().finished(due);
    assert!(is_quiet(&mut host, 60 * SECOND).await);
    assert!(host.timers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_delay_of_nothing_and_a_time_that_has_passed_run_at_once() {
    let mut host = Host::new();
    for recurrence in [Recurrence::After(Duration::ZERO), Recurrence::At(SystemTime::UNIX_EPOCH)] {
        let start = Instant::now();
        let id = set(&host, recurrence);
        assert_eq!(next(&mut host).await.id, id);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}

#[tokio::test]
async fn a_timer_at_a_time_of_day_is_not_early() {
    let mut host = Host::new();
    let at = SystemTime::now() + Duration::from_millis(30);
    set(&host, Recurrence::At(at));
    let due = next(&mut host).await;
    assert!(SystemTime::now() >= at);
    host.timers().finished(due);
    assert!(host.timers().is_empty());
}

#[tokio::test]
async fn a_cron_timer_runs_on_its_seconds() {
    let mut host = Host::new();
    let expression = "* * * * * *".to_owned();
    set(&host, Recurrence::Cron { expression, time_zone: Some("Europe/Berlin".to_owned()) });
    let mut seconds = Vec::new();
    for _ in 0..2 {
        let due = next(&mut host).await;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        seconds.push(now.as_secs());
        host.timers().finished(due);
    }
    assert!(seconds[1] > seconds[0], "{seconds:?}: two runs for one second");
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_cannot_be_kept_is_refused_and_says_why() {
    let host = Host::new();
    let cron = |expression: &str, zone: Option<&str>| Recurrence::Cron {
        expression: expression.to_owned(),
        time_zone: zone.map(str::to_owned),
    };
    let long = Duration::from_secs(401 * 24 * 60 * 60);
    for (recurrence, reason) in [
        (Recurrence::Every(Duration::ZERO), "interval"),
        (Recurrence::Every(long), "400 days"),
        (Recurrence::After(long), "400 days"),
        (Recurrence::At(SystemTime::now() + long), "400 days"),
        (cron("60 * * * * *", None), "60 * * * * *"),
        (cron("* * * * *", Some("Mars/Olympus")), "Mars/Olympus"),
        (cron("0 0 30 2 *", None), "0 0 30 2 *"),
    ] {
        let refused =
            host.timers().set(tenant(TENANT), PLUGIN, recurrence, Bytes::new(), Missed::Skip).expect_err("refused");
        assert!(matches!(&refused, TimerError::InvalidSchedule(text) if text.contains(reason)), "{refused}");
    }
    assert!(host.timers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn repeats_are_anchored_and_do_not_drift() {
    let mut host = Host::new();
    let start = Instant::now();
    set(&host, Recurrence::Every(10 * SECOND));
    // Each handler takes a while, and no run is later for it.
    let begun = runs(&mut host, start, &[3 * SECOND; 100]).await;
    let expected: Vec<_> = (1..=100).map(|run| run * 10 * SECOND).collect();
    assert_eq!(begun, expected);
}

#[tokio::test(start_paused = true)]
async fn missed_runs_are_skipped_unless_the_timer_says_otherwise() {
    let mut host = Host::new();
    let start = Instant::now();
    set(&host, Recurrence::Every(10 * SECOND));
    let begun = runs(&mut host, start, &[35 * SECOND, SECOND, SECOND]).await;
    assert_eq!(begun, [10 * SECOND, 50 * SECOND, 60 * SECOND]);
}

#[tokio::test(start_paused = true)]
async fn a_burst_makes_up_for_each_missed_run() {
    let mut host = Host::new();
    let start = Instant::now();
    set_with(&host, Recurrence::Every(10 * SECOND), Missed::Burst);
    let begun = runs(&mut host, start, &[35 * SECOND, SECOND, SECOND, SECOND, SECOND]).await;
    assert_eq!(begun, [10, 45, 46, 47, 50].map(Duration::from_secs));
}

#[tokio::test(start_paused = true)]
async fn coalesced_runs_are_made_up_for_by_one() {
    let mut host = Host::new();
    let start = Instant::now();
    set_with(&host, Recurrence::Every(10 * SECOND), Missed::Coalesce);
    let begun = runs(&mut host, start, &[35 * SECOND, SECOND, SECOND]).await;
    assert_eq!(begun, [10 * SECOND, 45 * SECOND, 50 * SECOND]);
}

#[tokio::test(start_paused = true)]
async fn runs_of_one_timer_never_overlap() {
    for missed in [Missed::Skip, Missed::Burst, Missed::Coalesce] {
        let mut host = Host::new();
        set_with(&host, Recurrence::Every(MILLISECOND), missed);
        let due = next(&mut host).await;
        assert!(is_quiet(&mut host, 60 * SECOND).await, "{missed:?}: the first run is not finished");
        host.timers().finished(due);
        next(&mut host).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_pending_timer_can_be_cancelled_once() {
    let mut host = Host::new();
    for recurrence in [Recurrence::After(SECOND), Recurrence::Every(SECOND)] {
        let id = set(&host, recurrence);
        assert_eq!(host.timers().cancel(OTHER, id), Err(TimerError::Unknown), "another plugin's");
        assert_eq!(host.timers().cancel(PLUGIN, id), Ok(()));
        assert_eq!(host.timers().cancel(PLUGIN, id), Err(TimerError::Unknown));
        assert!(is_quiet(&mut host, 10 * SECOND).await);
    }
    assert_eq!(host.timers().cancel(PLUGIN, TimerId(u64::MAX)), Err(TimerError::Unknown), "never set");
}

#[tokio::test(start_paused = true)]
async fn a_repeating_timer_that_is_cancelled_while_it_runs_does_not_run_again() {
    let mut host = Host::new();
    let id = set(&host, Recurrence::Every(SECOND));
    let due = next(&mut host).await;
    assert_eq!(host.timers().cancel(OTHER, id), Err(TimerError::Unknown), "another plugin's");
    assert_eq!(host.timers().cancel(PLUGIN, id), Ok(()));
    assert_eq!(host.timers().cancel(PLUGIN, id), Err(TimerError::Unknown));
    host.timers().finished(due);
    assert!(is_quiet(&mut host, 10 * SECOND).await);
    assert!(host.timers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_repeating_timer_can_be_cancelled_between_its_runs() {
    let mut host = Host::new();
    let id = set(&host, Recurrence::Every(SECOND));
    let due = next(&mut host).await;
    host.timers().finished(due);
    assert_eq!(host.timers().cancel(PLUGIN, id), Ok(()));
    assert!(is_quiet(&mut host, 10 * SECOND).await);
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_runs_once_cannot_be_cancelled_any_more_while_it_runs() {
    let mut host = Host::new();
    let id = set(&host, Recurrence::After(SECOND));
    let due = next(&mut host).await;
    assert_eq!(host.timers().cancel(PLUGIN, id), Err(TimerError::Unknown));
    host.timers().finished(due);
    assert_eq!(host.timers().cancel(PLUGIN, id), Err(TimerError::Unknown), "done");
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_has_gone_has_no_timers() {
    let mut host = Host::new();
    let running = set(&host, Recurrence::Every(SECOND));
    let due = next(&mut host).await;
    set(&host, Recurrence::After(SECOND));
    host.timers().forget(PLUGIN);
    // What it was doing when it went may still ask for one.
    let late = host.timers().set(tenant(TENANT), PLUGIN, Recurrence::Every(SECOND), Bytes::new(), Missed::Skip);
    assert_eq!(late, Err(TimerError::Gone));
    assert_eq!(due.id, running);
    host.timers().finished(due);
    assert!(host.timers().is_empty());
    assert!(is_quiet(&mut host, 10 * SECOND).await);
}

#[tokio::test(start_paused = true)]
async fn the_list_has_those_of_the_plugin_first_that_run_first() {
    let mut host = Host::new();
    let late = set(&host, Recurrence::After(30 * SECOND));
    let soon = set(&host, Recurrence::After(10 * SECOND));
    let between = set(&host, Recurrence::Every(20 * SECOND));
    host.timers().set(tenant(TENANT), OTHER, Recurrence::After(SECOND), Bytes::new(), Missed::Skip).expect("a timer");
    let ids = |host: &Host| host.timers().list(PLUGIN).into_iter().map(|timer| timer.id).collect::<Vec<_>>();
    assert_eq!(ids(&host), [soon, between, late]);
    let listed = host.timers().list(PLUGIN);
    let wait = listed[0].next.duration_since(SystemTime::now()).expect("in the future");
    assert!(wait > 9 * SECOND && wait <= 10 * SECOND, "{wait:?}");
    assert_eq!(listed[0].payload, item("payload"));
    let other = next(&mut host).await;
    let due = next(&mut host).await;
    assert_eq!((other.plugin(), due.id), (OTHER, soon));
    assert_eq!(ids(&host), [between, late], "one that runs is not pending");
    assert_eq!(host.timers().len(), 2);
    settle().await;
}
