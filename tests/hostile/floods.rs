//! Guests that ask the host for more than anybody needs: what is too much is refused, and what they were given is bounded.

use anyhow::ensure;

use crate::harness::Client;
use crate::stage::Stage;

const MIB: u64 = 1 << 20;

/// What a client of the hostile plugin is told that it was given.
async fn given(client: &mut Client, deed: &str) -> anyhow::Result<usize> {
    client.send_text(deed).await?;
    let text = client.text().await?;
    Ok(text.split(' ').next().unwrap_or_default().parse()?)
}

#[test]
fn printing_without_end() -> anyhow::Result<()> {
    let stage = Stage::new("prints", "isolation = \"pooled\"")?;
    stage.attack(4, "", "print 1000");
    stage.attack(1, "", "huge-print 1000000");
    stage.echo_is_prompt()?;
    stage.says("lines were left out")
}

#[test]
fn giant_strings_to_every_import() -> anyhow::Result<()> {
    // Each is more than anything may be: a message, an item, an attachment, a name.
    const HUGE: usize = 4_000_000;
    let stage = Stage::new("strings", "")?;
    let before = stage.memory()?;
    let deeds = ["reply", "attachment", "channel", "item", "timer", "worker", "path", "cron", "ids", "reason"];
    for deed in deeds {
        stage.attack(1, "", Box::leak(format!("huge-{deed} {HUGE}").into_boxed_str()));
    }
    stage.echo_is_prompt()?;
    // Each instance may have its 64 MiB, and the host a copy of what is handed over in a call.
    stage.memory_stays_below(before + deeds.len() as u64 * (64 + 16) * MIB)?;
    stage.run(async {
        for deed in ["reply", "attachment", "channel", "item", "timer", "worker", "cron", "reason"] {
            let mut client = stage.host.connect("/strings").await?;
            let given = given(&mut client, &format!("huge-{deed} {HUGE}")).await?;
            ensure!(given == 0, "a {deed} of {HUGE} bytes was taken");
        }
        Ok(())
    })
}

#[test]
fn more_than_the_host_lets_calls_hand_over_is_a_trap() -> anyhow::Result<()> {
    let stage = Stage::new("hands-over", "[limits]\nmemory = \"128MiB\"")?;
    stage.attack(2, "", "huge-path 50000000");
    stage.echo_is_prompt()?;
    stage.says("trapped")
}

#[test]
fn retaining_and_never_releasing() -> anyhow::Result<()> {
    let change = |config: &mut holdline::config::Config| config.hub.held_connections = 100;
    let stage = Stage::configured("retains", "isolation = \"pooled\"", change)?;
    stage.attack(300, "", "retain 600000");
    stage.echo_is_prompt()?;
    let held = stage.host.hub().held_count();
    ensure!(held <= 100, "{held} connections are held");
    stage.says("returned an error")
}

#[test]
fn timers_without_end() -> anyhow::Result<()> {
    let stage = Stage::configured("timers", "", |config| config.hub.timers = 10_000)?;
    let before = stage.memory()?;
    let set = stage.run(async { given(&mut stage.host.connect("/timers").await?, "set-timers 1000000").await })?;
    ensure!(set == 10_000, "{set} timers were given");
    stage.attack(4, "", "set-timers 1000");
    stage.echo_is_prompt()?;
    stage.memory_stays_below(before + 64 * MIB)
}

#[test]
fn timers_that_are_due_all_the_time() -> anyhow::Result<()> {
    let change = |config: &mut holdline::config::Config| config.hub.timers = 1000;
    let stage = Stage::configured("due", "[limits]\ncpu = \"50ms\"", change)?;
    stage.attack(1, "", "set-timers-at-once 1000");
    stage.echo_is_prompt()?;
    stage.says("computed for longer than the 50ms")
}

#[test]
fn channels_without_end() -> anyhow::Result<()> {
    let stage = Stage::configured("channels", "", |config| config.hub.channels.count = 1000)?;
    let opened =
        stage.run(async { given(&mut stage.host.connect("/channels").await?, "open-channels 100000").await })?;
    ensure!(opened == 1000, "{opened} channels were given");
    stage.attack(4, "", "open-channels 1000");
    stage.echo_is_prompt()
}

#[test]
fn workers_that_wait_for_ever() -> anyhow::Result<()> {
    let stage = Stage::new("waiting-workers", "")?;
    stage.attack(4, "", "start-waiting-workers 1000");
    stage.echo_is_prompt()
}

#[test]
fn workers_that_compute_for_ever() -> anyhow::Result<()> {
    let stage = Stage::new("looping-workers", "")?;
    stage.attack(4, "", "start-workers 1000");
    stage.echo_is_prompt()
}

#[test]
fn guessing_handles() -> anyhow::Result<()> {
    let stage = Stage::new("guesses", "[limits]\ncpu = \"1m\"")?;
    let guessed =
        stage.run(async { given(&mut stage.host.connect("/guesses").await?, "guess-handles 200000").await })?;
    ensure!(guessed == 0, "{guessed} handles were guessed");
    stage.attack(4, "", "guess-handles 10000");
    stage.echo_is_prompt()
}
