//! While a connection is held its messages wait, in order and within bounds, and everything else of it goes on.

use std::pin::pin;
use std::time::Duration;

use holdline::gate::Reason;
use serde_json::{Value, json};

use crate::harness::{Client, Host, PUPPET, Setup, case, logged, value};

async fn two(name: &str) -> anyhow::Result<(Host, Client, Client)> {
    let host = Setup::new().guest(PUPPET, name, "")?.start().await?;
    let held = host.connect(&format!("/{name}")).await?;
    let hand = host.connect(&format!("/{name}")).await?;
    Ok((host, held, hand))
}

fn say(text: &str) -> Value {
    json!({"do": "send", "text": text})
}

#[tokio::test]
async fn messages_wait_in_order_and_are_handled_after_the_delivery() -> anyhow::Result<()> {
    let (_host, mut held, mut hand) = two("waits").await?;
    let handle = held.hold().await?;
    for number in 0..50 {
        held.tell(say(&number.to_string())).await?;
    }
    held.send_binary(b"the last").await?;
    hand.get(json!({"do": "push", "handle": handle, "text": "still held"})).await?;
    assert_eq!(held.text().await?, "still held", "none of the messages was handled");

    hand.get(json!({"do": "deliver", "handle": handle, "text": "delivered"})).await?;

    assert_eq!(held.text().await?, "delivered");
    for number in 0..50 {
        assert_eq!(held.text().await?, number.to_string());
        held.report().await?;
    }
    assert_eq!(held.next().await?.into_data(), "the last");
    Ok(())
}

#[tokio::test]
async fn a_full_inbox_pushes_back_and_loses_nothing() -> anyhow::Result<()> {
    const MESSAGES: usize = 1000;
    let setup = Setup::new().configured(|config| config.hub.inbox_messages = 4);
    let host = setup.guest(PUPPET, "pushes-back", "")?.start().await?;
    let mut held = host.connect("/pushes-back").await?;
    let mut hand = host.connect("/pushes-back").await?;
    let handle = held.hold().await?;

    let mut sending = pin!(async {
        for number in 0..MESSAGES {
            // 64 MB in all: more than any buffer between the two.
            let padding = " ".repeat(64 << 10);
            held.send_text(format!("[{}]{padding}", say(&number.to_string()))).await?;
        }
        anyhow::Ok(held)
    });
    // Unhindered they would be through in a fraction of this.
    let sent = tokio::time::timeout(Duration::from_secs(1), sending.as_mut()).await;
    assert!(sent.is_err(), "the host took all of them while nobody handled any");
    hand.get(json!({"do": "release", "handle": handle})).await?;

    let mut held = sending.await?;
    for number in 0..MESSAGES {
        assert_eq!(held.text().await?, number.to_string());
        held.report().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_can_be_held_from_its_open_event() -> anyhow::Result<()> {
    let host = Setup::new().guest(PUPPET, "held-open", "")?.start().await?;
    let mut hand = host.connect("/held-open").await?;
    let mut held = host.connect_with("/held-open", &[("x-open", r#"[{"do": "retain"}]"#)]).await?;
    let report = held.report().await?;
    let handle = report.first().map(value).transpose()?;
    held.tell(say("handled later")).await?;

    hand.get(json!({"do": "deliver", "handle": handle, "text": "welcome"})).await?;

    assert_eq!(held.text().await?, "welcome");
    assert_eq!(held.text().await?, "handled later");
    Ok(())
}

#[tokio::test]
async fn a_request_that_has_retained_can_be_read_but_not_answered() -> anyhow::Result<()> {
    let (_host, mut held, _hand) = two("retained").await?;
    held.tell(json!([{"do": "retain"}, say("x"), {"do": "send-json", "value": 1}, {"do": "close"}, {"do": "describe"},
        {"do": "attach", "text": "mine"}, {"do": "attachment"}, {"do": "retain"}]))
        .await?;

    let report = held.report().await?;

    let [_, send, send_json, close, describe, _, attachment, retain] = report.as_slice() else {
        anyhow::bail!("{report:?}")
    };
    assert_eq!([case(send), case(send_json), case(close)], ["Retained"; 3]);
    assert_eq!(value(describe)?.get("path"), Some(&json!("/retained")));
    assert_eq!(value(attachment)?, "mine");
    assert_eq!(case(retain), "AlreadyRetained");
    Ok(())
}

#[tokio::test]
async fn an_event_retains_once_even_if_the_handle_was_used_since() -> anyhow::Result<()> {
    let (host, mut held, _hand) = two("once-an-event").await?;
    held.tell(
        json!([{"do": "retain"}, {"do": "release"}, {"do": "retain"}, say("x"), {"do": "print", "text": "played"}]),
    )
    .await?;

    let report = logged("once-an-event", "untold").await?;

    assert!(report.contains(r#"{"error":"AlreadyRetained"},{"error":"Retained"}"#), "{report}");
    host.holds(0).await?;
    held.hold().await?;
    Ok(())
}

#[tokio::test]
async fn any_number_of_messages_can_be_sent_before_retaining() -> anyhow::Result<()> {
    let (_host, mut held, mut hand) = two("sends-first").await?;
    held.tell(json!([say("one"), say("two"), {"do": "send-json", "value": [3]}, {"do": "retain"}])).await?;
    for expected in ["one", "two", "[3]"] {
        assert_eq!(held.text().await?, expected);
    }
    let report = held.report().await?;
    let handle = report.last().map(value).transpose()?;

    hand.get(json!({"do": "deliver", "handle": handle, "text": "four"})).await?;

    assert_eq!(held.text().await?, "four");
    Ok(())
}

#[tokio::test]
async fn a_close_event_cannot_retain_or_send() -> anyhow::Result<()> {
    let host = Setup::new().guest(PUPPET, "closing", "")?.start().await?;
    let commands = r#"[{"do": "retain"}, {"do": "send", "text": "x"}, {"do": "close"}]"#;
    let client = host.connect_with("/closing", &[("x-close", commands)]).await?;

    client.close(1000, "").await?;

    let report = logged("closing", "untold").await?;
    assert!(report.contains(r#"[{"error":"Closing"},{"error":"Closed"},{"error":"Closed"}]"#), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_closed_connection_cannot_be_retained_in_the_same_event() -> anyhow::Result<()> {
    let (_host, mut client, _hand) = two("closed-then-retained").await?;

    let close = json!({"do": "close", "code": 3999, "reason": "enough"});
    client.tell(json!([close, {"do": "retain"}, say("x")])).await?;

    assert_eq!(client.closed().await?, (3999, "enough".to_owned()));
    let report = logged("closed-then-retained", "untold").await?;
    assert!(report.contains(r#"[{"ok":null},{"error":"Closing"},{"error":"Closed"}]"#), "{report}");
    Ok(())
}

#[tokio::test]
async fn no_more_connections_are_held_than_the_host_allows() -> anyhow::Result<()> {
    let setup = Setup::new().configured(|config| config.hub.held_connections = 1);
    let host = setup.guest(PUPPET, "quota", "")?.start().await?;
    let mut first = host.connect("/quota").await?;
    let mut second = host.connect("/quota").await?;
    let handle = first.hold().await?;

    assert_eq!(case(&second.ask(json!({"do": "retain"})).await?), "QuotaExceeded");
    second.get(json!({"do": "release", "handle": handle})).await?;

    second.hold().await?;
    Ok(())
}

#[tokio::test]
async fn a_client_that_does_not_read_overloads_its_outbox_and_nobody_elses() -> anyhow::Result<()> {
    let setup = Setup::new().configured(|config| config.listen.slow_consumer = Duration::from_secs(600));
    let host = setup.guest(PUPPET, "overloaded", "")?.start().await?;
    let mut slow = host.connect("/overloaded").await?;
    let mut hand = host.connect("/overloaded").await?;
    let handle = slow.hold().await?;
    let part = json!({"do": "push-bytes", "handle": handle, "count": 1 << 20});

    let mut taken = 0;
    let refused = loop {
        let outcome = hand.ask(part.clone()).await?;
        if value(&outcome).is_err() {
            break outcome;
        }
        taken += 1;
        assert!(taken < 100, "the outbox has no bound");
    };
    assert_eq!(case(&refused), "Overloaded");
    for _ in 0..taken {
        assert_eq!(slow.next().await?.len(), 1 << 20);
    }

    hand.get(json!({"do": "deliver", "handle": handle, "text": "the handle was good all the time"})).await?;
    assert_eq!(slow.text().await?, "the handle was good all the time");
    Ok(())
}

#[tokio::test]
async fn a_client_that_takes_nothing_for_too_long_is_closed_with_1013() -> anyhow::Result<()> {
    let setup = Setup::new().configured(|config| config.listen.slow_consumer = Duration::from_millis(300));
    let host = setup.guest(PUPPET, "slow", "")?.start().await?;
    let mut slow = host.connect("/slow").await?;
    let mut hand = host.connect("/slow").await?;
    let handle = slow.hold().await?;
    while value(&hand.ask(json!({"do": "push-bytes", "handle": handle, "count": 1 << 20})).await?).is_ok() {}

    host.until("the end of its patience", |_| host.refused(Reason::SlowConsumer) == 1).await?;
    let refused = hand.ask(json!({"do": "deliver", "handle": handle, "text": "x"})).await?;
    assert_eq!(case(&refused), "Closed");
    // What was on its way when the host gave up still arrives, and the Close after it.
    assert_eq!(slow.closed_at_last().await?.0, 1013);
    Ok(())
}
