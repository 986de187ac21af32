//! A guest that fails harms its own connection and nothing else, and its client learns no more than that.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Client, Host, PUPPET, Setup, case, logged};

/// Limits that are soon reached.
const LIMITS: &str = "[limits]\ncpu = \"200ms\"\ntimeout = \"2s\"\nmemory = \"16MiB\"";

async fn puppet(name: &str) -> anyhow::Result<Host> {
    Setup::new().guest(PUPPET, name, LIMITS)?.sample("echo", |_| {})?.start().await
}

/// Sends the command that is the end of its connection; the log has the text, and all others go on.
async fn fails(name: &str, command: Value, text: &str) -> anyhow::Result<()> {
    let host = puppet(name).await?;
    let path = format!("/{name}");
    let mut neighbour = host.connect(&path).await?;
    let mut stranger = host.connect("/echo").await?;
    let mut client = host.connect(&path).await?;

    client.tell(command).await?;

    assert_eq!(client.closed().await?, (1011, String::new()));
    logged(name, text).await?;
    assert_eq!(neighbour.get(json!({"do": "attachment"})).await?, "");
    stranger.send_text("still here").await?;
    assert_eq!(stranger.text().await?, "still here");
    let mut next = host.connect(&path).await?;
    assert_eq!(next.get(json!({"do": "attachment"})).await?, "");
    Ok(())
}

#[tokio::test]
async fn a_trap_closes_with_1011_and_tells_the_client_nothing() -> anyhow::Result<()> {
    fails("traps", json!({"do": "trap"}), "trapped").await
}

#[tokio::test]
async fn an_error_closes_with_1011_and_its_text_is_only_in_the_log() -> anyhow::Result<()> {
    fails("errs", json!({"do": "fail", "text": "the password is 1234"}), "returned an error: the password is 1234")
        .await
}

#[tokio::test]
async fn a_loop_without_end_is_ended_when_its_computing_time_is_over() -> anyhow::Result<()> {
    fails("loops", json!({"do": "loop"}), "computed for longer than the 200ms").await
}

#[tokio::test]
async fn a_guest_that_eats_memory_is_stopped_at_its_limit() -> anyhow::Result<()> {
    fails("eats", json!({"do": "eat"}), "refused more memory").await
}

#[tokio::test]
async fn endless_recursion_is_a_trap() -> anyhow::Result<()> {
    fails("recurses", json!({"do": "recurse"}), "trapped").await
}

#[tokio::test]
async fn a_handler_that_waits_for_ever_is_ended_by_its_timeout() -> anyhow::Result<()> {
    let wait = json!([{"do": "open", "channel": "never", "capacity": 1}, {"do": "receive", "channel": "never"}]);
    fails("waits", wait, "took longer than the 2s").await
}

#[tokio::test]
async fn waiting_is_not_computing() -> anyhow::Result<()> {
    let host = puppet("sleeps").await?;
    let mut client = host.connect("/sleeps").await?;

    // Five times the computing time of an event.
    client.get(json!({"do": "sleep", "ms": 1000})).await?;
    Ok(())
}

#[tokio::test]
async fn a_trap_in_the_open_event_closes_with_1011() -> anyhow::Result<()> {
    let host = puppet("traps-open").await?;

    let client = host.connect_with("/traps-open", &[("x-open", r#"[{"do": "trap"}]"#)]).await?;

    assert_eq!(client.closed().await?, (1011, String::new()));
    logged("traps-open", "trapped").await?;
    logged("traps-open", "close event").await?;
    Ok(())
}

#[tokio::test]
async fn a_trap_in_the_close_event_is_logged_and_the_connection_is_gone() -> anyhow::Result<()> {
    let host = puppet("traps-close").await?;
    let client = host.connect_with("/traps-close", &[("x-close", r#"[{"do": "trap"}]"#)]).await?;

    client.close(1000, "").await?;

    logged("traps-close", "trapped").await?;
    host.until("the end of the connection", |hub| hub.connection_count() == 0).await
}

#[tokio::test]
async fn what_was_sent_before_a_failure_still_arrives() -> anyhow::Result<()> {
    let host = puppet("sends-then-fails").await?;
    let mut client = host.connect("/sends-then-fails").await?;

    client.tell(json!([{"do": "send", "text": "last words"}, {"do": "fail", "text": "no more"}])).await?;

    assert_eq!(client.text().await?, "last words");
    assert_eq!(client.closed().await?, (1011, String::new()));
    Ok(())
}

/// Retains, lets another connection have the handle, and fails: the handle is worth nothing.
async fn retention_is_undone(name: &str, failure: Value) -> anyhow::Result<()> {
    let host = puppet(name).await?;
    let path = format!("/{name}");
    let mut other = host.connect(&path).await?;
    let mut client = host.connect(&path).await?;
    other.get(json!({"do": "open", "channel": "handles", "capacity": 1})).await?;

    client.tell(json!([{"do": "retain"}, {"do": "offer-handle", "channel": "handles"}, failure])).await?;

    assert_eq!(client.closed().await?, (1011, String::new()));
    let handle = other.get(json!({"do": "receive", "channel": "handles", "timeout-ms": 1000})).await?;
    assert!(handle.is_u64(), "{handle} is no handle");
    let refused = other.ask(json!({"do": "deliver", "handle": handle, "text": "too late"})).await?;
    assert_eq!(case(&refused), "InvalidHandle");
    assert_eq!(host.hub().held_count(), 0);
    Ok(())
}

#[tokio::test]
async fn a_trap_after_a_retain_undoes_it() -> anyhow::Result<()> {
    retention_is_undone("retains-and-traps", json!({"do": "trap"})).await
}

#[tokio::test]
async fn an_error_after_a_retain_undoes_it() -> anyhow::Result<()> {
    retention_is_undone("retains-and-errs", json!({"do": "fail", "text": "no"})).await
}

#[tokio::test]
async fn an_error_after_a_send_after_undoes_the_delivery() -> anyhow::Result<()> {
    let host = puppet("schedules-and-errs").await?;
    let mut client = host.connect("/schedules-and-errs").await?;

    let after = json!({"do": "send-after", "text": "never", "delay-ms": 600_000});
    client.tell(json!([{"do": "retain"}, after, {"do": "fail", "text": "no"}])).await?;

    assert_eq!(client.closed().await?, (1011, String::new()));
    assert_eq!(host.hub().held_count(), 0);
    Ok(())
}

#[tokio::test]
async fn a_trap_in_a_held_connections_worker_leaves_it_held() -> anyhow::Result<()> {
    let host = puppet("worker-traps").await?;
    let mut client = host.connect("/worker-traps").await?;
    let mut other = host.connect("/worker-traps").await?;
    let handle = client.hold().await?;

    other.get(json!({"do": "start", "name": "doomed", "commands": [{"do": "trap"}]})).await?;
    logged("worker-traps", "worker doomed").await?;

    other.get(json!({"do": "deliver", "handle": handle, "text": "all the same"})).await?;
    assert_eq!(client.text().await?, "all the same");
    Ok(())
}

/// The worst of so many round trips of an echo.
async fn worst_round_trip(host: &Host) -> anyhow::Result<Duration> {
    let mut client = host.connect("/echo").await?;
    let mut worst = Duration::ZERO;
    for number in 0..200 {
        let sent = Instant::now();
        client.send_text(number.to_string()).await?;
        assert_eq!(client.text().await?, number.to_string());
        worst = worst.max(sent.elapsed());
    }
    Ok(worst)
}

/// A client whose event is in an endless loop: what it was sent before goes out when the loop has given way for the first time.
async fn looping(host: &Host) -> anyhow::Result<Client> {
    let mut client = host.connect("/looping").await?;
    client.tell(json!([{"do": "send", "text": "round and round"}, {"do": "loop"}])).await?;
    assert_eq!(client.text().await?, "round and round");
    Ok(client)
}

#[test]
fn endless_loops_on_all_threads_delay_an_echo_by_less_than_50_ms() -> anyhow::Result<()> {
    // The clients have a thread of their own, so that what is measured is the host.
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let clients = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // The loops outlast the measuring.
    let setup =
        Setup::new().guest(PUPPET, "looping", "[limits]\ncpu = \"5m\"\ntimeout = \"5m\"")?.sample("echo", |_| {})?;
    let host = threads.block_on(setup.start())?;
    let mut rounds = clients.block_on(async {
        let _loops = [looping(&host).await?, looping(&host).await?];
        let mut rounds = Vec::new();
        for _ in 0..3 {
            rounds.push(worst_round_trip(&host).await?);
        }
        anyhow::Ok(rounds)
    })?;
    // Other programs of this machine may have spoiled one round.
    rounds.sort();
    let median = rounds.get(1).copied().unwrap_or(Duration::MAX);
    assert!(median < Duration::from_millis(50), "the worst round trips were {rounds:?}");
    Ok(())
}
