//! A peer that goes away while it is held is noticed at once: the handle says `closed`, and the close event comes.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{Client, Host, PUPPET, Setup, case, lines, logged, within};

/// A host with a client whose connection is held, its handle, and another client.
async fn held(name: &str) -> anyhow::Result<(Host, Client, u64, Client)> {
    let host = Setup::new().guest(PUPPET, name, "")?.start().await?;
    let mut held = host.connect(&format!("/{name}")).await?;
    let handle = held.hold().await?;
    let hand = host.connect(&format!("/{name}")).await?;
    Ok((host, held, handle, hand))
}

/// The handle is not out any more, whatever is tried says so, and there was one close event.
async fn is_noticed(name: &str, host: &Host, handle: u64, hand: &mut Client, event: &str) -> anyhow::Result<()> {
    host.holds(0).await?;
    let operations = json!([
        {"do": "push", "handle": handle, "text": "x"},
        {"do": "extend", "handle": handle, "deadline-ms": 1000},
        {"do": "deliver", "handle": handle, "text": "x"},
        {"do": "deliver-json", "handle": handle, "value": {}},
        {"do": "send-after", "handle": handle, "text": "x", "delay-ms": 1},
        {"do": "release", "handle": handle},
        {"do": "close-held", "handle": handle},
    ]);
    hand.tell(operations).await?;
    for outcome in hand.report().await? {
        assert_eq!(case(&outcome), "Closed");
    }
    let line = logged(name, "close event").await?;
    assert!(line.contains(event), "{line}");
    host.until("the end of the connection", |hub| hub.connection_count() == 1).await?;
    assert_eq!(lines(name).iter().filter(|line| line.contains("close event")).count(), 1);
    Ok(())
}

#[tokio::test]
async fn a_close_frame_is_noticed_and_answered_while_held() -> anyhow::Result<()> {
    let (host, client, handle, mut hand) = held("says-close").await?;

    client.close(4321, "bye").await?;

    is_noticed("says-close", &host, handle, &mut hand, r#""frame":[4321,"bye"]"#).await
}

#[tokio::test]
async fn an_end_of_the_stream_without_a_close_is_noticed() -> anyhow::Result<()> {
    let (host, client, handle, mut hand) = held("fin").await?;

    client.into_stream().shutdown().await?;

    is_noticed("fin", &host, handle, &mut hand, r#""frame":null"#).await
}

#[tokio::test]
async fn a_reset_is_noticed() -> anyhow::Result<()> {
    let (host, client, handle, mut hand) = held("reset").await?;

    let stream = client.into_stream();
    stream.set_zero_linger()?;
    drop(stream);

    is_noticed("reset", &host, handle, &mut hand, r#""clean":false"#).await
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_given_up() -> anyhow::Result<()> {
    let setup = Setup::new().configured(|config| {
        config.listen.keepalive = Duration::from_millis(300);
        config.listen.keepalive_timeout = Duration::from_millis(200);
    });
    let host = setup.guest(PUPPET, "mute", "")?.start().await?;
    let mut client = host.connect("/mute").await?;
    let handle = client.hold().await?;
    let _never_read = client.into_stream();

    host.holds(0).await?;
    // The hand is so late because it would have to answer pings, too, while the test waits.
    let mut hand = host.connect("/mute").await?;

    is_noticed("mute", &host, handle, &mut hand, r#""clean":false"#).await
}

#[tokio::test]
async fn a_client_that_answers_pings_is_held_on() -> anyhow::Result<()> {
    let setup = Setup::new().configured(|config| config.listen.keepalive = Duration::from_millis(100));
    let host = setup.guest(PUPPET, "answers-pings", "")?.start().await?;
    let mut client = host.connect("/answers-pings").await?;
    client.hold_with(json!({"do": "retain", "deadline-ms": 1000, "expiry": {"send": {"text": "still here"}}})).await?;

    // Reading answers the pings, about ten of them until the deadline.
    let mut pings = 0;
    loop {
        let message = client.next().await?;
        if message.is_text() {
            assert_eq!(message.into_text()?, "still here");
            break;
        }
        pings += 1;
    }
    assert!(pings > 1, "{pings} pings");
    Ok(())
}

#[tokio::test]
async fn a_client_that_speaks_needs_no_pong() -> anyhow::Result<()> {
    let setup = Setup::new().configured(|config| {
        config.listen.keepalive = Duration::from_millis(50);
        config.listen.keepalive_timeout = Duration::from_millis(500);
    });
    let host = setup.sample("echo", |_| {})?.start().await?;
    let mut stream = host.connect("/echo").await?.into_stream();

    // For as long as two deadlines last, it says one thing after the other, and answers no ping.
    let (mut pings, begun) = (0, Instant::now());
    while pings < 20 || begun.elapsed() < Duration::from_millis(1000) {
        stream.write_all(b"\x81\x81\0\0\0\0x").await?;
        loop {
            let mut frame = [0; 2];
            within("a frame", stream.read_exact(&mut frame)).await??;
            match frame {
                [0x89, 0] => pings += 1,
                [0x81, 1] => break assert_eq!(within("the echo", stream.read_u8()).await??, b'x'),
                other => anyhow::bail!("{other:?} instead of a ping or an echo"),
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn how_long_a_client_takes_to_answer_is_seen() -> anyhow::Result<()> {
    let setup = Setup::new().operated("round-trip")?;
    let setup = setup.configured(|config| config.listen.keepalive = Duration::from_millis(200));
    let host = setup.guest(PUPPET, "round-trip", "")?.start().await?;
    let mut client = host.connect("/round-trip").await?;
    let operator = host.operator()?;
    let seen = async || {
        let list = operator.get("/v1/tenants/default/connections").await?.with(200)?;
        anyhow::Ok(list.pointer("/items/0/round-trip-us").cloned())
    };
    assert_eq!(seen().await?, Some(json!(null)));

    // Reading answers the ping.
    assert!(client.next().await?.is_ping());
    client.get(json!({"do": "attachment"})).await?;

    let took = seen().await?.and_then(|it| it.as_u64()).context("no round trip")?;
    assert!(took > 0 && took < 10_000_000, "{took}");
    Ok(())
}

#[tokio::test]
async fn clients_that_came_together_are_not_asked_together() -> anyhow::Result<()> {
    let setup = Setup::new().configured(|config| config.listen.keepalive = Duration::from_secs(2));
    let host = setup.sample("echo", |_| {})?.start().await?;
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(host.connect("/echo").await?);
    }
    let asked = clients.into_iter().map(|mut client| async move {
        let begun = Instant::now();
        client.next().await.map(|message| (message.is_ping(), begun.elapsed()))
    });
    let asked = futures_util::future::try_join_all(asked).await?;
    assert!(asked.iter().all(|(is_ping, _)| *is_ping));
    let (first, last) = (asked.iter().map(|it| it.1).min(), asked.iter().map(|it| it.1).max());
    let apart = last.zip(first).map(|(last, first)| last.saturating_sub(first));
    // A tenth more and a tenth less are 400 ms; that twenty would all be within a fourth of them happens once in 10^10 times.
    assert!(apart > Some(Duration::from_millis(100)), "{asked:?}");
    Ok(())
}

#[tokio::test]
async fn messages_from_before_the_disconnect_are_handled_before_the_close_event() -> anyhow::Result<()> {
    let (_host, mut client, _handle, _hand) = held("speaks-and-leaves").await?;
    for text in ["one", "two"] {
        client.tell(json!([{"do": "print", "text": text}, {"do": "send", "text": "x"}, {"do": "retain"}])).await?;
    }

    client.close(1000, "").await?;

    logged("speaks-and-leaves", "close event").await?;
    let lines: Vec<String> = lines("speaks-and-leaves");
    let place = |text: &str| lines.iter().position(|line| line.contains(text));
    assert!(place("one") < place("two") && place("two") < place("close event"), "{lines:#?}");
    let untold = r#"{"ok":null},{"error":"Closed"},{"error":"Closing"}"#;
    assert_eq!(lines.iter().filter(|line| line.contains(untold)).count(), 2, "{lines:#?}");
    Ok(())
}

#[tokio::test]
async fn after_its_deadline_the_handle_of_a_gone_peer_is_as_if_it_had_never_been() -> anyhow::Result<()> {
    let host = Setup::new().guest(PUPPET, "forgotten", "")?.start().await?;
    let mut client = host.connect("/forgotten").await?;
    let handle = client.hold_with(json!({"do": "retain", "deadline-ms": 2000})).await?;
    let mut hand = host.connect("/forgotten").await?;

    client.close(1000, "").await?;
    host.holds(0).await?;
    let deliver = json!({"do": "deliver", "handle": handle, "text": "x"});
    assert_eq!(case(&hand.ask(deliver.clone()).await?), "Closed");

    let forgotten = async {
        while case(&hand.ask(deliver.clone()).await?) == "Closed" {}
        hand.ask(deliver.clone()).await
    };
    let outcome: Value = within("the end of the handle", forgotten).await??;
    assert_eq!(case(&outcome), "InvalidHandle");
    Ok(())
}

#[tokio::test]
async fn a_delivery_to_a_peer_that_has_gone_is_dropped() -> anyhow::Result<()> {
    let (host, client, handle, mut hand) = held("too-late").await?;
    let delivery =
        hand.get(json!({"do": "send-after", "handle": handle, "text": "never", "delay-ms": 600_000})).await?;

    client.close(1000, "").await?;
    host.holds(0).await?;

    let refused = hand.ask(json!({"do": "cancel", "delivery": delivery})).await?;
    assert_eq!(case(&refused), "UnknownTimer");
    Ok(())
}
