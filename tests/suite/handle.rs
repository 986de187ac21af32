//! A handle is a number that names one retention: exactly one terminal operation on it ever succeeds.

use serde_json::{Value, json};

use crate::harness::{Client, Host, PUPPET, Setup, case, value};

/// A host, the client whose connection is held, and another one, from whose events the handle is used.
async fn two(name: &str) -> anyhow::Result<(Host, Client, Client)> {
    let host = Setup::new().guest(PUPPET, name, "")?.start().await?;
    let held = host.connect(&format!("/{name}")).await?;
    let hand = host.connect(&format!("/{name}")).await?;
    Ok((host, held, hand))
}

/// All that can be done with a handle, and nothing of it with a bad one.
fn operations(handle: u64) -> Vec<Value> {
    vec![
        json!({"do": "deliver", "handle": handle, "text": "x"}),
        json!({"do": "deliver-json", "handle": handle, "value": 1}),
        json!({"do": "deliver-confirmed", "handle": handle, "text": "x"}),
        json!({"do": "push", "handle": handle, "text": "x"}),
        json!({"do": "extend", "handle": handle, "deadline-ms": 1}),
        json!({"do": "release", "handle": handle}),
        json!({"do": "close-held", "handle": handle}),
        json!({"do": "send-after", "handle": handle, "text": "x", "delay-ms": 0}),
        json!({"do": "send-at", "handle": handle, "text": "x", "unix-ms": 0}),
    ]
}

/// The handle is good for nothing.
async fn is_refused(hand: &mut Client, handle: u64, error: &str) -> anyhow::Result<()> {
    hand.tell(Value::from(operations(handle))).await?;
    for (outcome, operation) in hand.report().await?.iter().zip(operations(handle)) {
        assert_eq!(case(outcome), error, "{operation}");
    }
    Ok(())
}

/// The held connection goes on: nothing came that was not to come.
async fn goes_on(client: &mut Client) -> anyhow::Result<()> {
    client.get(json!({"do": "attachment"})).await?;
    Ok(())
}

#[tokio::test]
async fn a_handle_is_a_number_that_survives_json_and_is_never_given_twice() -> anyhow::Result<()> {
    let (_host, mut held, mut hand) = two("numbers").await?;
    let mut given = std::collections::HashSet::new();
    for _ in 0..100 {
        let handle = held.hold().await?;
        assert!((1..1 << 53).contains(&handle), "{handle}");
        assert!(given.insert(handle), "{handle} was given out twice");
        hand.get(json!({"do": "release", "handle": handle})).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_object_is_sent_as_json() -> anyhow::Result<()> {
    let (_host, mut held, mut hand) = two("as-json").await?;
    let handle = held.hold().await?;

    hand.get(json!({"do": "deliver-json", "handle": handle, "value": {"foo": "bar"}})).await?;

    assert_eq!(held.text().await?, r#"{"foo":"bar"}"#);
    goes_on(&mut held).await
}

#[tokio::test]
async fn a_used_handle_cannot_be_used_again() -> anyhow::Result<()> {
    let (host, mut held, mut hand) = two("used").await?;
    let ends = |handle: u64| {
        [
            json!({"do": "deliver", "handle": handle, "text": "once"}),
            json!({"do": "deliver-confirmed", "handle": handle, "text": "once"}),
            json!({"do": "send-at", "handle": handle, "text": "once", "unix-ms": 1}),
            json!({"do": "release", "handle": handle}),
        ]
    };
    for turn in 0..4 {
        let handle = held.hold().await?;
        let end = ends(handle).into_iter().nth(turn);
        hand.get(end.unwrap_or_default()).await?;
        if turn < 3 {
            assert_eq!(held.text().await?, "once");
        }
        is_refused(&mut hand, handle, "InvalidHandle").await?;
        goes_on(&mut held).await?;
    }
    assert_eq!(host.hub().held_count(), 0);
    Ok(())
}

#[tokio::test]
async fn a_number_that_was_never_given_out_is_the_same_error() -> anyhow::Result<()> {
    let (_host, mut held, mut hand) = two("never-given").await?;
    let handle = held.hold().await?;

    for number in [0, 1, handle ^ 1, (1 << 53) - 1, u64::MAX] {
        is_refused(&mut hand, number, "InvalidHandle").await?;
    }

    hand.get(json!({"do": "release", "handle": handle})).await?;
    goes_on(&mut held).await
}

#[tokio::test]
async fn a_handle_of_a_later_retention_is_another_one() -> anyhow::Result<()> {
    let (_host, mut held, mut hand) = two("stale").await?;
    let first = held.hold().await?;
    hand.get(json!({"do": "release", "handle": first})).await?;
    let second = held.hold().await?;

    is_refused(&mut hand, first, "InvalidHandle").await?;

    hand.get(json!({"do": "deliver", "handle": second, "text": "the second"})).await?;
    assert_eq!(held.text().await?, "the second");
    Ok(())
}

#[tokio::test]
async fn of_all_who_race_exactly_one_sends() -> anyhow::Result<()> {
    let (host, mut held, _) = two("races").await?;
    let mut hands = Vec::new();
    for _ in 0..8 {
        hands.push(host.connect("/races").await?);
    }
    for _ in 0..20 {
        let handle = held.hold().await?;
        for hand in &mut hands {
            hand.tell(json!({"do": "deliver", "handle": handle, "text": "mine"})).await?;
        }
        let mut sent = 0;
        for hand in &mut hands {
            let report = hand.report().await?;
            sent += report.iter().filter(|outcome| value(outcome).is_ok()).count();
        }
        assert_eq!(sent, 1);
        assert_eq!(held.text().await?, "mine");
        goes_on(&mut held).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_handle_can_be_used_in_the_very_event_that_retained() -> anyhow::Result<()> {
    let (host, mut held, _) = two("at-once").await?;

    held.tell(json!([{"do": "retain"}, {"do": "push", "text": "first"}, {"do": "deliver", "text": "last"}])).await?;

    assert_eq!(held.text().await?, "first");
    assert_eq!(held.text().await?, "last");
    host.holds(0).await?;
    goes_on(&mut held).await
}

#[tokio::test]
async fn a_push_sends_and_goes_on_holding() -> anyhow::Result<()> {
    let (host, mut held, mut hand) = two("streams").await?;
    let handle = held.hold().await?;
    held.tell(json!({"do": "send", "text": "after the stream"})).await?;

    for number in 0..3 {
        hand.get(json!({"do": "push", "handle": handle, "text": format!("part {number}")})).await?;
        assert_eq!(held.text().await?, format!("part {number}"));
        assert_eq!(host.hub().held_count(), 1);
    }
    hand.get(json!({"do": "deliver", "handle": handle, "text": "end"})).await?;

    assert_eq!(held.text().await?, "end");
    assert_eq!(held.text().await?, "after the stream");
    Ok(())
}

#[tokio::test]
async fn a_handle_closes_with_1000_or_what_it_is_told() -> anyhow::Result<()> {
    let (host, mut held, mut hand) = two("closes").await?;
    let handle = held.hold().await?;
    hand.get(json!({"do": "close-held", "handle": handle})).await?;
    assert_eq!(held.closed().await?, (1000, String::new()));

    let mut held = host.connect("/closes").await?;
    let handle = held.hold().await?;
    held.tell(json!({"do": "send", "text": "discarded"})).await?;
    let close = |code: u16, reason: &str| json!({"do": "close-held", "handle": handle, "code": code, "reason": reason});
    for code in [0, 999, 1005, 1006, 1015, 2999, 5000] {
        assert_eq!(case(&hand.ask(close(code, "")).await?), "InvalidCloseCode", "{code}");
    }
    assert_eq!(case(&hand.ask(close(4000, &"x".repeat(124))).await?), "TooLarge");
    assert_eq!(value(&hand.ask(close(4000, &"x".repeat(123))).await?)?, Value::Null);

    assert_eq!(held.closed().await?, (4000, "x".repeat(123)));
    Ok(())
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_and_the_handle_stays_good() -> anyhow::Result<()> {
    let limit = "1000B".parse().map_err(anyhow::Error::msg)?;
    let setup = Setup::new().configured(|config| config.hub.message_size = limit);
    let host = setup.guest(PUPPET, "too-large", "")?.start().await?;
    let mut held = host.connect("/too-large").await?;
    let mut hand = host.connect("/too-large").await?;
    let handle = held.hold().await?;

    let refused = hand.ask(json!({"do": "push-bytes", "handle": handle, "count": 1001})).await?;
    assert_eq!(case(&refused), "TooLarge");
    let refused = hand.ask(json!({"do": "send-bytes", "count": 1001})).await?;
    assert_eq!(case(&refused), "TooLarge");
    hand.get(json!({"do": "push-bytes", "handle": handle, "count": 1000})).await?;

    assert_eq!(held.next().await?.len(), 1000);
    Ok(())
}
