//! Who may connect, and what a plugin without some exports is told.

use anyhow::ensure;
use serde_json::{Value, json};

use crate::harness::{Answer, handshake, logged, request};
use crate::stage::{Stage, cases, same};

cases! {
    "a connect handler accepts, with subprotocol and attachment" => accept,
    "a connect handler refuses, with status, headers and body" => refuse,
    "a status that refuses nothing, and a subprotocol that was not offered: 500" => wrong,
    "a connect handler that fails: 500, and the reason in the log alone" => fail,
    "no timer handler: `no-handler`; no worker: `unknown`" => not_exported,
}

async fn answer(stage: &Stage, query: &str) -> anyhow::Result<Answer> {
    let mut headers = handshake();
    headers.push(("sec-websocket-protocol", "chat, superchat"));
    request(stage.host.address(), &format!("{}?{query}", stage.gate()), &headers).await
}

async fn accept(stage: Stage) -> anyhow::Result<()> {
    let headers = [("sec-websocket-protocol", "chat, superchat"), ("x-user", "ada")];
    let path = format!("{}/deep%20er?color=blue&x", stage.gate());
    let mut client = stage.host.connect_with(&path, &headers).await?;
    same(&client.subprotocol(), &Some("superchat"))?;
    client.send_text("what am I?").await?;
    let told = client.json().await?;
    same(&told["subprotocol"], &json!("superchat"))?;
    let seen = format!("{}/deep%20er color=blue&x ada {}", stage.gate(), client.address()?);
    same(&told["attachment"], &json!(seen))?;
    let mut client = stage.host.connect(&stage.gate()).await?;
    same(&client.subprotocol(), &None)?;
    client.send_text("what am I?").await?;
    same(&client.json().await?["subprotocol"], &Value::Null)
}

async fn refuse(stage: Stage) -> anyhow::Result<()> {
    let answer = answer(&stage, "refuse").await?;
    same(&(answer.status, answer.body.as_str()), &(403, "closed on Mondays"))?;
    same(&answer.header("x-reason"), &Some("not today"))?;
    same(&answer.header("content-length"), &Some("17"))
}

async fn wrong(stage: Stage) -> anyhow::Result<()> {
    for query in ["redirect", "uninvited"] {
        let answer = answer(&stage, query).await?;
        same(&(query, answer.status, answer.body.as_str()), &(query, 500, ""))?;
    }
    Ok(())
}

async fn fail(stage: Stage) -> anyhow::Result<()> {
    let answer = answer(&stage, "trap").await?;
    same(&(answer.status, answer.body.as_str()), &(500, ""))?;
    logged(&stage.gate()[1..], "event=connect").await.map(drop)
}

async fn not_exported(stage: Stage) -> anyhow::Result<()> {
    let mut client = stage.host.connect(&stage.gate()).await?;
    client.send_text("start").await?;
    let told = client.json().await?;
    // Rust says the case in its own spelling.
    let said = |what: &str| told[what].as_str().unwrap_or_default().replace('-', "").to_lowercase();
    ensure!(said("timer") == "nohandler" && said("worker") == "unknown", "{told}");
    Ok(())
}
