//! Another version of a plugin takes over while its connections stay open.

use holdline::ids::TenantId;
use serde_json::json;

use crate::harness::{COUNTER, Client, Host, PUPPET, Setup, lines, logged, sample};

async fn count(client: &mut Client) -> anyhow::Result<String> {
    client.send_text("").await?;
    client.text().await
}

#[tokio::test]
async fn a_connection_meets_the_new_version_at_its_next_event() -> anyhow::Result<()> {
    for isolation in ["pooled", "connection"] {
        let (name, manifest) = (format!("swapped-{isolation}"), format!("isolation = {isolation:?}"));
        let host = Setup::new().guest(COUNTER, &name, &manifest)?.start().await?;
        let mut client = host.connect(&format!("/{name}")).await?;
        assert_eq!((count(&mut client).await?, count(&mut client).await?), ("1".to_owned(), "2".to_owned()));

        host.swap(&name, &manifest, COUNTER.component()?).await?;

        assert_eq!(count(&mut client).await?, "1", "{isolation}");
        client.close(1000, "").await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_serve_leaves_the_version_before() -> anyhow::Result<()> {
    let host = Setup::new().guest(COUNTER, "kept", "isolation = \"pooled\"")?.start().await?;
    let mut client = host.connect("/kept").await?;
    assert_eq!(count(&mut client).await?, "1");

    let refused = host.swap("kept", "", b"\0asm no component".to_vec()).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("plugin `kept` cannot be loaded")));
    let greedy = host.swap("kept", "limits = { memory = \"64KiB\" }", COUNTER.component()?).await;
    assert!(greedy.is_err_and(|error| error.to_string().contains("plugin `kept` does not start")));

    assert_eq!(count(&mut client).await?, "2");
    Ok(())
}

/// The mirror's worker has it in hand and answers later.
#[tokio::test]
async fn what_a_worker_has_in_hand_is_answered_by_the_version_that_took_it() -> anyhow::Result<()> {
    let manifest = "[[worker]]\nname = \"background\"\nargument = \"500\"";
    let host: Host = Setup::new()
        .sample("mirror", |manifest| {
            for worker in &mut manifest.workers {
                worker.argument = "500".to_owned();
            }
        })?
        .start()
        .await?;
    let mut client = host.connect("/mirror").await?;
    client.text().await?;
    client.send_text("before").await?;
    host.holds(1).await?;
    host.until("the worker to take it", |hub| {
        hub.channels().lookup(TenantId::default(), "background").is_ok_and(|channel| channel.is_empty())
    })
    .await?;

    host.swap("mirror", manifest, sample("mirror")?.1).await?;

    assert_eq!(client.json().await?, json!({"mirrored": "erofeb", "msg": "before"}));
    client.send_text("after").await?;
    assert_eq!(client.json().await?, json!({"mirrored": "retfa", "msg": "after"}));
    Ok(())
}

#[tokio::test]
async fn workers_that_wait_end_and_those_of_the_new_version_take_over() -> anyhow::Result<()> {
    let commands = |who: &str| {
        let open = json!({"do": "open", "channel": "work", "capacity": 9});
        let told = json!({"do": "offer", "channel": "told", "item": who});
        json!([{"do": "open", "channel": "told", "capacity": 9}, open, {"do": "receive", "channel": "work"}, told])
    };
    let manifest = |who: &str| format!("[[worker]]\nname = {who:?}\nargument = '{}'", commands(who));
    let host = Setup::new().guest(PUPPET, "handing-over", &manifest("old"))?.start().await?;
    let mut client = host.connect("/handing-over").await?;
    host.until("the channel of the worker", |hub| hub.channels().lookup(TenantId::default(), "work").is_ok()).await?;

    host.swap("handing-over", &manifest("new"), PUPPET.component()?).await?;
    let old_is_gone = json!([
        {"do": "open", "channel": "told", "capacity": 9},
        {"do": "open", "channel": "work", "capacity": 9},
        {"do": "offer", "channel": "work", "item": 1},
        {"do": "receive", "channel": "told", "timeout-ms": 20_000},
    ]);
    client.tell(old_is_gone).await?;
    let report = client.report().await?;

    assert_eq!(report.last(), Some(&json!({"ok": "new"})));
    logged("handing-over", "worker new: [").await?;
    assert!(!lines("handing-over").iter().any(|line| line.contains("trapped")), "ending is no failure");
    Ok(())
}

#[tokio::test]
async fn handles_timers_and_attachments_survive() -> anyhow::Result<()> {
    let host = Setup::new().guest(PUPPET, "surviving", "")?.start().await?;
    let mut held = host.connect("/surviving").await?;
    held.get(json!({"do": "attach", "text": "mine"})).await?;
    let handle = held.hold().await?;
    let mut client = host.connect("/surviving").await?;
    client.get(json!({"do": "open", "channel": "rings", "capacity": 9})).await?;
    let ring = json!([{"do": "offer", "channel": "rings", "item": "ding"}]);
    client.get(json!({"do": "timer", "when": {"after-ms": 300}, "payload": ring})).await?;

    host.swap("surviving", "", PUPPET.component()?).await?;

    client.get(json!({"do": "deliver", "handle": handle, "text": "still held"})).await?;
    assert_eq!(held.text().await?, "still held");
    assert_eq!(held.get(json!({"do": "attachment"})).await?, "mine");
    let rung = client.get(json!({"do": "receive", "channel": "rings", "timeout-ms": 20_000})).await?;
    assert_eq!(rung, "ding");
    Ok(())
}
