//! No retention is for ever: at its deadline the policy applies, and it is logged and counted.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Client, Host, PUPPET, Setup, case, logged, value};

async fn two(name: &str, manifest: &str) -> anyhow::Result<(Host, Client, Client)> {
    let host = Setup::new().guest(PUPPET, name, manifest)?.start().await?;
    let held = host.connect(&format!("/{name}")).await?;
    let hand = host.connect(&format!("/{name}")).await?;
    Ok((host, held, hand))
}

fn retain(deadline_ms: u64, expiry: Value) -> Value {
    json!({"do": "retain", "deadline-ms": deadline_ms, "expiry": expiry})
}

async fn is_invalid(hand: &mut Client, handle: u64) -> anyhow::Result<()> {
    let refused = hand.ask(json!({"do": "deliver", "handle": handle, "text": "too late"})).await?;
    assert_eq!(case(&refused), "InvalidHandle");
    Ok(())
}

#[tokio::test]
async fn at_the_deadline_the_connection_goes_on_with_what_waited() -> anyhow::Result<()> {
    let (host, mut held, mut hand) = two("resumes", "").await?;
    let held_since = Instant::now();
    let handle = held.hold_with(json!({"do": "retain", "deadline-ms": 500})).await?;
    held.tell(json!({"do": "send", "text": "waited"})).await?;

    assert_eq!(held.text().await?, "waited");

    assert!(held_since.elapsed() >= Duration::from_millis(500), "after {:?}", held_since.elapsed());
    is_invalid(&mut hand, handle).await?;
    assert_eq!((host.hub().held_count(), host.hub().expired_count()), (0, 1));
    Ok(())
}

#[tokio::test]
async fn an_expiry_is_logged_with_its_plugin_and_age() -> anyhow::Result<()> {
    let (_host, mut held, _hand) = two("expires", "").await?;

    held.hold_with(retain(300, json!("resume"))).await?;

    let line = logged("expires", "retention expired").await?;
    assert!(line.starts_with("WARN") && line.contains("age="), "{line}");
    Ok(())
}

#[tokio::test]
async fn at_the_deadline_the_connection_can_be_closed() -> anyhow::Result<()> {
    let (host, mut held, mut hand) = two("expires-closed", "").await?;
    let handle = held.hold_with(retain(200, json!({"close": {"code": 4008, "reason": "nobody came"}}))).await?;
    held.tell(json!({"do": "send", "text": "discarded"})).await?;

    assert_eq!(held.closed().await?, (4008, "nobody came".to_owned()));

    is_invalid(&mut hand, handle).await?;
    assert_eq!(host.hub().expired_count(), 1);
    Ok(())
}

#[tokio::test]
async fn at_the_deadline_a_message_can_be_sent() -> anyhow::Result<()> {
    let (_host, mut held, mut hand) = two("expires-sent", "").await?;
    let handle = held.hold_with(retain(200, json!({"send": {"text": "sorry, nobody came"}}))).await?;
    held.tell(json!({"do": "send", "text": "waited"})).await?;

    assert_eq!(held.text().await?, "sorry, nobody came");
    assert_eq!(held.text().await?, "waited");
    is_invalid(&mut hand, handle).await
}

#[tokio::test]
async fn what_cannot_be_done_at_the_deadline_is_refused_at_once() -> anyhow::Result<()> {
    let (_host, mut client, _hand) = two("bad-expiry", "").await?;
    for (expiry, error) in [
        (json!({"close": {"code": 1005, "reason": ""}}), "InvalidCloseCode"),
        (json!({"close": {"code": 1000, "reason": "x".repeat(124)}}), "TooLarge"),
    ] {
        assert_eq!(case(&client.ask(retain(1000, expiry)).await?), error);
    }
    client.hold_with(retain(1000, json!("resume"))).await?;
    Ok(())
}

#[tokio::test]
async fn the_manifest_says_how_long_if_the_handler_does_not() -> anyhow::Result<()> {
    let (host, mut held, mut hand) = two("by-manifest", "[retain]\ndeadline = \"300ms\"").await?;
    let handle = held.hold().await?;

    host.holds(0).await?;

    is_invalid(&mut hand, handle).await?;
    assert_eq!(host.hub().expired_count(), 1);
    Ok(())
}

#[tokio::test]
async fn a_deadline_above_the_maximum_is_lowered_to_it() -> anyhow::Result<()> {
    let setup = Setup::new().configured(|config| config.hub.retain_maximum = Duration::from_millis(500));
    let host = setup.guest(PUPPET, "lowered", "")?.start().await?;
    let mut held = host.connect("/lowered").await?;
    let mut hand = host.connect("/lowered").await?;

    held.hold_with(json!({"do": "retain", "deadline-ms": 3_600_000})).await?;
    host.until("the first expiry", |hub| hub.expired_count() == 1).await?;
    let handle = held.hold().await?;
    hand.get(json!({"do": "extend", "handle": handle, "deadline-ms": 3_600_000})).await?;
    host.until("the second expiry", |hub| hub.expired_count() == 2).await
}

#[tokio::test]
async fn an_extended_deadline_counts_from_then_on() -> anyhow::Result<()> {
    let (host, mut held, mut hand) = two("extends", "").await?;
    let handle = held.hold_with(json!({"do": "retain", "deadline-ms": 600_000})).await?;

    hand.get(json!({"do": "extend", "handle": handle, "deadline-ms": 200})).await?;
    host.until("the expiry", |hub| hub.expired_count() == 1).await?;

    let handle = held.hold_with(json!({"do": "retain", "deadline-ms": 1500})).await?;
    hand.get(json!({"do": "extend", "handle": handle, "deadline-ms": 600_000})).await?;
    // Longer than the first deadline.
    hand.get(json!({"do": "sleep", "ms": 2000})).await?;
    hand.get(json!({"do": "deliver", "handle": handle, "text": "in time"})).await?;
    assert_eq!(held.text().await?, "in time");
    assert_eq!(host.hub().expired_count(), 1);
    Ok(())
}

#[tokio::test]
async fn a_deadline_of_nothing_expires_as_soon_as_the_event_returns() -> anyhow::Result<()> {
    let (host, mut held, _hand) = two("at-once-over", "").await?;

    held.hold_with(json!({"do": "retain", "deadline-ms": 0})).await?;

    host.until("the expiry", |hub| hub.expired_count() == 1).await?;
    held.get(json!({"do": "attachment"})).await?;
    Ok(())
}

#[tokio::test]
async fn a_delivery_by_timer_comes_in_its_time_and_not_twice() -> anyhow::Result<()> {
    let (host, mut held, mut hand) = two("by-timer", "").await?;
    // The deadline does not count while the timer has the handle.
    let handle = held.hold_with(json!({"do": "retain", "deadline-ms": 400})).await?;
    let asked = Instant::now();
    hand.get(json!({"do": "send-after", "handle": handle, "text": "later", "delay-ms": 1000})).await?;
    is_invalid(&mut hand, handle).await?;
    held.tell(json!({"do": "send", "text": "waited"})).await?;

    assert_eq!(held.text().await?, "later");

    assert!(asked.elapsed() >= Duration::from_millis(1000), "after {:?}", asked.elapsed());
    assert_eq!(held.text().await?, "waited");
    assert_eq!((host.hub().held_count(), host.hub().expired_count()), (0, 0));
    Ok(())
}

#[tokio::test]
async fn a_cancelled_delivery_gives_the_handle_back_with_the_rest_of_its_deadline() -> anyhow::Result<()> {
    let (host, mut held, mut hand) = two("cancels", "").await?;
    let handle = held.hold_with(json!({"do": "retain", "deadline-ms": 1500})).await?;
    let delivery =
        hand.get(json!({"do": "send-after", "handle": handle, "text": "never", "delay-ms": 600_000})).await?;
    // More than the deadline, which stands still meanwhile.
    hand.get(json!({"do": "sleep", "ms": 2000})).await?;

    let back = hand.get(json!({"do": "cancel", "delivery": delivery})).await?;

    assert_eq!(back, handle);
    assert_eq!(case(&hand.ask(json!({"do": "cancel", "delivery": delivery})).await?), "UnknownTimer");
    assert_eq!(host.hub().held_count(), 1);
    host.until("the expiry of what was given back", |hub| hub.expired_count() == 1).await?;
    held.get(json!({"do": "attachment"})).await?;
    Ok(())
}

#[tokio::test]
async fn a_delivery_that_was_made_or_never_set_cannot_be_cancelled() -> anyhow::Result<()> {
    let (_host, mut held, mut hand) = two("cancels-late", "").await?;
    let handle = held.hold().await?;
    let delivery = hand.get(json!({"do": "send-after", "handle": handle, "text": "made", "delay-ms": 1})).await?;
    assert_eq!(held.text().await?, "made");

    for delivery in [delivery, json!(0), json!(u64::MAX)] {
        let refused = hand.ask(json!({"do": "cancel", "delivery": delivery})).await?;
        assert_eq!(case(&refused), "UnknownTimer", "{delivery}");
    }
    Ok(())
}

#[tokio::test]
async fn a_delay_beyond_the_longest_is_refused_and_the_handle_stays_good() -> anyhow::Result<()> {
    let (_host, mut held, mut hand) = two("too-long", "").await?;
    let handle = held.hold().await?;

    for delay in [401 * 24 * 3600 * 1000_u64, u64::MAX] {
        let after = json!({"do": "send-after", "handle": handle, "text": "x", "delay-ms": delay});
        assert_eq!(case(&hand.ask(after).await?), "InvalidDelay");
        let at = json!({"do": "send-at", "handle": handle, "text": "x", "unix-ms": u64::MAX / 2});
        assert_eq!(case(&hand.ask(at).await?), "InvalidDelay");
    }

    assert_eq!(value(&hand.ask(json!({"do": "release", "handle": handle})).await?)?, Value::Null);
    Ok(())
}
