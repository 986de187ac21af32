//! The patterns that people copy do what their pages say, also when something goes wrong.

use std::time::{Duration, Instant};

use anyhow::Context;
use holdline::plugin::Manifest;
use serde_json::{Value, json};

use crate::harness::{Client, Host, Setup, handshake, lines, logged, request};

/// The sample plugin at the route that has its name, with a log of its own.
async fn pattern(sample: &str, log: &str, change: impl FnOnce(&mut Manifest)) -> anyhow::Result<Host> {
    let named = |manifest: &mut Manifest| {
        log.clone_into(&mut manifest.name);
        change(manifest);
    };
    Setup::new().sample(sample, named)?.start().await
}

/// Sends the text and waits for the next message.
async fn say(client: &mut Client, text: &str) -> anyhow::Result<Value> {
    client.send_text(text).await?;
    client.json().await
}

mod ask {
    use super::*;

    fn question(id: u32, question: &str) -> String {
        json!({"id": id, "question": question}).to_string()
    }

    #[tokio::test]
    async fn every_reply_has_the_id_of_its_request() -> anyhow::Result<()> {
        let host = pattern("ask", "ask-ids", |_| {}).await?;
        let mut client = host.connect("/ask").await?;

        for id in [7, 8, 9] {
            client.send_text(question(id, &format!("{id} + 1"))).await?;
        }

        for id in [7, 8, 9] {
            assert_eq!(client.json().await?, json!({"id": id, "answer": id + 1}));
        }
        assert_eq!(say(&mut client, &question(1, "why?")).await?, json!({"id": 1, "error": "not-a-sum"}));
        assert_eq!(say(&mut client, "2 + 3").await?, json!({"id": null, "error": "invalid"}));
        Ok(())
    }

    #[tokio::test]
    async fn a_question_that_nobody_can_take_is_told_with_its_id() -> anyhow::Result<()> {
        let host = pattern("ask", "ask-full", |manifest| {
            for channel in &mut manifest.channels {
                channel.capacity = 1;
                channel.concurrency = 0;
            }
        })
        .await?;
        let (mut first, mut second) = (host.connect("/ask").await?, host.connect("/ask").await?);
        first.send_text(question(1, "1 + 1")).await?;
        host.holds(1).await?;

        assert_eq!(say(&mut second, &question(2, "1 + 1")).await?, json!({"id": 2, "error": "overloaded"}));
        host.holds(1).await?;

        // Whoever took the first question is gone; its client hears of it nevertheless.
        assert_eq!(first.json().await?, json!({"id": 1, "error": "deadline"}));
        host.holds(0).await
    }

    #[tokio::test]
    async fn a_client_that_leaves_costs_the_others_nothing() -> anyhow::Result<()> {
        let one_by_one = |manifest: &mut Manifest| manifest.channels.iter_mut().for_each(|it| it.concurrency = 1);
        let host = pattern("ask", "ask-leaves", one_by_one).await?;
        let mut clients = Vec::new();
        for id in 0..10 {
            let mut client = host.connect("/ask").await?;
            client.send_text(question(id, "1 + 1")).await?;
            clients.push(client);
        }

        let leaves = clients.remove(5);
        leaves.close(1000, "").await?;

        for (client, id) in clients.iter_mut().zip([0, 1, 2, 3, 4, 6, 7, 8, 9]) {
            assert_eq!(client.json().await?, json!({"id": id, "answer": 2}));
        }
        // Or `closing`, if its question had to wait for an instance so long.
        logged("ask-leaves", "the connection is clos").await?;
        Ok(())
    }
}

mod stream {
    use super::*;

    #[tokio::test]
    async fn a_stream_comes_part_by_part_and_ends() -> anyhow::Result<()> {
        let host = pattern("stream", "stream-parts", |_| {}).await?;
        let mut client = host.connect("/stream").await?;

        assert_eq!(say(&mut client, "20").await?, json!({"part": 1}));
        // The first part does not wait for the last one.
        host.holds(1).await?;
        for part in 2..=20 {
            assert_eq!(client.json().await?, json!({"part": part}));
        }
        assert_eq!(client.json().await?, json!({"done": 20}));
        host.holds(0).await
    }

    #[tokio::test]
    async fn the_next_message_waits_for_the_end_of_the_stream() -> anyhow::Result<()> {
        let host = pattern("stream", "stream-order", |_| {}).await?;
        let mut client = host.connect("/stream").await?;

        for text in ["2", "many", "1"] {
            client.send_text(text).await?;
        }

        for expected in [json!({"part": 1}), json!({"part": 2}), json!({"done": 2})] {
            assert_eq!(client.json().await?, expected);
        }
        assert_eq!(client.json().await?, json!({"error": "send a number from 1 to 1000"}));
        for expected in [json!({"part": 1}), json!({"done": 1})] {
            assert_eq!(client.json().await?, expected);
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_stream_stops_when_its_client_leaves() -> anyhow::Result<()> {
        let host = pattern("stream", "stream-leaves", |_| {}).await?;
        let mut client = host.connect("/stream").await?;
        assert_eq!(say(&mut client, "1000").await?, json!({"part": 1}));

        client.close(1000, "").await?;

        logged("stream-leaves", "a client left before its 1000 parts were sent").await?;
        Ok(())
    }
}

mod fallback {
    use super::*;

    /// A clock may round; what waits for a second never waits for less than this.
    const ABOUT_A_SECOND: Duration = Duration::from_millis(990);

    fn today() -> Value {
        json!({"answer": "the one of today", "fallback": false})
    }

    fn yesterday() -> Value {
        json!({"answer": "the one of yesterday", "fallback": true})
    }

    #[tokio::test]
    async fn a_late_answer_loses_against_the_fallback() -> anyhow::Result<()> {
        let host = pattern("fallback", "fallback-late", |_| {}).await?;
        let mut client = host.connect("/fallback").await?;
        assert_eq!(say(&mut client, "0").await?, today());

        let sent = Instant::now();
        assert_eq!(say(&mut client, "1500").await?, yesterday());
        assert!(sent.elapsed() >= ABOUT_A_SECOND, "after {:?}", sent.elapsed());
        logged("fallback-late", "too late after 1500 ms").await?;

        // What came too late was sent to nobody.
        assert_eq!(say(&mut client, "0").await?, today());
        Ok(())
    }

    #[tokio::test]
    async fn the_fallback_comes_though_no_worker_is_there() -> anyhow::Result<()> {
        let host = pattern("fallback", "fallback-alone", |manifest| manifest.workers.clear()).await?;
        let mut client = host.connect("/fallback").await?;

        assert_eq!(say(&mut client, "0").await?, yesterday());
        host.holds(0).await
    }

    #[tokio::test]
    async fn a_worker_that_is_behind_passes_over_what_is_past() -> anyhow::Result<()> {
        let one_worker = |manifest: &mut Manifest| manifest.workers.iter_mut().for_each(|worker| worker.instances = 1);
        let host = pattern("fallback", "fallback-behind", one_worker).await?;
        let (mut slow, mut behind) = (host.connect("/fallback").await?, host.connect("/fallback").await?);
        slow.send_text("2000").await?;
        host.holds(1).await?;

        // It would keep the only worker for ten seconds.
        assert_eq!(say(&mut behind, "10000").await?, yesterday());
        assert_eq!(slow.json().await?, yesterday());
        logged("fallback-behind", "too late after 2000 ms").await?;

        let sent = Instant::now();
        assert_eq!(say(&mut slow, "0").await?, today());
        assert!(sent.elapsed() < ABOUT_A_SECOND, "after {:?}", sent.elapsed());
        Ok(())
    }

    #[tokio::test]
    async fn a_client_that_left_is_no_failure_of_the_worker() -> anyhow::Result<()> {
        let host = pattern("fallback", "fallback-leaves", |_| {}).await?;
        let mut client = host.connect("/fallback").await?;
        client.send_text("600").await?;
        host.holds(1).await?;

        client.close(1000, "").await?;

        logged("fallback-leaves", "an answer could not be given: the connection is closed").await?;
        Ok(())
    }
}

mod chat {
    use super::*;

    #[tokio::test]
    async fn who_has_no_name_is_refused_before_the_upgrade() -> anyhow::Result<()> {
        let host = pattern("chat", "chat-nameless", |_| {}).await?;

        for path in ["/chat/blue", "/chat/blue?name=", "/chat/blue?name=%0A"] {
            let answer = request(host.address(), path, &handshake()).await?;

            assert_eq!(answer.status, 400, "{path}");
            assert!(answer.body.contains("?name=Ann"), "{}", answer.body);
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_room_hears_who_comes_what_is_said_and_who_leaves() -> anyhow::Result<()> {
        let host = pattern("chat", "chat-room", |_| {}).await?;
        let mut ann = host.connect("/chat/blue?name=Ann+Lee").await?;
        assert_eq!(ann.json().await?, json!({"joined": "Ann Lee"}));
        let mut elsewhere = host.connect("/chat/red?name=Red").await?;
        assert_eq!(elsewhere.json().await?, json!({"joined": "Red"}));

        let mut bob = host.connect("/chat/blue?name=B%C3%B6b").await?;
        for client in [&mut ann, &mut bob] {
            assert_eq!(client.json().await?, json!({"joined": "Böb"}));
        }
        bob.send_text("is it \"blue\" here?").await?;
        for client in [&mut ann, &mut bob] {
            assert_eq!(client.json().await?, json!({"from": "Böb", "text": "is it \"blue\" here?"}));
        }
        bob.close(1000, "").await?;
        assert_eq!(ann.json().await?, json!({"left": "Böb"}));

        // Nothing of all this was heard in the other room.
        assert_eq!(say(&mut elsewhere, "alone").await?, json!({"from": "Red", "text": "alone"}));
        Ok(())
    }

    #[tokio::test]
    async fn a_client_that_breaks_off_is_announced_too() -> anyhow::Result<()> {
        let host = pattern("chat", "chat-breaks", |_| {}).await?;
        let mut ann = host.connect("/chat/blue?name=Ann").await?;
        ann.json().await?;
        let bob = host.connect("/chat/blue?name=Bob").await?;
        assert_eq!(ann.json().await?, json!({"joined": "Bob"}));

        drop(bob.into_stream());

        assert_eq!(ann.json().await?, json!({"left": "Bob"}));
        Ok(())
    }
}

mod reminder {
    use super::*;

    #[tokio::test]
    async fn a_reminder_comes_when_it_is_due_and_the_client_goes_on_meanwhile() -> anyhow::Result<()> {
        let host = pattern("reminder", "reminder-due", |_| {}).await?;
        let mut client = host.connect("/reminder").await?;

        let sent = Instant::now();
        assert_eq!(say(&mut client, "in 500ms: tea").await?, json!({"set": 1}));
        assert_eq!(say(&mut client, "in 1h: bed").await?, json!({"set": 2}));
        host.holds(0).await?;
        assert_eq!(client.json().await?, json!({"reminder": 1, "text": "tea"}));
        assert!(sent.elapsed() >= Duration::from_millis(490), "after {:?}", sent.elapsed());

        let list = say(&mut client, "list").await?;
        let pending = list["pending"].as_array().context("a list")?;
        assert_eq!(pending.len(), 1, "{list}");
        assert_eq!((&pending[0]["reminder"], &pending[0]["text"]), (&json!(2), &json!("bed")));
        Ok(())
    }

    #[tokio::test]
    async fn a_cancelled_reminder_does_not_come() -> anyhow::Result<()> {
        let host = pattern("reminder", "reminder-cancel", |_| {}).await?;
        let mut client = host.connect("/reminder").await?;
        assert_eq!(say(&mut client, "in 2s: first").await?, json!({"set": 1}));
        assert_eq!(say(&mut client, "in 2500ms: second").await?, json!({"set": 2}));

        assert_eq!(say(&mut client, "cancel 1").await?, json!({"cancelled": 1}));
        assert_eq!(say(&mut client, "cancel 1").await?, json!({"error": "there is no reminder 1"}));

        assert_eq!(client.json().await?, json!({"reminder": 2, "text": "second"}));
        Ok(())
    }

    #[tokio::test]
    async fn the_reminders_of_another_connection_cannot_be_seen_or_cancelled() -> anyhow::Result<()> {
        let host = pattern("reminder", "reminder-others", |_| {}).await?;
        let (mut mine, mut other) = (host.connect("/reminder").await?, host.connect("/reminder").await?);
        assert_eq!(say(&mut mine, "in 1s: tea").await?, json!({"set": 1}));

        assert_eq!(say(&mut other, "list").await?, json!({"pending": []}));
        assert_eq!(say(&mut other, "cancel 1").await?, json!({"error": "there is no reminder 1"}));

        assert_eq!(mine.json().await?, json!({"reminder": 1, "text": "tea"}));
        Ok(())
    }

    #[tokio::test]
    async fn the_reminders_of_a_client_that_left_are_dropped() -> anyhow::Result<()> {
        let host = pattern("reminder", "reminder-leaves", |_| {}).await?;
        let (mut leaves, mut stays) = (host.connect("/reminder").await?, host.connect("/reminder").await?);
        assert_eq!(say(&mut leaves, "in 500ms: tea").await?, json!({"set": 1}));
        leaves.close(1000, "").await?;

        // By the time of a later one the dropped one would have found nobody.
        assert_eq!(say(&mut stays, "in 1s: later").await?, json!({"set": 1}));
        assert_eq!(stays.json().await?, json!({"reminder": 1, "text": "later"}));

        let log = lines("reminder-leaves");
        assert!(!log.iter().any(|line| line.contains("nobody was there")), "{log:#?}");
        Ok(())
    }
}
