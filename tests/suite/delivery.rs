//! A held connection is answered later, from elsewhere, by its handle alone.

use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Client, Setup, allow_open_files};

/// A clock may round; what waits for a second never waits for less than this.
const ABOUT_A_SECOND: Duration = Duration::from_millis(990);

/// The mirror, whose worker takes so long over an answer.
fn mirror(millis: u64) -> anyhow::Result<Setup> {
    Setup::new().sample("mirror", |manifest| {
        for worker in &mut manifest.workers {
            worker.argument = millis.to_string();
        }
    })
}

async fn mirrored(client: &mut Client, text: &str) -> anyhow::Result<()> {
    let answer = client.json().await?;
    let backwards: String = text.chars().rev().collect();
    assert_eq!(answer, serde_json::json!({"mirrored": backwards, "msg": text}));
    Ok(())
}

#[tokio::test]
async fn a_handler_holds_and_a_worker_answers_by_the_number() -> anyhow::Result<()> {
    let host = mirror(1000)?.start().await?;
    let mut client = host.connect("/mirror").await?;
    assert_eq!(client.text().await?, "hello from mirror");

    let sent = Instant::now();
    client.send_text("hellö").await?;
    host.holds(1).await?;

    mirrored(&mut client, "hellö").await?;
    assert!(sent.elapsed() >= ABOUT_A_SECOND, "after {:?}", sent.elapsed());
    host.holds(0).await
}

#[tokio::test]
async fn three_messages_at_once_are_answered_one_after_the_other() -> anyhow::Result<()> {
    let host = mirror(1000)?.start().await?;
    let mut client = host.connect("/mirror").await?;
    client.text().await?;

    let sent = Instant::now();
    for text in ["one", "two", "three"] {
        client.send_text(text).await?;
    }
    for (text, place) in [("one", 1), ("two", 2), ("three", 3)] {
        mirrored(&mut client, text).await?;
        assert!(sent.elapsed() >= ABOUT_A_SECOND * place, "{text} came after {:?}", sent.elapsed());
    }
    Ok(())
}

#[tokio::test]
async fn a_ping_is_answered_at_once_while_held() -> anyhow::Result<()> {
    let host = mirror(60_000)?.start().await?;
    let mut client = host.connect("/mirror").await?;
    client.text().await?;
    client.send_text("in a minute").await?;
    host.holds(1).await?;

    client.ping("are you there?").await?;

    // The answer is twice as far away as a test waits.
    assert_eq!(client.next().await?, Message::Pong("are you there?".into()));
    assert_eq!(host.hub().held_count(), 1);
    Ok(())
}

#[tokio::test]
async fn a_timer_of_the_host_answers_and_other_traffic_goes_on_meanwhile() -> anyhow::Result<()> {
    let host = Setup::new().sample("ticker", |_| {})?.start().await?;
    let mut client = host.connect("/ticker").await?;

    let sent = Instant::now();
    client.send_text("1500").await?;
    let mut ticks = 0;
    let answer = loop {
        let text = client.text().await?;
        if !text.starts_with("tick ") {
            break text;
        }
        ticks += 1;
    };

    assert_eq!(answer, "after 1500 ms");
    assert!(sent.elapsed() >= Duration::from_millis(1500), "after {:?}", sent.elapsed());
    assert!(ticks >= 1, "no tick came while the connection was held");
    Ok(())
}

#[tokio::test]
async fn ticks_come_every_second_and_end_with_their_connection() -> anyhow::Result<()> {
    let host = Setup::new().sample("ticker", |_| {})?.start().await?;
    let mut client = host.connect("/ticker").await?;
    let connected = Instant::now();

    for count in 1..=3 {
        assert!(client.text().await?.starts_with("tick "));
        // The timer may have been set a moment before the client knew that it was connected.
        let least = Duration::from_secs(1) * count - Duration::from_millis(500);
        assert!(connected.elapsed() >= least, "tick {count} after {:?}", connected.elapsed());
    }
    // While its event lasts it is not set.
    host.until("the next tick to be set", |hub| hub.timers().len() == 1).await?;

    client.close(1000, "").await?;
    host.until("the end of the timer", |hub| hub.timers().is_empty()).await
}

/// Two threads serve them all: a held connection costs no thread and no instance.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_connections_are_held_at_once_and_each_is_answered() -> anyhow::Result<()> {
    const CLIENTS: usize = 1000;
    allow_open_files(4 * CLIENTS).await;
    let host = mirror(4000)?.configured(|config| config.engine.instances = 16).start().await?;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = host.connect("/mirror").await?;
        client.text().await?;
        clients.push(client);
    }

    for (number, client) in clients.iter_mut().enumerate() {
        client.send_text(format!("number {number}")).await?;
    }
    host.holds(CLIENTS).await?;

    for (number, client) in clients.iter_mut().enumerate() {
        mirrored(client, &format!("number {number}")).await?;
    }
    host.holds(0).await
}
