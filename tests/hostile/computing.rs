//! Guests that take all the computing time that they can get.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::ensure;
use holdline::tenant::Limits;

use crate::harness::{HOSTILE, Setup};
use crate::stage::Stage;

/// Limits that outlast the measuring.
const PATIENT: &str = "[limits]\ncpu = \"5m\"\ntimeout = \"5m\"";

#[test]
fn an_echo_is_prompt_without_anything_hostile() -> anyhow::Result<()> {
    Stage::new("nothing", "")?.echo_is_prompt()
}

#[test]
fn one_endless_loop() -> anyhow::Result<()> {
    let stage = Stage::new("one-loop", PATIENT)?;
    stage.attack(1, "", "loop 0");
    stage.echo_is_prompt()
}

#[test]
fn more_endless_loops_than_threads() -> anyhow::Result<()> {
    let stage = Stage::new("many-loops", PATIENT)?;
    stage.attack(30, "", "loop 0");
    stage.echo_is_prompt()
}

#[test]
fn loops_that_are_ended_and_begin_again() -> anyhow::Result<()> {
    let stage = Stage::new("short-loops", "[limits]\ncpu = \"20ms\"")?;
    stage.attack(10, "", "loop 0");
    stage.echo_is_prompt()?;
    stage.says("computed for longer than the 20ms")
}

#[test]
fn loops_in_the_events_of_connections() -> anyhow::Result<()> {
    let stage = Stage::new("event-loops", "[limits]\ncpu = \"200ms\"")?;
    stage.attack(4, "/?loop-in-connect", "");
    stage.attack(4, "/?loop-in-open", "");
    stage.attack(4, "/?loop-in-close", "no deed");
    stage.echo_is_prompt()?;
    stage.says("computed for longer than the 200ms")
}

#[test]
fn loops_in_timers_items_and_workers() -> anyhow::Result<()> {
    let manifest = "[limits]\ncpu = \"200ms\"\n[[channel]]\nname = \"items\"\ncapacity = 100\nconcurrency = 4";
    let stage = Stage::new("other-loops", manifest)?;
    stage.attack(1, "", "loop-in-timer 1");
    stage.attack(1, "", "loop-in-item 1");
    stage.attack(1, "", "start-workers 20");
    stage.echo_is_prompt()?;
    stage.says("computed for longer than the 200ms")
}

#[test]
fn instructions_that_nobody_can_interrupt() -> anyhow::Result<()> {
    let stage = Stage::new("fills", PATIENT)?;
    stage.attack(3, "", "fill 50");
    stage.echo_is_prompt()
}

/// As many as a pool has room for, and many more: each holds an instance for some of its time.
fn flood(name: &'static str, message: &'static str) -> anyhow::Result<()> {
    let stage = Stage::new(name, "isolation = \"pooled\"")?;
    stage.attack(200, "", message);
    stage.echo_is_prompt()
}

#[test]
fn floods_of_events_that_take_a_hundredth_of_a_tick() -> anyhow::Result<()> {
    flood("flood-a", "compute 3")
}

#[test]
fn floods_of_events_that_take_a_tenth_of_a_tick() -> anyhow::Result<()> {
    flood("flood-b", "compute 30")
}

#[test]
fn floods_of_events_that_take_just_less_than_a_tick() -> anyhow::Result<()> {
    flood("flood-c", "compute 300")
}

#[test]
fn floods_of_events_that_take_some_ticks() -> anyhow::Result<()> {
    flood("flood-d", "compute 1000")
}

#[test]
fn computing_without_end_is_shared_by_weight() -> anyhow::Result<()> {
    /// So many events of both are counted: enough that one more or less of either does not matter.
    const EVENTS: u64 = 600;
    let heavy = Limits { weight: 3, ..Limits::default() };
    let setup = Setup::new().tenant("heavy", &[], heavy)?.guest(HOSTILE, "heavy", PATIENT)?.of("heavy")?;
    // The other one has the weight of who says nothing, which is 1.
    let stage = Stage::with("light", setup.guest(HOSTILE, "light", PATIENT)?)?;
    // Each has more to do than there are threads, at any moment: events that take turns end at about the same time, and a client that
    // waited for its answer would leave its tenant with nothing to do for a while.
    let [light, heavy] = ["/light", "/heavy"].map(|path| stage.keep_busy(4, path, "compute 5000"));
    let done = || [&light, &heavy].map(|answers| answers.load(Ordering::Relaxed));
    let counted = async {
        let mut look = tokio::time::interval(Duration::from_millis(1));
        while done().contains(&0) {
            look.tick().await;
        }
        let before = done();
        loop {
            look.tick().await;
            let now = done();
            let since = [now[0] - before[0], now[1] - before[1]];
            if since[0] + since[1] >= EVENTS {
                return since;
            }
        }
    };
    // It takes seconds, and longer when others have the cores.
    let counted = async { Ok(tokio::time::timeout(Duration::from_secs(300), counted).await?) };
    let [light, heavy] = stage.run(counted)?;
    eprintln!("{light} events with the weight 1 and {heavy} with the weight 3");
    ensure!(
        (2 * light..=4 * light).contains(&heavy),
        "{heavy} events with the weight 3, and {light} with the weight 1"
    );
    Ok(())
}
