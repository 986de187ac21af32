//! What becomes of attachments when another version of the plugin takes over.

use serde_json::json;

use crate::harness::Client;
use crate::stage::{Stage, cases, expect, same};

cases! {
    "an attachment of another version becomes this one's" => migrate,
    "an attachment that becomes nothing is none" => forget,
    "a migration that fails closes with 1011, its text goes to the log alone" => fail,
    "a migration that traps closes with 1011" => trap,
}

/// A client whose connection has this attachment.
async fn with(stage: &Stage, attachment: &str) -> anyhow::Result<Client> {
    let mut client = stage.client().await?;
    expect(&mut client, json!([{"do": "attach", "text": attachment}]), json!([null])).await?;
    Ok(client)
}

async fn migrate(stage: Stage) -> anyhow::Result<()> {
    let mut client = with(&stage, "für später").await?;
    let before = stage.swap().await?;
    for _ in ["the first event of the new version", "the second"] {
        let migrated = format!("für später from {before}");
        expect(&mut client, json!([{"do": "attachment"}]), json!([migrated])).await?;
    }
    Ok(())
}

async fn forget(stage: Stage) -> anyhow::Result<()> {
    let mut client = with(&stage, "forget").await?;
    stage.swap().await?;
    expect(&mut client, json!([{"do": "attachment"}]), json!([""])).await
}

/// A connection with this attachment is closed, and others move on.
async fn ends(stage: &Stage, attachment: &str) -> anyhow::Result<()> {
    let mut client = with(stage, attachment).await?;
    let mut other = stage.client().await?;
    stage.swap().await?;
    client.tell(json!([{"do": "send", "text": "is not handled"}])).await?;
    same(&client.closed().await?, &(1011, String::new()))?;
    expect(&mut other, json!([{"do": "attachment"}]), json!([""])).await
}

async fn fail(stage: Stage) -> anyhow::Result<()> {
    ends(&stage, "fail").await?;
    stage.logged("that was never an attachment").await.map(drop)
}

async fn trap(stage: Stage) -> anyhow::Result<()> {
    ends(&stage, "trap").await
}
