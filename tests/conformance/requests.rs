//! What a handler can do with the connection whose event it is handling.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::stage::{LONG, Stage, cases, expect, play, same};

cases! {
    "read the request" => describe,
    "answer with text, JSON and bytes" => send,
    "text beyond ASCII, empty and large" => texts,
    "bytes, empty and large" => bytes,
    "a message over the limit: `too-large`" => too_large,
    "close, with and without a code" => close,
    "a code that may not be sent: `invalid-close-code`" => invalid_close_code,
    "a reason that is too long: `too-large`" => long_reason,
    "send after close: `closed`" => closed,
    "the attachment lasts from event to event" => attachment,
    "an attachment over the limit: `too-large`" => large_attachment,
    "a full outbox: `overloaded`" => overloaded,
    "retain gives a number and holds the messages that follow" => retain,
    "retain twice: `already-retained`" => already_retained,
    "answer after retain: `retained`" => retained,
    "retain in a close event: `closing`" => closing,
    "retain over the quota: `quota-exceeded`" => quota,
    "at the deadline: resume, close, send" => expiry,
    "an expiry that cannot be: `invalid-close-code`, `too-large`" => bad_expiry,
}

async fn describe(stage: Stage) -> anyhow::Result<()> {
    let path = format!("/{}/room%201?who=J%C3%B6rg&x", stage.name);
    let mut client = stage.host.connect_with(&path, &[("x-kind", "a"), ("x-kind", "b")]).await?;
    let seen = client.get(json!({"do": "describe"})).await?;
    same(&seen["path"], &json!(format!("/{}/room%201", stage.name)))?;
    same(&seen["query"], &json!("who=J%C3%B6rg&x"))?;
    same(&seen["subprotocol"], &Value::Null)?;
    same(&seen["remote-address"], &json!(client.address()?.to_string()))?;
    let headers = seen["headers"].as_array().context("headers")?;
    let kinds: Vec<_> = headers.iter().filter(|header| header[0] == "x-kind").map(|header| &header[1]).collect();
    same(&kinds, &vec![&json!("a"), &json!("b")])?;
    let again = client.get(json!({"do": "describe"})).await?;
    ensure!(seen["id"].as_str().is_some_and(|id| !id.is_empty()) && seen["id"] == again["id"], "{seen} and {again}");
    Ok(())
}

async fn send(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    client
        .tell(json!([
            {"do": "send", "text": "a text"},
            {"do": "send-json", "value": {"n": 1, "list": [true, null, "ü"]}},
            {"do": "send-bytes", "count": 3},
        ]))
        .await?;
    same(&client.text().await?, &"a text".to_owned())?;
    same(&client.json().await?, &json!({"n": 1, "list": [true, null, "ü"]}))?;
    same(&client.next().await?, &Message::binary(&b"xxx"[..]))?;
    same(&client.report().await?, &vec![json!({"ok": null}); 3])
}

async fn texts(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    let large = "0123456789".repeat(100_000);
    for text in ["grüße, 世界, 🦀 e\u{301}", "", "\"quoted\" \\ \n\t\u{0}\u{7f}", &large] {
        client.tell(json!([{"do": "send", "text": text}])).await?;
        let came = client.text().await?;
        ensure!(came == text, "{came:.100} instead of {text:.100}");
        client.report().await?;
    }
    Ok(())
}

async fn bytes(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    let all: Vec<u8> = (0..=255).collect();
    for bytes in [vec![], all.clone(), all.repeat(4096)] {
        client.send_binary(bytes.clone()).await?;
        ensure!(client.next().await? == Message::binary(bytes.clone()), "{} bytes came back otherwise", bytes.len());
    }
    Ok(())
}

async fn too_large(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    expect(&mut client, json!([{"do": "send-bytes", "count": (1 << 20) + 1}]), json!(["TooLarge"])).await
}

async fn close(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    client.tell(json!([{"do": "close"}])).await?;
    same(&client.closed_at_last().await?, &(1000, String::new()))?;
    let mut client = stage.client().await?;
    client.tell(json!([{"do": "close", "code": 4000, "reason": "genug für heute"}])).await?;
    same(&client.closed_at_last().await?, &(4000, "genug für heute".to_owned()))
}

async fn invalid_close_code(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    expect(&mut client, json!([{"do": "close", "code": 1005, "reason": ""}]), json!(["InvalidCloseCode"])).await
}

async fn long_reason(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    let reason = "r".repeat(124);
    expect(&mut client, json!([{"do": "close", "code": 1000, "reason": reason}]), json!(["TooLarge"])).await
}

async fn closed(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    client.tell(json!([{"do": "close"}, {"do": "send", "text": "too late"}])).await?;
    client.closed().await?;
    let line = stage.logged("Closed").await?;
    ensure!(line.contains("untold: "), "{line}");
    Ok(())
}

async fn attachment(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    expect(&mut client, json!([{"do": "attachment"}, {"do": "attach", "text": "für später"}]), json!(["", null]))
        .await?;
    expect(&mut client, json!([{"do": "attachment"}]), json!(["für später"])).await
}

async fn large_attachment(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    let commands = json!([{"do": "attach-bytes", "count": 65_536}, {"do": "attach-bytes", "count": 65_537}]);
    expect(&mut client, commands, json!([null, "TooLarge"])).await
}

async fn overloaded(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.poor_client().await?;
    let commands = json!([{"do": "send-bytes", "count": 60_000}, {"do": "send-bytes", "count": 60_000}]);
    client.tell(commands).await?;
    same(&client.next().await?.len(), &60_000)?;
    same(&client.report().await?, &vec![json!({"ok": null}), json!({"error": "Overloaded"})])
}

async fn retain(stage: Stage) -> anyhow::Result<()> {
    let mut held = stage.client().await?;
    let handle = held.hold().await?;
    ensure!(handle > 0 && handle < 1 << 53, "{handle}");
    held.tell(json!([{"do": "send", "text": "after it"}])).await?;
    let mut hand = stage.client().await?;
    expect(&mut hand, json!([{"do": "deliver", "handle": handle, "text": "first"}]), json!([null])).await?;
    same(&held.text().await?, &"first".to_owned())?;
    same(&held.text().await?, &"after it".to_owned())
}

async fn already_retained(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    let played = play(&mut client, json!([{"do": "retain"}, {"do": "retain"}])).await?;
    same(&played[1], &json!("AlreadyRetained"))
}

async fn retained(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    let refused =
        json!([{"do": "retain"}, {"do": "send", "text": "no"}, {"do": "close"}, {"do": "send-json", "value": 1}]);
    let played = play(&mut client, refused).await?;
    same(&json!([played[1], played[2], played[3]]), &json!(["Retained", "Retained", "Retained"]))
}

async fn closing(stage: Stage) -> anyhow::Result<()> {
    let client = stage.client_with(&[("x-close", r#"[{"do":"retain"}]"#)]).await?;
    client.close(1000, "").await?;
    let line = stage.logged("Closing").await?;
    ensure!(line.contains("untold: "), "{line}");
    Ok(())
}

async fn quota(stage: Stage) -> anyhow::Result<()> {
    let (mut first, mut second) = (stage.poor_client().await?, stage.poor_client().await?);
    let handles = [first.hold().await?, second.hold().await?];
    let mut third = stage.poor_client().await?;
    expect(&mut third, json!([{"do": "retain"}]), json!(["QuotaExceeded"])).await?;
    let commands = handles.map(|handle| json!({"do": "release", "handle": handle}));
    expect(&mut third, json!(commands), json!([null, null])).await
}

async fn expiry(stage: Stage) -> anyhow::Result<()> {
    let retain = |expiry: Value| json!({"do": "retain", "deadline-ms": 20, "expiry": expiry});
    let mut client = stage.client().await?;
    client.hold_with(retain(json!("resume"))).await?;
    client.tell(json!([{"do": "send", "text": "resumed"}])).await?;
    same(&client.text().await?, &"resumed".to_owned())?;
    client.report().await?;
    client.hold_with(retain(json!({"send": {"text": "zu spät"}}))).await?;
    same(&client.text().await?, &"zu spät".to_owned())?;
    client.hold_with(retain(json!({"close": {"code": 4001, "reason": "too late"}}))).await?;
    same(&client.closed().await?, &(4001, "too late".to_owned()))
}

async fn bad_expiry(stage: Stage) -> anyhow::Result<()> {
    let retain = |expiry: Value| json!({"do": "retain", "deadline-ms": LONG, "expiry": expiry});
    let mut client = stage.client().await?;
    let commands = json!([
        retain(json!({"close": {"code": 1006, "reason": ""}})),
        retain(json!({"close": {"code": 1000, "reason": "r".repeat(124)}})),
    ]);
    expect(&mut client, commands, json!(["InvalidCloseCode", "TooLarge"])).await
}
