//! What goes over the wire: messages arrive as they were sent, and a client that breaks the protocol is told how.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Client, Host, PUPPET, Setup, case, logged, value};

async fn echo() -> anyhow::Result<(Host, Client)> {
    let host = Setup::new().sample("echo", |_| {})?.start().await?;
    let client = host.connect("/echo").await?;
    Ok((host, client))
}

/// A frame of a client, whose mask is all zeros: fin and opcode, and a payload of less than 126 bytes.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap_or(u8::MAX);
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
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
async fn a_message_in_fragments_is_one_message_and_a_ping_may_come_between() -> anyhow::Result<()> {
    let (_host, mut client) = echo().await?;

    client.send_raw(&frame(0x01, b"one, ")).await?;
    client.send_raw(&frame(0x89, b"ping")).await?;
    client.send_raw(&frame(0x00, b"two, ")).await?;
    client.send_raw(&frame(0x80, b"three")).await?;

    assert_eq!(client.next().await?, Message::Pong("ping".into()));
    assert_eq!(client.text().await?, "one, two, three");
    Ok(())
}

/// The client sends these bytes: the code with which it is closed.
async fn code_of(bytes: &[u8]) -> anyhow::Result<u16> {
    let (host, mut client) = echo().await?;
    let mut other = host.connect("/echo").await?;

    client.send_raw(bytes).await?;

    let (code, reason) = client.closed().await?;
    assert_eq!(reason, "");
    other.send_text("undisturbed").await?;
    assert_eq!(other.text().await?, "undisturbed");
    Ok(code)
}

#[tokio::test]
async fn a_text_that_is_not_utf_8_is_1007() -> anyhow::Result<()> {
    assert_eq!(code_of(&frame(0x81, b"\xc3\x28")).await?, 1007);
    Ok(())
}

#[tokio::test]
async fn a_frame_that_breaks_the_protocol_is_1002() -> anyhow::Result<()> {
    let unmasked = [0x81, 0x01, b'x'];
    let (reserved_bit, reserved_opcode) = (frame(0xc1, b"x"), frame(0x83, b"x"));
    let (continuation_of_nothing, ping_in_fragments) = (frame(0x80, b"x"), frame(0x09, b"x"));
    for bytes in [&unmasked[..], &reserved_bit, &reserved_opcode, &continuation_of_nothing, &ping_in_fragments] {
        assert_eq!(code_of(bytes).await?, 1002, "{bytes:x?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_message_over_the_limit_is_1009() -> anyhow::Result<()> {
    let limit = "1000B".parse().map_err(anyhow::Error::msg)?;
    let setup = Setup::new().configured(|config| config.hub.message_size = limit);
    let host = setup.sample("echo", |_| {})?.start().await?;

    let mut client = host.connect("/echo").await?;
    client.send_text("x".repeat(1000)).await?;
    assert_eq!(client.text().await?.len(), 1000);
    client.send_text("x".repeat(1001)).await?;

    assert_eq!(client.closed().await?, (1009, String::new()));
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
