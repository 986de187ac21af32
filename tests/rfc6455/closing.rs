//! The host says Close, because a plugin wants it or because the client broke the protocol: sections 5.5.1 and 7.1 to 7.3.

use std::time::Instant;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::case::{BINARY, CLOSE, Case, TEXT, asked, begun, close, hears, message, over, story};
use crate::peer::{Frame, Peer};
use crate::stage::{Door, NARROW_CLOSE, Stage};

pub(crate) fn cases() -> Vec<Case> {
    [handshakes(), failures()].into_iter().flatten().collect()
}

/// The puppet closes with this.
const BYE: &[u8] = br#"[{"do": "close", "code": 4000, "reason": "bye"}]"#;

async fn closed_by_the_host(stage: &Stage, door: Door) -> anyhow::Result<Peer> {
    let mut peer = stage.puppet(door).await?;
    peer.say(&message(TEXT, BYE)).await?;
    hears(&mut peer, CLOSE, &close(4000, "bye")).await?;
    Ok(peer)
}

fn handshakes() -> Vec<Case> {
    let mut cases = vec![
        story("7.2.2", "a plugin closes with 1000 unless it says otherwise", Door::Plain, |stage| {
            Box::pin(async move {
                let mut peer = stage.puppet(Door::Plain).await?;
                peer.say(&message(TEXT, br#"[{"do": "close"}]"#)).await?;
                hears(&mut peer, CLOSE, &close(1000, "")).await?;
                peer.say(&message(CLOSE, &close(1000, ""))).await?;
                over(&mut peer).await
            })
        }),
        story("7.1.4", "what the plugin sent before its close comes before it", Door::Plain, |stage| {
            Box::pin(async move {
                let mut peer = stage.puppet(Door::Plain).await?;
                let commands = br#"[{"do": "send", "text": "one"}, {"do": "send", "text": "two"}, {"do": "close"}]"#;
                peer.say(&message(TEXT, commands)).await?;
                hears(&mut peer, TEXT, b"one").await?;
                hears(&mut peer, TEXT, b"two").await?;
                hears(&mut peer, CLOSE, &close(1000, "")).await
            })
        }),
        story(
            "7.1.1",
            "a client that never answers is left after the time for it, and not before",
            Door::Narrow,
            |stage| {
                Box::pin(async move {
                    let mut peer = closed_by_the_host(&stage, Door::Narrow).await?;
                    let told = Instant::now();
                    over(&mut peer).await?;
                    // It was told a moment after the time began.
                    ensure!(told.elapsed() > NARROW_CLOSE / 2, "it was left after {:?}", told.elapsed());
                    Ok(())
                })
            },
        ),
        story("7.1.1", "a client that goes on speaking and never answers is left, too", Door::Narrow, |stage| {
            Box::pin(async move {
                let mut peer = closed_by_the_host(&stage, Door::Narrow).await?;
                // Until the host has gone, which is not always seen as the end of the stream by one who goes on sending.
                while peer.say(&message(TEXT, b"and another thing")).await.is_ok() {}
                Ok(())
            })
        }),
    ];
    let answers: [(&str, Vec<u8>); 6] = [
        ("the same code", message(CLOSE, &close(4000, "bye"))),
        ("another code", message(CLOSE, &close(1001, ""))),
        ("no code", message(CLOSE, b"")),
        (
            "a message first",
            [message(TEXT, br#"[{"do": "send", "text": "no"}]"#), message(CLOSE, &close(4000, ""))].concat(),
        ),
        ("a ping first", [message(0x89, b"p"), message(CLOSE, &close(4000, ""))].concat()),
        ("half a message first", [message(0x01, b"half"), message(CLOSE, &close(4000, ""))].concat()),
    ];
    for (what, bytes) in answers {
        cases.push(asked("5.5.1", format!("the host's close is answered with {what}"), Door::Plain, move |stage| {
            Box::pin(async move {
                let mut peer = closed_by_the_host(&stage, Door::Plain).await?;
                peer.say(&bytes).await?;
                over(&mut peer).await
            })
        }));
    }
    let wrong: [(&str, Vec<u8>); 4] = [
        ("a reserved opcode", message(0x83, b"")),
        ("a text that is not UTF-8", message(TEXT, b"\xff")),
        ("a message over the limit", begun(BINARY, 1 << 40, b"")),
        ("half a code", message(CLOSE, &[3])),
    ];
    for (what, bytes) in wrong {
        cases.push(asked(
            "5.5.1",
            format!("nothing is said to {what} after the host's close"),
            Door::Plain,
            move |stage| {
                Box::pin(async move {
                    let mut peer = closed_by_the_host(&stage, Door::Plain).await?;
                    peer.say(&bytes).await?;
                    over(&mut peer).await
                })
            },
        ));
    }
    cases
}

/// The size of a reply that waits, and how many of them: more than the system takes from the host while the client does not read.
const REPLY: usize = 128 << 10;
const REPLIES: usize = 24;

fn failures() -> Vec<Case> {
    let mut cases = Vec::new();
    let wrong: [(&str, u16, Vec<u8>); 4] = [
        ("a reserved opcode", 1002, message(0x83, b"")),
        ("an unmasked frame", 1002, vec![0x81, 0x00]),
        ("a text that is not UTF-8", 1007, message(TEXT, b"\xff")),
        ("a message over the limit", 1009, begun(BINARY, 1 << 40, b"")),
    ];
    for (what, code, bytes) in wrong.clone() {
        let name = format!("replies that were waiting when {what} came are written before {code}");
        cases.push(asked("7.1.7", name, Door::Plain, move |stage| {
            Box::pin(async move {
                let mut peer = waited_for(&stage).await?;
                peer.say(&bytes).await?;
                for _ in 0..REPLIES {
                    hears(&mut peer, BINARY, &[b'x'; REPLY]).await?;
                }
                hears(&mut peer, CLOSE, &code.to_be_bytes()).await?;
                over(&mut peer).await
            })
        }));
    }
    for (what, code, bytes) in wrong {
        let name = format!("what follows {what} is not read");
        cases.push(asked("7.1.7", name, Door::Plain, move |stage| {
            Box::pin(async move {
                let mut peer = stage.connect(Door::Plain).await?;
                let later = [
                    message(TEXT, b"later"),
                    message(0x89, b"ping"),
                    message(CLOSE, &close(1000, "")),
                    vec![0; 100_000],
                ];
                peer.say(&[bytes, later.concat()].concat()).await?;
                hears(&mut peer, CLOSE, &code.to_be_bytes()).await?;
                over(&mut peer).await
            })
        }));
    }
    cases.push(story("7.1.7", "a client that broke the protocol and stays is left", Door::Narrow, |stage| {
        Box::pin(async move {
            let mut peer = stage.connect(Door::Narrow).await?;
            peer.say(&message(0x83, b"")).await?;
            hears(&mut peer, CLOSE, &close(1002, "")).await?;
            over(&mut peer).await?;
            while peer.say(&[0; 1000]).await.is_ok() {}
            Ok(())
        })
    }));
    cases.push(story(
        "7.1.7",
        "the plugin that holds a client which breaks the protocol has a handle that says closed",
        Door::Plain,
        |stage| {
            Box::pin(async move {
                let (mut peer, handle) = held(&stage).await?;
                peer.say(&message(0x83, b"")).await?;
                hears(&mut peer, CLOSE, &close(1002, "")).await?;
                let mut hand = stage.puppet(Door::Plain).await?;
                let outcome = ask(&mut hand, &format!(r#"{{"do": "push", "handle": {handle}, "text": "x"}}"#)).await?;
                ensure!(outcome == serde_json::json!({"error": "Closed"}), "{outcome}");
                Ok(())
            })
        },
    ));
    cases
}

/// A client that reads nothing, and for which so many replies wait.
async fn waited_for(stage: &Stage) -> anyhow::Result<Peer> {
    let (peer, handle) = held(stage).await?;
    let mut hand = stage.puppet(Door::Plain).await?;
    for _ in 0..REPLIES {
        let outcome =
            ask(&mut hand, &format!(r#"{{"do": "push-bytes", "handle": {handle}, "count": {REPLY}}}"#)).await?;
        ensure!(outcome == serde_json::json!({"ok": null}), "{outcome}");
    }
    Ok(peer)
}

/// A client that is held, and its handle.
async fn held(stage: &Stage) -> anyhow::Result<(Peer, u64)> {
    let mut peer = stage.puppet(Door::Plain).await?;
    let outcome = ask(&mut peer, r#"{"do": "retain"}"#).await?;
    let handle = outcome.get("ok").and_then(Value::as_u64).with_context(|| format!("no handle: {outcome}"))?;
    Ok((peer, handle))
}

/// What came of one command.
async fn ask(peer: &mut Peer, command: &str) -> anyhow::Result<Value> {
    peer.say(&message(TEXT, format!("[{command}]").as_bytes())).await?;
    let Frame { payload, .. } = peer.frame().await?.context("the stream ended")?;
    let report: Value = serde_json::from_slice(&payload)?;
    report.pointer("/report/0").cloned().with_context(|| format!("{report} is no report"))
}
