//! Control frames: sections 5.5, 5.5.2 and 5.5.3. Close has files of its own.

use anyhow::{Context, ensure};

use crate::case::{
    BINARY, CLOSE, Case, PING, PONG, Step, TEXT, TEXT_BEGINS, begun, close, fails, head, hear, message, say, script,
    story,
};
use crate::stage::Door;

pub(crate) fn cases() -> Vec<Case> {
    [pings(), pongs(), broken()].into_iter().flatten().collect()
}

fn pings() -> Vec<Case> {
    let all_bytes: Vec<u8> = (131..=255).collect();
    vec![
        script("5.5.2", "a ping with nothing in it", [say(PING, ""), hear(PONG, "")]),
        script("5.5.2", "a ping with a text", [say(PING, "still there?"), hear(PONG, "still there?")]),
        script(
            "5.5.2",
            "a ping with bytes that are no text",
            [say(PING, b"\xff\xfe\x00"), hear(PONG, b"\xff\xfe\x00")],
        ),
        script("5.5.2", "a ping of 124 bytes", [say(PING, [1; 124]), hear(PONG, [1; 124])]),
        script("5.5.2", "a ping of 125 bytes", [say(PING, &all_bytes), hear(PONG, all_bytes)]),
        script("5.5.2", "a ping in single bytes", [Step::Spell(message(PING, b"slow")), hear(PONG, "slow")]),
        script(
            "5.5.2",
            "a ping after a message",
            [
                say(TEXT, "one"),
                hear(TEXT, "one"),
                say(PING, "two"),
                hear(PONG, "two"),
                say(BINARY, "three"),
                hear(BINARY, "three"),
            ],
        ),
        script(
            "5.5.2",
            "pings that are waited for are answered one by one",
            [say(PING, "1"), hear(PONG, "1"), say(PING, "2"), hear(PONG, "2"), say(PING, "3"), hear(PONG, "3")],
        ),
        script(
            "5.5.2",
            "half a ping is no ping",
            [
                Step::Say(begun(PING, 4, b"pi")),
                Step::Say(message(PING, b"ping").split_off(head(PING, 4).len() + 2)),
                hear(PONG, "ping"),
            ],
        ),
        story(
            "5.5.3",
            "of pings that wait together the latest is answered, and none twice or late",
            Door::Plain,
            |stage| {
                Box::pin(async move {
                    let mut peer = stage.connect(Door::Plain).await?;
                    let pings: Vec<u8> = (0..100_u8).flat_map(|number| message(PING, &[number])).collect();
                    peer.say(&pings).await?;
                    let mut last = None;
                    while last != Some(99) {
                        let pong = peer.frame().await?.context("the stream ended")?;
                        ensure!(pong.first == PONG && pong.payload.len() == 1, "{pong:?} is no pong to one of them");
                        let number = pong.payload.first().copied();
                        ensure!(number > last, "{number:?} is answered after {last:?}");
                        last = number;
                    }
                    crate::case::perform(&mut peer, vec![say(TEXT, "no more pongs"), hear(TEXT, "no more pongs")]).await
                })
            },
        ),
        story("5.5.2", "a ping among messages is answered, and disturbs none", Door::Plain, |stage| {
            Box::pin(async move {
                let mut peer = stage.connect(Door::Plain).await?;
                let asked = [message(TEXT, b"before"), message(PING, b"p"), message(TEXT, b"after")].concat();
                peer.say(&asked).await?;
                let mut heard = Vec::new();
                for _ in 0..3 {
                    heard.push(peer.frame().await?.context("the stream ended")?);
                }
                let pong = heard.iter().position(|frame| frame.first == PONG && frame.payload == b"p");
                heard.remove(pong.with_context(|| format!("no pong in {heard:?}"))?);
                let texts: Vec<&[u8]> = heard.iter().map(|frame| &frame.payload[..]).collect();
                ensure!(texts == [&b"before"[..], b"after"], "{heard:?}");
                crate::case::farewell(&mut peer).await
            })
        }),
        script(
            "5.5.2",
            "a ping right before a close is answered before it",
            [
                Step::Say([message(PING, b"last"), message(CLOSE, &close(1000, ""))].concat()),
                hear(PONG, "last"),
                hear(CLOSE, close(1000, "")),
                Step::Over,
            ],
        ),
        script(
            "5.5.2",
            "a ping after a close is not answered",
            [
                Step::Say([message(CLOSE, &close(1000, "")), message(PING, b"too late")].concat()),
                hear(CLOSE, close(1000, "")),
                Step::Over,
            ],
        ),
    ]
}

fn pongs() -> Vec<Case> {
    vec![
        script("5.5.3", "an unasked pong is ignored", [say(PONG, ""), say(TEXT, "x"), hear(TEXT, "x")]),
        script(
            "5.5.3",
            "an unasked pong with a payload is ignored",
            [say(PONG, "what?"), say(TEXT, "x"), hear(TEXT, "x")],
        ),
        script(
            "5.5.3",
            "an unasked pong of 125 bytes is ignored",
            [say(PONG, [9; 125]), say(TEXT, "x"), hear(TEXT, "x")],
        ),
        script(
            "5.5.3",
            "a pong is not the pong to a later ping",
            [say(PONG, "unasked"), say(PING, "asked"), hear(PONG, "asked")],
        ),
        script(
            "5.5.3",
            "a hundred unasked pongs are ignored",
            [Step::Say((0..100).flat_map(|_| message(PONG, b"pong")).collect()), say(TEXT, "x"), hear(TEXT, "x")],
        ),
    ]
}

fn broken() -> Vec<Case> {
    let mut cases = Vec::new();
    for (what, first) in [("ping", PING), ("pong", PONG), ("close", CLOSE)] {
        let long = message(first, &[3; 126]);
        cases.push(script("5.5", format!("a {what} of 126 bytes is 1002"), [Step::Say(long), fails(1002)]));
        let longest = vec![first, 0x80 | 127];
        let name = format!("a {what} with a length of 64 bits is 1002 before the length has come");
        cases.push(script("5.5", name, [Step::Say(longest), fails(1002)]));
        let name = format!("a {what} that is to go on is 1002");
        cases.push(script("5.5", name, [say(first & 0x7f, b""), fails(1002)]));
    }
    cases.push(script(
        "5.5",
        "a ping that is to go on within a message is 1002",
        [say(TEXT_BEGINS, "1"), say(PING & 0x7f, "p"), fails(1002)],
    ));
    cases
}
