//! The client says Close: sections 5.5.1, 7.1 and 7.4. The answer has the code and the reason that it was given, and then the host
//! ends the TCP connection.

use anyhow::Context;
use serde_json::Value;

use crate::case::{
    CLOSE, Case, GOES_ON, PING, Step, TEXT, TEXT_BEGINS, asked, begun, close, fails, hear, hears, message, over, say,
    script, story,
};
use crate::harness::logged;
use crate::peer::Peer;
use crate::stage::{Door, Stage};

pub(crate) fn cases() -> Vec<Case> {
    [codes(), reasons(), after(), ends()].into_iter().flatten().collect()
}

fn codes() -> Vec<Case> {
    let mut cases = Vec::new();
    // Section 7.4.1, the registry of section 11.7, and the ranges of section 7.4.2.
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        let frame = close(code, "");
        let steps = [say(CLOSE, &frame), hear(CLOSE, frame), Step::Over];
        cases.push(script("7.4", format!("the code {code} is answered with itself"), steps));
    }
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 65_535] {
        let steps = [say(CLOSE, close(code, "")), fails(1002)];
        cases.push(script("7.4", format!("the code {code}, which may not be sent, is 1002"), steps));
    }
    cases.push(script(
        "7.1.5",
        "a close without a code is answered without one",
        [say(CLOSE, ""), hear(CLOSE, ""), Step::Over],
    ));
    cases.push(script("5.5.1", "half a code is 1002", [say(CLOSE, [3]), fails(1002)]));
    cases
}

fn reasons() -> Vec<Case> {
    let mut cases = Vec::new();
    let long = "x".repeat(123);
    let wide = "水".repeat(41);
    for (what, reason) in [("of one byte", "x"), ("of 123 bytes", &long), ("in UTF-8, of 123 bytes", &wide)] {
        let frame = close(1000, reason);
        let steps = [say(CLOSE, &frame), hear(CLOSE, frame), Step::Over];
        cases.push(script("7.1.6", format!("a reason {what} is taken"), steps));
    }
    cases.push(script("5.5", "a reason of 124 bytes is 1002", [say(CLOSE, close(1000, "x".repeat(124))), fails(1002)]));
    let bad = [say(CLOSE, close(1005, b"\xff")), fails(1002)];
    cases.push(script("7.4", "a code that may not be sent is 1002 whatever its reason is", bad));
    cases
}

/// What comes after a Close is nothing to anybody (section 5.5.1).
fn after() -> Vec<Case> {
    let bye = close(1000, "bye");
    let mut cases = Vec::new();
    let later: [(&str, Vec<u8>); 7] = [
        ("a text", message(TEXT, b"too late")),
        ("a ping", message(PING, b"too late")),
        ("another close", message(CLOSE, &close(1001, ""))),
        ("a frame with a reserved opcode", message(0x83, b"")),
        ("an unmasked frame", vec![0x81, 0x01, b'x']),
        ("a text that is not UTF-8", message(TEXT, b"\xff")),
        ("a great many bytes", vec![0x55; 200_000]),
    ];
    for (what, bytes) in later {
        let at_once = [message(CLOSE, &bye), bytes].concat();
        let steps = [Step::Say(at_once), hear(CLOSE, &bye), Step::Over];
        cases.push(script("5.5.1", format!("{what} after a close is ignored"), steps));
    }
    cases
}

fn ends() -> Vec<Case> {
    let bye = close(1000, "bye");
    vec![
        script(
            "7.1.1",
            "it is the host that ends the TCP connection",
            [say(TEXT, "x"), hear(TEXT, "x"), say(CLOSE, &bye), hear(CLOSE, &bye), Step::Over],
        ),
        script("5.5.1", "a close in single bytes", [Step::Spell(message(CLOSE, &bye)), hear(CLOSE, &bye), Step::Over]),
        script(
            "5.4",
            "a close after a message that has not ended",
            [say(TEXT_BEGINS, "one"), say(GOES_ON, "two"), say(CLOSE, &bye), hear(CLOSE, &bye), Step::Over],
        ),
        script(
            "5.4",
            "a close within a character",
            [say(TEXT_BEGINS, b"\xc3"), say(CLOSE, &bye), hear(CLOSE, &bye), Step::Over],
        ),
        story("7.1.1", "the end does not wait for a handler that still runs", Door::Plain, |stage| {
            Box::pin(async move {
                let mut peer = stage.puppet(Door::Plain).await?;
                let open = r#"{"do": "open", "channel": "wake", "capacity": 1}"#;
                let wait = r#"{"do": "receive", "channel": "wake", "timeout-ms": 60000}"#;
                let commands = format!(r#"[{open}, {{"do": "send", "text": "asleep"}}, {wait}]"#);
                peer.say(&message(TEXT, commands.as_bytes())).await?;
                hears(&mut peer, TEXT, b"asleep").await?;
                peer.say(&message(CLOSE, &close(1000, ""))).await?;
                hears(&mut peer, CLOSE, &close(1000, "")).await?;
                over(&mut peer).await?;
                let mut hand = stage.puppet(Door::Plain).await?;
                hand.say(&message(TEXT, br#"[{"do": "offer", "channel": "wake", "item": 1}]"#)).await?;
                hears(&mut hand, TEXT, br#"{"report":[{"ok":null}]}"#).await
            })
        }),
        told("7.1.5", "the plugin is told the code and the reason", &close(4321, "told"), r#"[4321,"told"]"#),
        told("7.1.5", "the plugin is told 1005 if there is no code", &[], r#"[1005,""]"#),
        story(
            "7.1.5",
            "the plugin is told nothing, and that it was not clean, if the stream ends in a frame",
            Door::Plain,
            |stage| {
                Box::pin(async move {
                    let (mut peer, id) = named(&stage).await?;
                    peer.say(&begun(TEXT, 100, b"half")).await?;
                    drop(peer);
                    logged("rfc", &format!(r#""clean":false,"frame":null,"id":{id}"#)).await.map(drop)
                })
            },
        ),
    ]
}

/// A Close with this payload, and how the close event tells of it.
fn told(section: &'static str, name: &str, payload: &[u8], frame: &'static str) -> Case {
    let payload = payload.to_vec();
    asked(section, name, Door::Plain, move |stage| {
        Box::pin(async move {
            let (mut peer, id) = named(&stage).await?;
            peer.say(&message(CLOSE, &payload)).await?;
            hears(&mut peer, CLOSE, &payload).await?;
            over(&mut peer).await?;
            logged("rfc", &format!(r#""clean":true,"frame":{frame},"id":{id}"#)).await.map(drop)
        })
    })
}

/// A client of the puppet, and its id as it stands in JSON.
async fn named(stage: &Stage) -> anyhow::Result<(Peer, Value)> {
    let mut peer = stage.puppet(Door::Plain).await?;
    peer.say(&message(TEXT, br#"[{"do": "describe"}]"#)).await?;
    let report: Value = serde_json::from_slice(&peer.frame().await?.context("the stream ended")?.payload)?;
    let id = report.pointer("/report/0/ok/id").cloned().with_context(|| format!("no id in {report}"))?;
    Ok((peer, id))
}
