//! Named queues between guests: bounded, first come first served, and exact about what did not happen.

use serde_json::{Value, json};

use crate::harness::{Client, Host, PUPPET, Setup, case, value};

async fn two(name: &str) -> anyhow::Result<(Host, Client, Client)> {
    let host = Setup::new().guest(PUPPET, name, "")?.start().await?;
    let one = host.connect(&format!("/{name}")).await?;
    let other = host.connect(&format!("/{name}")).await?;
    Ok((host, one, other))
}

fn open(capacity: u32) -> Value {
    json!({"do": "open", "channel": "c", "capacity": capacity})
}

fn offer(item: impl Into<Value>) -> Value {
    json!({"do": "offer", "channel": "c", "item": item.into()})
}

fn put(item: &str, timeout_ms: Option<u64>) -> Value {
    json!({"do": "put", "channel": "c", "item": item, "timeout-ms": timeout_ms})
}

fn on(what: &str) -> Value {
    json!({"do": what, "channel": "c"})
}

fn receive(timeout_ms: u64) -> Value {
    json!({"do": "receive", "channel": "c", "timeout-ms": timeout_ms})
}

/// The outcomes, each as its value or the name of its error.
async fn play(client: &mut Client, commands: Value) -> anyhow::Result<Value> {
    client.tell(commands).await?;
    let report = client.report().await?;
    Ok(report.iter().map(|it| value(it).unwrap_or_else(|_| json!(case(it)))).collect())
}

#[tokio::test]
async fn items_come_out_in_the_order_in_which_they_went_in() -> anyhow::Result<()> {
    let (_host, mut one, mut other) = two("fifo").await?;
    play(&mut one, json!([open(3), offer(1), offer(2), offer(3)])).await?;

    let taken =
        play(&mut other, json!([on("len"), on("peek"), on("poll"), receive(0), on("poll"), on("poll")])).await?;

    assert_eq!(taken, json!([3, 1, 1, 2, 3, null]));
    Ok(())
}

#[tokio::test]
async fn full_timeout_and_closed_are_three_different_errors() -> anyhow::Result<()> {
    let (_host, mut one, _other) = two("three-errors").await?;

    let full = play(&mut one, json!([open(1), offer("x"), offer("y"), put("y", Some(50)), on("len")])).await?;
    assert_eq!(full, json!([null, null, "Full", "Timeout", 1]));
    let empty = play(&mut one, json!([receive(0), receive(50), on("close-channel"), receive(50)])).await?;
    assert_eq!(empty, json!(["x", "Timeout", null, "Closed"]));
    Ok(())
}

#[tokio::test]
async fn a_closed_channel_drains_and_then_says_closed() -> anyhow::Result<()> {
    let (_host, mut one, _other) = two("drains").await?;

    let drained = json!([
        open(9),
        offer(1),
        offer(2),
        on("close-channel"),
        on("close-channel"),
        offer(3),
        put("3", None),
        receive(0),
        on("poll"),
        on("poll"),
        on("peek"),
        receive(0)
    ]);
    let outcomes = play(&mut one, drained).await?;

    let (none, closed) = (Value::Null, "Closed");
    assert_eq!(outcomes, json!([none, none, none, none, none, closed, closed, 1, 2, closed, closed, closed]));
    Ok(())
}

#[tokio::test]
async fn closing_wakes_those_who_wait() -> anyhow::Result<()> {
    let (_host, mut one, mut other) = two("wakes").await?;
    play(&mut one, json!([open(1)])).await?;
    // It waits without limit; only the close can end that.
    other.tell(json!([on("receive"), {"do": "send", "text": "woken"}])).await?;

    play(&mut one, json!([on("close-channel")])).await?;

    assert_eq!(other.text().await?, "woken");
    assert_eq!(other.report().await?.first().map(case), Some("Closed"));
    Ok(())
}

#[tokio::test]
async fn a_rendezvous_passes_only_from_hand_to_hand() -> anyhow::Result<()> {
    let (_host, mut one, mut other) = two("rendezvous").await?;
    let alone = play(&mut one, json!([open(0), on("capacity"), offer("x"), on("poll"), put("x", Some(20))])).await?;
    assert_eq!(alone, json!([null, 0, "Full", null, "Timeout"]));

    other.tell(on("receive")).await?;
    one.get(put("from me to you", None)).await?;

    assert_eq!(other.report().await?.first().map(value).transpose()?, Some(json!("from me to you")));
    Ok(())
}

#[tokio::test]
async fn a_rendezvous_that_timed_out_is_never_received() -> anyhow::Result<()> {
    let (_host, mut one, mut other) = two("retracted").await?;
    let outcomes = play(&mut one, json!([open(0), put("stale", Some(20))])).await?;
    assert_eq!(outcomes, json!([null, "Timeout"]));

    assert_eq!(play(&mut other, json!([on("poll"), on("peek"), receive(100)])).await?, json!([null, null, "Timeout"]));
    Ok(())
}

#[tokio::test]
async fn those_who_wait_are_served_first_come_first_served() -> anyhow::Result<()> {
    let host = Setup::new().guest(PUPPET, "queueing", "")?.start().await?;
    let mut giver = host.connect("/queueing").await?;
    play(&mut giver, json!([open(9), {"do": "open", "channel": "ready", "capacity": 9}])).await?;
    let mut waiting = Vec::new();
    for number in 0..5 {
        let mut client = host.connect("/queueing").await?;
        // An event of one step: once the item is there, the wait has begun before anybody else can have it.
        client.tell(json!([{"do": "offer", "channel": "ready", "item": number}, on("receive")])).await?;
        giver.get(json!({"do": "receive", "channel": "ready", "timeout-ms": 20_000})).await?;
        waiting.push(client);
    }

    for number in 0..5 {
        giver.get(offer(number)).await?;
    }

    for (number, client) in waiting.iter_mut().enumerate() {
        let report = client.report().await?;
        assert_eq!(report.last().map(value).transpose()?, Some(json!(number)));
    }
    Ok(())
}

#[tokio::test]
async fn a_select_receives_from_whichever_has_an_item_and_is_fair() -> anyhow::Result<()> {
    let (_host, mut one, _other) = two("selects").await?;
    let select = json!({"do": "select", "channels": ["a", "b"], "timeout-ms": 20});
    let mut commands = vec![
        json!({"do": "open", "channel": "a", "capacity": 100}),
        json!({"do": "open", "channel": "b", "capacity": 100}),
        select.clone(),
    ];
    for _ in 0..20 {
        commands.push(json!({"do": "offer", "channel": "a", "item": "of a"}));
    }
    commands.push(json!({"do": "offer", "channel": "b", "item": "of b"}));
    commands.extend(std::iter::repeat_n(select, 21));

    let outcomes = play(&mut one, Value::from(commands)).await?;

    let outcomes = outcomes.as_array().cloned().unwrap_or_default();
    assert_eq!(outcomes.get(2), Some(&json!("Timeout")));
    let received: Vec<_> = outcomes.into_iter().skip(24).collect();
    assert_eq!(received.iter().filter(|it| **it == json!([0, "of a"])).count(), 20, "{received:?}");
    let turn = received.iter().position(|it| *it == json!([1, "of b"]));
    assert!(turn.is_some_and(|turn| turn < 20), "b had its turn only when a was empty: {received:?}");
    Ok(())
}

#[tokio::test]
async fn a_select_of_closed_channels_is_closed_and_of_none_is_refused() -> anyhow::Result<()> {
    let (_host, mut one, _other) = two("selects-nothing").await?;
    let select = json!({"do": "select", "channels": ["c"], "timeout-ms": 20});
    let nothing = json!({"do": "select", "channels": [], "timeout-ms": 20});

    let commands = json!([open(1), offer("last"), on("close-channel"), select, select, nothing]);
    assert_eq!(play(&mut one, commands).await?, json!([null, null, null, [0, "last"], "Closed", "NoChannels"]));
    Ok(())
}

#[tokio::test]
async fn opening_is_exact_about_name_and_capacity() -> anyhow::Result<()> {
    let (_host, mut one, _other) = two("opens").await?;
    let named = |name: &str, capacity: u32| json!({"do": "open", "channel": name, "capacity": capacity});

    let refused = json!([
        on("len"),
        open(2),
        open(2),
        open(3),
        named("", 1),
        named("a\nb", 1),
        named(&"n".repeat(256), 1),
        named(&"n".repeat(255), 1),
        named("huge", (1 << 20) + 1)
    ]);
    assert_eq!(
        play(&mut one, refused).await?,
        json!(["Unknown", null, null, "WrongCapacity", "InvalidName", "InvalidName", "InvalidName", null, "TooLarge"])
    );
    let again = json!([open(2), offer(1), on("close-channel"), open(2), on("poll"), open(5), on("capacity")]);
    assert_eq!(play(&mut one, again).await?, json!([null, null, null, "Closed", 1, null, 5]));
    Ok(())
}

#[tokio::test]
async fn an_item_or_a_channel_too_many_is_refused() -> anyhow::Result<()> {
    let setup = Setup::new().configured(|config| config.hub.channels.count = 2);
    let host = setup.guest(PUPPET, "limited", "")?.start().await?;
    let mut client = host.connect("/limited").await?;
    let more = |name: &str| json!({"do": "open", "channel": name, "capacity": 1});

    let outcomes = play(&mut client, json!([open(1), more("d"), more("e")])).await?;
    assert_eq!(outcomes, json!([null, null, "QuotaExceeded"]));
    let fits = "x".repeat((1 << 19) - 2);
    let outcomes = play(&mut client, json!([offer(fits), on("poll")])).await?;
    assert_eq!(outcomes.get(0), Some(&Value::Null));
    Ok(())
}

#[tokio::test]
async fn a_guest_that_waits_in_a_channel_holds_no_thread() -> anyhow::Result<()> {
    // The test and the host share one thread: nothing would go on if one of the waits held it.
    let host = Setup::new().guest(PUPPET, "no-thread", "")?.start().await?;
    let mut giver = host.connect("/no-thread").await?;
    giver.get(open(0)).await?;
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let mut client = host.connect("/no-thread").await?;
        client.tell(on("receive")).await?;
        waiting.push(client);
    }

    for number in 0..20 {
        giver.get(put(&number.to_string(), Some(20_000))).await?;
    }

    for client in &mut waiting {
        assert!(client.report().await?.first().is_some_and(|outcome| value(outcome).is_ok()));
    }
    Ok(())
}
