//! Any backend can answer a held connection, and see and close the open ones, without being WebAssembly.

use anyhow::Context;
use serde_json::{Value, json};

use crate::harness::{Operator, PUPPET, Payload, Setup};

const OWN: &str = "/v1/tenants/default";

fn text(text: &'static str) -> Payload {
    Payload::of("text/plain", text)
}

async fn one(operator: &Operator, path: &str) -> anyhow::Result<Value> {
    let list = operator.get(path).await?.with(200)?;
    let items = list.get("items").and_then(Value::as_array).context("a list")?;
    assert_eq!(items.len(), 1, "{list}");
    items.first().cloned().context("an empty list")
}

#[tokio::test]
async fn a_held_connection_is_pushed_to_and_answered_from_outside() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-held")?.guest(PUPPET, "held-outside", "")?.start().await?;
    let owner = host.operator()?;
    let backend = owner.made("deliverer", Some("default")).await?;
    let mut client = host.connect("/held-outside").await?;
    let handle = client.hold().await?;

    let held = one(&owner, &format!("{OWN}/held")).await?;
    assert_eq!((&held["handle"], &held["plugin"]), (&json!(handle), &json!("held-outside")));
    assert!(held["deadline-ms"].as_u64() > Some(0) && held["delivery"].is_null(), "{held}");
    let connection = one(&owner, &format!("{OWN}/connections?plugin=held-outside")).await?;
    assert_eq!(
        (&connection["state"], &connection["handle"], &connection["path"]),
        (&json!("held"), &json!(handle), &json!("/held-outside"))
    );
    assert_eq!(connection["id"], held["connection"]);
    assert_eq!(connection["remote-address"], client.address()?.to_string());

    let path = |verb: &str| format!("{OWN}/held/{handle}/{verb}");
    backend.ask("POST", &path("push"), text("one")).await?.with(202)?;
    assert_eq!(client.text().await?, "one");
    backend.ask("POST", &path("push?confirm=true"), text("two")).await?.with(204)?;
    assert_eq!(client.text().await?, "two");
    let large = Payload::of("text/plain", vec![b'x'; (1 << 20) + 1]);
    assert_eq!(backend.ask("POST", &path("push"), large).await?.code(), "too-large");
    backend.ask("POST", &path("send?confirm=true"), Payload::json(&json!({ "answer": 42 }))).await?.with(204)?;
    assert_eq!(client.json().await?, json!({ "answer": 42 }));
    let used = backend.ask("POST", &path("send"), text("again")).await?;
    assert_eq!((used.status, used.code().as_str()), (404, "invalid-handle"));
    assert_eq!(backend.get(&format!("{OWN}/held")).await?.code(), "role");

    let handle = client.hold().await?;
    backend.ask("POST", &format!("{OWN}/held/{handle}/release"), Payload::none()).await?.with(204)?;
    let handle = client.hold().await?;
    let close = json!({ "code": 3001, "reason": "done" });
    backend.post(&format!("{OWN}/held/{handle}/close"), &close).await?.with(202)?;
    assert_eq!(client.closed().await?, (3001, "done".to_owned()));
    Ok(())
}

#[tokio::test]
async fn a_handle_whose_client_has_gone_is_gone() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-gone")?.guest(PUPPET, "gone-outside", "")?.start().await?;
    let owner = host.operator()?;
    let mut client = host.connect("/gone-outside").await?;
    let handle = client.hold().await?;
    client.close(1000, "bye").await?;
    host.until("the end of the connection", |hub| hub.connection_count() == 0).await?;

    let reply = owner.ask("POST", &format!("{OWN}/held/{handle}/send?confirm=true"), text("late")).await?;
    assert_eq!((reply.status, reply.code().as_str()), (410, "closed"));
    Ok(())
}

#[tokio::test]
async fn an_open_connection_is_sent_to_and_closed() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-open")?.guest(PUPPET, "open-outside", "")?.start().await?;
    let owner = host.operator()?;
    let mut client = host.connect("/open-outside").await?;
    client.get(json!({"do": "attach", "text": "mine"})).await?;
    let connection = one(&owner, &format!("{OWN}/connections")).await?;
    assert_eq!((&connection["state"], &connection["attachment-bytes"]), (&json!("idle"), &json!(4)), "{connection}");
    let plugin = owner.get(&format!("{OWN}/plugins/open-outside")).await?.with(200)?;
    assert_eq!(connection["version"], plugin["serving"]);
    assert_eq!(
        (&plugin["totals"]["connections"], &plugin["totals"]["messages-in"]),
        (&json!(1), &json!(1)),
        "{plugin}"
    );
    let path = format!("{OWN}/connections/{}", connection["id"].as_str().context("an id")?);

    owner.ask("POST", &format!("{path}/messages"), text("hello")).await?.with(202)?;
    assert_eq!(client.text().await?, "hello");
    let bytes = Payload::of("application/octet-stream", vec![0, 255]);
    owner.ask("POST", &format!("{path}/messages"), bytes).await?.with(202)?;
    assert_eq!(client.next().await?.into_data().as_ref(), [0, 255]);
    // A connection that is held gets it and stays held.
    let handle = client.hold().await?;
    owner.ask("POST", &format!("{path}/messages"), text("meanwhile")).await?.with(202)?;
    assert_eq!(client.text().await?, "meanwhile");
    assert_eq!(owner.get(&path).await?.with(200)?["handle"], handle);

    assert_eq!(owner.delete(&format!("{path}?code=1005")).await?.code(), "invalid-value");
    owner.delete(&format!("{path}?code=4000&reason=enough")).await?.with(202)?;
    assert_eq!(client.closed().await?, (4000, "enough".to_owned()));
    host.until("the end of the connection", |hub| hub.connection_count() == 0).await?;
    assert_eq!(owner.get(&path).await?.code(), "not-found");
    Ok(())
}

#[tokio::test]
async fn a_handle_and_an_id_of_another_tenant_are_nothing() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-others")?.guest(PUPPET, "others-outside", "")?.start().await?;
    let owner = host.operator()?;
    owner.post("/v1/tenants", &json!({ "name": "bank" })).await?.with(201)?;
    let bank = owner.made("owner", Some("bank")).await?;
    let mut client = host.connect("/others-outside").await?;
    let handle = client.hold().await?;
    let id = one(&owner, &format!("{OWN}/connections")).await?["id"].as_str().context("an id")?.to_owned();

    for (theirs, nobodys) in [
        (format!("held/{handle}/send"), "held/77/send".to_owned()),
        (format!("connections/{id}/messages"), format!("connections/{}/messages", "0".repeat(32))),
    ] {
        let reply = bank.ask("POST", &format!("/v1/tenants/bank/{theirs}"), text("x")).await?;
        assert_eq!(reply.status, 404, "{theirs}");
        assert_eq!(reply, bank.ask("POST", &format!("/v1/tenants/bank/{nobodys}"), text("x")).await?, "{theirs}");
    }
    owner.ask("POST", &format!("{OWN}/held/{handle}/send"), text("still valid")).await?.with(202)?;
    assert_eq!(client.text().await?, "still valid");
    Ok(())
}

#[tokio::test]
async fn connections_come_in_pages() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-pages")?.guest(PUPPET, "pages", "")?.start().await?;
    let owner = host.operator()?;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(host.connect("/pages").await?);
    }
    host.until("five connections", |hub| hub.connection_count() == 5).await?;

    let mut ids = Vec::new();
    let mut path = format!("{OWN}/connections?limit=2");
    loop {
        let page = owner.get(&path).await?.with(200)?;
        ids.extend(page["items"].as_array().context("a list")?.iter().map(|it| it["id"].to_string()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("{OWN}/connections?limit=2&after={next}");
    }
    assert_eq!(ids.len(), 5);
    assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
    Ok(())
}

#[tokio::test]
async fn channels_and_timers_are_seen_and_a_timer_is_cancelled() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-queues")?.guest(PUPPET, "queues-outside", "")?.start().await?;
    let owner = host.operator()?;
    let mut client = host.connect("/queues-outside").await?;
    client.get(json!({"do": "open", "channel": "work", "capacity": 3})).await?;
    client.get(json!({"do": "offer", "channel": "work", "item": "12345678"})).await?;
    let timer = client.get(json!({"do": "timer", "when": {"every-ms": 3_600_000}, "payload": []})).await?;

    let channel = one(&owner, &format!("{OWN}/channels")).await?;
    assert_eq!((&channel["name"], &channel["capacity"], &channel["items"]), (&json!("work"), &json!(3), &json!(1)));
    assert!(channel["bytes"].as_u64() >= Some(8) && channel["closed"] == false, "{channel}");
    let seen = one(&owner, &format!("{OWN}/timers?plugin=queues-outside")).await?;
    assert_eq!((&seen["id"], &seen["repeats"]), (&timer, &json!("every 3600s")), "{seen}");
    owner.delete(&format!("{OWN}/timers/{timer}")).await?.with(204)?;
    assert_eq!(owner.get(&format!("{OWN}/timers")).await?.with(200)?, json!({ "items": [] }));
    assert_eq!(owner.delete(&format!("{OWN}/timers/{timer}")).await?.code(), "not-found");
    Ok(())
}
