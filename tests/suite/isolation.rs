//! How long an instance lives, seen from a guest that counts in its own memory.

use crate::harness::{COUNTER, Client, Host, Setup};

async fn counting(name: &str, isolation: &str) -> anyhow::Result<Host> {
    Setup::new().guest(COUNTER, name, &format!("isolation = {isolation:?}"))?.start().await
}

/// What the counter of the instance says that a message meets.
async fn count(client: &mut Client) -> anyhow::Result<u32> {
    client.send_text("").await?;
    Ok(client.text().await?.parse()?)
}

#[tokio::test]
async fn every_event_meets_a_fresh_instance() -> anyhow::Result<()> {
    let host = counting("by-event", "event").await?;
    let mut one = host.connect("/by-event").await?;
    let mut other = host.connect("/by-event").await?;

    for _ in 0..5 {
        assert_eq!(count(&mut one).await?, 1);
        assert_eq!(count(&mut other).await?, 1);
    }
    Ok(())
}

#[tokio::test]
async fn isolation_is_by_event_unless_the_manifest_says_otherwise() -> anyhow::Result<()> {
    let host = Setup::new().guest(COUNTER, "by-default", "")?.start().await?;
    let mut client = host.connect("/by-default").await?;

    assert_eq!(count(&mut client).await?, 1);
    assert_eq!(count(&mut client).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_connection_has_an_instance_of_its_own_for_life() -> anyhow::Result<()> {
    let host = counting("by-connection", "connection").await?;
    let mut one = host.connect("/by-connection").await?;
    for expected in 1..=3 {
        assert_eq!(count(&mut one).await?, expected);
    }

    let mut other = host.connect("/by-connection").await?;
    assert_eq!(count(&mut other).await?, 1);
    assert_eq!(count(&mut one).await?, 4);
    assert_eq!(count(&mut other).await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_pooled_instance_serves_one_connection_after_the_other() -> anyhow::Result<()> {
    let host = counting("pooled", "pooled").await?;
    let mut one = host.connect("/pooled").await?;
    for _ in 0..10 {
        count(&mut one).await?;
    }

    let mut other = host.connect("/pooled").await?;
    assert!(count(&mut other).await? > 1, "the other connection met a fresh instance");
    Ok(())
}

#[tokio::test]
async fn a_pooled_instance_that_trapped_is_not_used_again() -> anyhow::Result<()> {
    let host = counting("pooled-trap", "pooled").await?;
    let mut one = host.connect("/pooled-trap").await?;
    for _ in 0..10 {
        count(&mut one).await?;
    }

    one.send_text("trap").await?;
    assert_eq!(one.closed().await?.0, 1011);
    host.until("the end of the connection", |hub| hub.connection_count() == 0).await?;

    let mut other = host.connect("/pooled-trap").await?;
    assert_eq!(count(&mut other).await?, 1);
    Ok(())
}
