//! What goes over the wire: messages arrive as they were sent and in their order, and a confirmed one has been written. Frames by
//! themselves are the affair of `tests/rfc6455`.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Client, Host, PUPPET, Setup, case, logged, value};

async fn echo() -> anyhow::Result<(Host, Client)> {
    let host = Setup::new().sample("echo", |_| {})?.start().await?;
    let client = host.connect("/echo").await?;
    Ok((host, client))
}

#[tokio::test]
async fn text_stays_text_and_binary_stays_binary_of_any_size() -> anyhow::Result<()> {
    let (_host, mut client) = echo().await?;
    for size in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
        let text = "x".repeat(size);
        client.send_text(text.clone()).await?;
        assert_eq!(client.next().await?, Message::text(text), "{size}");
        client.send_binary(vec![0xff; size]).await?;
        assert_eq!(client.next().await?, Message::binary(vec![0xff; size]), "{size}");
    }
    Ok(())
}

#[tokio::test]
async fn frames_go_out_in_the_order_in_which_they_were_accepted() -> anyhow::Result<()> {
    let host = Setup::new().guest(PUPPET, "in-order", "")?.start().await?;
    let mut client = host.connect("/in-order").await?;
    let mut hand = host.connect("/in-order").await?;
    let id = client.get(json!({"do": "describe"})).await?.get("id").cloned();
    let handle = client.hold().await?;

    let mut commands = Vec::new();
    for number in 0..50 {
        commands.push(json!({"do": "push", "handle": handle, "text": format!("push {number}")}));
        commands.push(json!({"do": "broadcast", "ids": [id], "text": format!("broadcast {number}")}));
    }
    commands.push(json!({"do": "close-held", "handle": handle}));
    hand.tell(Value::from(commands)).await?;

    for number in 0..50 {
        assert_eq!(client.text().await?, format!("push {number}"));
        assert_eq!(client.text().await?, format!("broadcast {number}"));
    }
    assert_eq!(client.closed().await?.0, 1000);
    Ok(())
}

#[tokio::test]
async fn a_crowd_of_broadcasts_arrives_whole_and_in_order_when_the_client_reads_at_last() -> anyhow::Result<()> {
    let host = Setup::new().guest(PUPPET, "crowd", "")?.start().await?;
    let mut client = host.connect("/crowd").await?;
    let mut hand = host.connect("/crowd").await?;
    let id = client.get(json!({"do": "describe"})).await?.get("id").cloned();
    let handle = client.hold().await?;
    let mut taken = Vec::new();
    // Until no more goes into the socket, nor into the outbox.
    for number in 0.. {
        // What goes past the task, what is too large for that, and what its task writes.
        let size = [10, 100_000, 3000, 20_000][number % 4];
        let text = format!("{number} {}", "x".repeat(size));
        let outcome = if number % 3 == 0 {
            value(&hand.ask(json!({"do": "push", "handle": handle, "text": text})).await?).is_ok()
        } else {
            hand.get(json!({"do": "broadcast", "ids": [id], "text": text})).await? == 1
        };
        if !outcome {
            break;
        }
        taken.push(text);
        assert!(taken.len() < 5000, "the outbox has no bound");
    }

    for text in taken {
        assert!(client.text().await? == text, "{} characters of it", text.len());
    }
    hand.get(json!({"do": "broadcast", "ids": [id], "text": "and on"})).await?;
    assert_eq!(client.text().await?, "and on");
    Ok(())
}

/// A held connection whose client does not read: its handle, and a client that sends to it, until no more goes into the socket.
async fn jammed(name: &str) -> anyhow::Result<(Host, Client, u64, Client)> {
    let host = Setup::new().guest(PUPPET, name, "")?.start().await?;
    let mut client = host.connect(&format!("/{name}")).await?;
    let mut hand = host.connect(&format!("/{name}")).await?;
    let handle = client.hold().await?;
    while value(&hand.ask(json!({"do": "push-bytes", "handle": handle, "count": 1 << 20})).await?).is_ok() {}
    Ok((host, client, handle, hand))
}

#[tokio::test]
async fn a_confirmed_send_returns_when_the_message_has_been_written() -> anyhow::Result<()> {
    let (host, mut client, handle, mut hand) = jammed("confirmed").await?;
    let mut other = host.connect("/confirmed").await?;
    other.get(json!({"do": "open", "channel": "done", "capacity": 1})).await?;
    // The outbox is full; once a message has left it, there is room for a small one behind the others.
    client.next().await?;
    let asked = json!({"do": "deliver-confirmed", "handle": handle, "text": "last of all"});
    while case(&hand.ask(json!({"do": "push", "handle": handle, "text": "room"})).await?) == "Overloaded" {
        client.next().await?;
    }
    hand.tell(json!([{"do": "send", "text": "waiting"}, asked, {"do": "offer", "channel": "done", "item": "done"}]))
        .await?;
    // An event that waited for nothing would have been over before this went out.
    assert_eq!(hand.text().await?, "waiting");
    assert_eq!(other.get(json!({"do": "poll", "channel": "done"})).await?, Value::Null);

    while client.next().await? != Message::text("last of all") {}

    assert_eq!(hand.report().await?.get(1).map(value).transpose()?, Some(Value::Null));
    Ok(())
}

#[tokio::test]
async fn a_confirmed_send_to_a_client_that_leaves_is_closed() -> anyhow::Result<()> {
    let (_host, mut client, handle, mut hand) = jammed("unconfirmed").await?;
    while case(&hand.ask(json!({"do": "push", "handle": handle, "text": "room"})).await?) == "Overloaded" {
        client.next().await?;
    }
    let asked = json!({"do": "deliver-confirmed", "handle": handle, "text": "never read"});
    hand.tell(json!([{"do": "send", "text": "waiting"}, asked])).await?;
    assert_eq!(hand.text().await?, "waiting");

    drop(client.into_stream());

    assert_eq!(hand.report().await?.get(1).map(case), Some("Closed"));
    logged("unconfirmed", "close event").await?;
    Ok(())
}
