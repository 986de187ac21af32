//! What the host calls, and what becomes of a handler that fails.

use anyhow::ensure;
use serde_json::json;

use crate::stage::{Stage, cases, expect, same};

cases! {
    "the open event comes before any message" => open,
    "the close event comes once, with code and reason" => close,
    "a channel handler gets each item" => item,
    "what is printed goes to the log, from both outputs" => print,
    "an error closes with 1011, its text goes to the log alone" => fail,
    "a trap closes with 1011" => trap,
    "an endless loop ends with its computing time" => endless,
    "memory without end is refused" => eat,
    "recursion without end is ended" => recurse,
    "a failed event is undone, and others go on" => others,
}

async fn open(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client_with(&[("x-open", r#"[{"do":"send","text":"willkommen"}]"#)]).await?;
    client.tell(json!([{"do": "send", "text": "a message"}])).await?;
    same(&client.text().await?, &"willkommen".to_owned())?;
    client.report().await?;
    same(&client.text().await?, &"a message".to_owned())
}

async fn close(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    let id = client.get(json!({"do": "describe"})).await?["id"].as_str().unwrap_or_default().to_owned();
    client.close(4321, "auf Wiedersehen").await?;
    let line = stage.logged(&id).await?;
    for part in ["close event: ", "[4321,\\\"auf Wiedersehen\\\"]", "\\\"clean\\\":true"] {
        ensure!(line.contains(part) || line.contains(&part.replace('\\', "")), "{line} has no {part}");
    }
    Ok(())
}

async fn item(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    let channel = format!("of {}", stage.name);
    let commands = json!([{"do": "print", "text": "from the channel handler"}]);
    expect(&mut client, json!([{"do": "offer", "channel": channel, "item": commands}]), json!([null])).await?;
    stage.logged("from the channel handler").await?;
    stage.logged(&format!("item of {channel}: ")).await.map(drop)
}

async fn print(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    let commands = json!([{"do": "print", "text": "auf stdout: ü"}, {"do": "print-error", "text": "auf stderr: ü"}]);
    expect(&mut client, commands, json!([null, null])).await?;
    stage.logged("auf stdout: ü").await?;
    stage.logged("auf stderr: ü").await.map(drop)
}

async fn fail(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    client.tell(json!([{"do": "send", "text": "before"}, {"do": "fail", "text": "das ging schief"}])).await?;
    same(&client.text().await?, &"before".to_owned())?;
    same(&client.closed().await?, &(1011, String::new()))?;
    stage.logged("das ging schief").await.map(drop)
}

/// The connection of this command is closed, and the plugin goes on.
async fn ends(stage: &Stage, what: &str) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    client.tell(json!([{"do": what}])).await?;
    same(&client.closed().await?, &(1011, String::new()))?;
    let mut other = stage.client().await?;
    expect(&mut other, json!([{"do": "attachment"}]), json!([""])).await
}

async fn trap(stage: Stage) -> anyhow::Result<()> {
    ends(&stage, "trap").await
}

async fn endless(stage: Stage) -> anyhow::Result<()> {
    ends(&stage, "loop").await
}

async fn eat(stage: Stage) -> anyhow::Result<()> {
    ends(&stage, "eat").await
}

async fn recurse(stage: Stage) -> anyhow::Result<()> {
    ends(&stage, "recurse").await
}

async fn others(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.client().await?;
    let mut other = stage.client().await?;
    let held = stage.host.hub().held_count();
    client.tell(json!([{"do": "retain"}, {"do": "fail", "text": "after retaining"}])).await?;
    same(&client.closed().await?, &(1011, String::new()))?;
    stage.host.until("the retention to be undone", |hub| hub.held_count() <= held).await?;
    expect(
        &mut other,
        json!([{"do": "attach", "text": "still here"}, {"do": "attachment"}]),
        json!([null, "still here"]),
    )
    .await
}
