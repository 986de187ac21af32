//! permessage-deflate: RFC 7692. Its examples are sent as they stand there, so that the library which compresses here and in the host
//! is not all that they are held against.

use anyhow::{Context, ensure};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use crate::case::{
    BINARY, CLOSE, Case, ENDS, GOES_ON, PING, PONG, Step, TEXT, TEXT_BEGINS, asked, close, fails, farewell, hear,
    hears, message, say, script,
};
use crate::peer::{HANDSHAKE, Peer, request};
use crate::stage::{DEFLATING_FROM, DEFLATING_MESSAGE, Door, Stage};

pub(crate) fn cases() -> Vec<Case> {
    [negotiation(), examples(), framing(), limits(), replies()].into_iter().flatten().collect()
}

/// The bit that says that a message is compressed.
const DEFLATED: u8 = 0x40;

/// What the host always says of the extension.
const AGREED: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// A client of this path that offers this, and what the host says to it.
async fn offering(stage: &Stage, path: &str, offers: &[String]) -> anyhow::Result<(Peer, Option<String>)> {
    let headers = [&HANDSHAKE[..], &offers.iter().map(String::as_str).collect::<Vec<_>>()].concat();
    let mut peer = Peer::call(stage.address(Door::Deflating)).await?;
    peer.say(&request(&format!("GET {path} HTTP/1.1"), &headers)).await?;
    let answer = peer.answer().await?;
    ensure!(answer.status == 101, "{answer:?}");
    Ok((peer, answer.header("sec-websocket-extensions")?.map(str::to_owned)))
}

fn offer(value: &str) -> String {
    format!("Sec-WebSocket-Extensions: {value}")
}

/// A client of the echo with which compression was agreed on, and which goes through these steps.
fn deflating(section: &'static str, name: impl Into<String>, steps: impl Into<Vec<Step>>) -> Case {
    let steps = steps.into();
    asked(section, name, Door::Deflating, move |stage| {
        Box::pin(async move {
            let (mut peer, agreed) = offering(&stage, "/echo", &[offer("permessage-deflate")]).await?;
            ensure!(agreed.as_deref() == Some(AGREED), "{agreed:?}");
            crate::case::perform(&mut peer, steps).await
        })
    })
}

fn negotiation() -> Vec<Case> {
    let mut cases = Vec::new();
    let agreed: [(&'static str, &[&str], &str); 14] = [
        ("7.1", &["permessage-deflate"], ""),
        ("7.1.1.1", &["permessage-deflate; server_no_context_takeover"], ""),
        ("7.1.1.2", &["permessage-deflate; client_no_context_takeover"], ""),
        ("7.1.1.2", &["permessage-deflate; server_no_context_takeover; client_no_context_takeover"], ""),
        ("7.1.2.2", &["permessage-deflate; client_max_window_bits"], ""),
        ("7.1.2.2", &["permessage-deflate; client_max_window_bits=8"], ""),
        ("7.1.2.1", &["permessage-deflate; server_max_window_bits=15"], "; server_max_window_bits=15"),
        ("7.1.2.1", &["permessage-deflate; server_max_window_bits=10"], "; server_max_window_bits=10"),
        ("7.1.2.1", &["permessage-deflate; server_max_window_bits=\"9\""], "; server_max_window_bits=9"),
        (
            "7.1.2.1",
            &["permessage-deflate;server_max_window_bits = 9;client_max_window_bits"],
            "; server_max_window_bits=9",
        ),
        ("5.1", &["permessage-deflate; server_max_window_bits=8, permessage-deflate"], ""),
        ("5.1", &["permessage-deflate; unknown", "permessage-deflate; client_max_window_bits"], ""),
        ("5.1", &["x-webkit-deflate-frame, permessage-deflate"], ""),
        ("5.1", &["permessage-deflate; server_max_window_bits=12, permessage-deflate"], "; server_max_window_bits=12"),
    ];
    for (section, offers, rest) in agreed {
        let wanted = format!("{AGREED}{rest}");
        cases.push(negotiated(section, offers, Some(wanted)));
    }
    let declined: [(&'static str, &str); 17] = [
        ("7.1", "permessage-deflate; unknown"),
        ("7.1", "permessage-deflate; server_no_context_takeover; server_no_context_takeover"),
        ("7.1", "permessage-deflate; client_max_window_bits; client_max_window_bits=10"),
        ("7.1", "permessage-bzip2"),
        ("7.1", "Permessage-Deflate-2"),
        ("7.1", "permessage-deflate;"),
        ("7.1.1.1", "permessage-deflate; server_no_context_takeover=1"),
        ("7.1.1.2", "permessage-deflate; client_no_context_takeover=true"),
        ("7.1.2.1", "permessage-deflate; server_max_window_bits"),
        ("7.1.2.1", "permessage-deflate; server_max_window_bits=7"),
        ("7.1.2.1", "permessage-deflate; server_max_window_bits=8"),
        ("7.1.2.1", "permessage-deflate; server_max_window_bits=16"),
        ("7.1.2.1", "permessage-deflate; server_max_window_bits=010"),
        ("7.1.2.1", "permessage-deflate; server_max_window_bits=+10"),
        ("7.1.2.1", "permessage-deflate; server_max_window_bits=x"),
        ("7.1.2.2", "permessage-deflate; client_max_window_bits=16"),
        ("7.1.2.2", "permessage-deflate; client_max_window_bits=\"\""),
    ];
    for (section, offer) in declined {
        cases.push(negotiated(section, &[offer], None));
    }
    cases.push(negotiated("7.1", &[], None));
    cases.push(
        script("6", "the bit is 1002 if nothing was agreed on", [say(TEXT | DEFLATED, HELLO), fails(1002)])
            .at(Door::Deflating),
    );
    cases
}

/// What these offers come to; a message goes both ways in any case.
fn negotiated(section: &'static str, offers: &[&str], wanted: Option<String>) -> Case {
    let name = match &wanted {
        Some(wanted) => format!("{offers:?} is agreed to as `{wanted}`"),
        None => format!("{offers:?} is declined"),
    };
    let offers: Vec<String> = offers.iter().map(|value| offer(value)).collect();
    asked(section, name, Door::Deflating, move |stage| {
        Box::pin(async move {
            let (mut peer, agreed) = offering(&stage, "/echo", &offers).await?;
            ensure!(agreed == wanted, "{agreed:?}");
            peer.say(&message(TEXT, b"Hello")).await?;
            hears(&mut peer, TEXT, b"Hello").await?;
            if wanted.is_some() {
                peer.say(&message(TEXT | DEFLATED, HELLO)).await?;
                hears(&mut peer, TEXT, b"Hello").await?;
            }
            farewell(&mut peer).await
        })
    })
}

/// Section 7.2.3.1.
const HELLO: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

/// Section 7.2.3. What comes back is too short to be compressed.
fn examples() -> Vec<Case> {
    let (first, rest) = HELLO.split_at(3);
    let examples: [(&'static str, &str, &[u8]); 4] = [
        ("7.2.3.1", "a compressed message", HELLO),
        ("7.2.3.3", "a block without compression", &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00]),
        ("7.2.3.4", "a block that calls itself the last", &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]),
        (
            "7.2.3.5",
            "two blocks in one message",
            &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
        ),
    ];
    let mut cases: Vec<Case> = examples
        .into_iter()
        .map(|(section, name, payload)| deflating(section, name, [say(TEXT | DEFLATED, payload), hear(TEXT, "Hello")]))
        .collect();
    cases.push(deflating(
        "7.2.3.1",
        "a compressed message in two fragments",
        [say(TEXT_BEGINS | DEFLATED, first), say(ENDS, rest), hear(TEXT, "Hello")],
    ));
    cases.push(deflating(
        "7.2.3.2",
        "a message that refers to the one before is 1007",
        [
            say(TEXT | DEFLATED, HELLO),
            hear(TEXT, "Hello"),
            say(TEXT | DEFLATED, [0xf2, 0x00, 0x11, 0x00, 0x00]),
            fails(1007),
        ],
    ));
    cases.push(deflating("7.2.3.6", "an empty message", [say(TEXT | DEFLATED, [0]), hear(TEXT, "")]));
    cases.push(deflating("7.2.3.6", "a message without a byte", [say(BINARY | DEFLATED, ""), hear(BINARY, "")]));
    cases
}

/// Section 6: where the bit may be.
fn framing() -> Vec<Case> {
    let mut cases = vec![
        deflating(
            "6",
            "messages that are compressed and such that are not",
            [
                say(TEXT, "plain"),
                hear(TEXT, "plain"),
                say(TEXT | DEFLATED, HELLO),
                hear(TEXT, "Hello"),
                say(BINARY, "plain"),
                hear(BINARY, "plain"),
                say(BINARY | DEFLATED, HELLO),
                hear(BINARY, "Hello"),
            ],
        ),
        deflating("6.1", "each byte of a compressed message in a fragment", {
            let mut steps = vec![say(TEXT_BEGINS | DEFLATED, "")];
            steps.extend(HELLO.iter().map(|byte| say(GOES_ON, [*byte])));
            steps.extend([say(ENDS, ""), hear(TEXT, "Hello")]);
            steps
        }),
        deflating(
            "6",
            "a compressed message in single bytes",
            [Step::Spell(message(TEXT | DEFLATED, HELLO)), hear(TEXT, "Hello")],
        ),
        deflating(
            "6",
            "a ping between the fragments of a compressed message",
            [say(TEXT_BEGINS | DEFLATED, HELLO), say(PING, "p"), hear(PONG, "p"), say(ENDS, ""), hear(TEXT, "Hello")],
        ),
        deflating(
            "6",
            "the bit of a continuation is 1002",
            [say(TEXT_BEGINS | DEFLATED, HELLO), say(ENDS | DEFLATED, ""), fails(1002)],
        ),
        deflating(
            "6",
            "the bit of a continuation of a plain message is 1002",
            [say(TEXT_BEGINS, "x"), say(ENDS | DEFLATED, ""), fails(1002)],
        ),
        deflating(
            "6.1",
            "a ping of bytes that repeat themselves is answered as it is",
            [say(PING, [7; 125]), hear(PONG, [7; 125])],
        ),
        deflating(
            "6.1",
            "a reason that repeats itself is answered as it is",
            [say(CLOSE, close(1000, "x".repeat(123))), hear(CLOSE, close(1000, "x".repeat(123))), Step::Over],
        ),
    ];
    for (what, first) in [("ping", PING), ("pong", PONG), ("close", CLOSE)] {
        cases.push(deflating("6", format!("the bit of a {what} is 1002"), [say(first | DEFLATED, ""), fails(1002)]));
    }
    for bits in [0x20, 0x10, 0x60, 0x50, 0x70] {
        let name = format!("the reserved bits {bits:02x} are 1002");
        cases.push(deflating("6", name, [say(TEXT | bits, HELLO), fails(1002)]));
    }
    for (what, payload) in [
        ("a block of a kind that does not exist", &[0x07, 0xff][..]),
        ("a block without compression whose length is wrong", &[0x00, 0x05, 0x00, 0x05, 0x00, 0x48]),
        ("a reference to before the beginning", &[0xf2, 0x00, 0x11, 0x00, 0x00]),
    ] {
        cases.push(deflating("7.2.2", format!("{what} is 1007"), [say(TEXT | DEFLATED, payload), fails(1007)]));
    }
    let bad = deflate(b"good \xff\xfe good", 15);
    cases.push(deflating(
        "7.2.2",
        "a text that is not UTF-8 when it is inflated is 1007",
        [say(TEXT | DEFLATED, &bad), fails(1007)],
    ));
    cases.push(deflating(
        "7.2.2",
        "a binary message need not be UTF-8",
        [say(BINARY | DEFLATED, &bad), hear(BINARY, b"good \xff\xfe good")],
    ));
    cases
}

/// The limit is on what a message is when it is inflated, and it stops there.
fn limits() -> Vec<Case> {
    let bomb = |size: usize| deflate(&vec![0; size], 15);
    vec![
        deflating(
            "8",
            "a message of one byte over the limit is 1009",
            [say(BINARY | DEFLATED, bomb(DEFLATING_MESSAGE + 1)), fails(1009)],
        ),
        deflating(
            "8",
            "a message of a thousand times its size is 1009",
            [say(BINARY | DEFLATED, bomb(64 << 20)), fails(1009)],
        ),
        deflating("8", "such a text is 1009, too", [say(TEXT | DEFLATED, bomb(1 << 20)), fails(1009)]),
        deflating(
            "8",
            "a compressed message that is over the limit as it is is 1009",
            [Step::Say(crate::case::begun(BINARY | DEFLATED, DEFLATING_MESSAGE + 1, b"")), fails(1009)],
        ),
        asked("8", "a message at the limit is taken", Door::Deflating, move |stage| {
            Box::pin(async move {
                let (mut peer, _) = offering(&stage, "/echo", &[offer("permessage-deflate")]).await?;
                peer.say(&message(BINARY | DEFLATED, &bomb(DEFLATING_MESSAGE))).await?;
                ensure!(reply(&mut peer, BINARY | DEFLATED, 15).await? == vec![0; DEFLATING_MESSAGE], "other bytes");
                farewell(&mut peer).await
            })
        }),
    ]
}

/// What the host sends (section 7.2.1).
fn replies() -> Vec<Case> {
    let text = "What repeats itself becomes small. ".repeat(1000);
    let noise: Vec<u8> = noise(5000);
    let below = "x".repeat(DEFLATING_FROM - 1);
    let mut cases = vec![
        deflating("7.2.1", "a message below the threshold is not compressed", [say(TEXT, &below), hear(TEXT, &below)]),
        deflating(
            "7.2.1",
            "what does not become smaller is sent as it is",
            [say(BINARY, &noise), hear(BINARY, &noise)],
        ),
    ];
    // Far apart, so that a smaller window cannot reach back so far.
    let apart = [&noise[..], &noise, &[0; 4000]].concat();
    for bits in 9..=15_u8 {
        for (what, payload) in
            [("a text that repeats itself", text.clone().into_bytes()), ("noise that repeats itself", apart.clone())]
        {
            let name = format!("{what} fits a window of {bits} bits");
            cases.push(asked("7.1.2.1", name, Door::Deflating, move |stage| {
                Box::pin(async move {
                    let value = format!("permessage-deflate; server_max_window_bits={bits}");
                    let (mut peer, _) = offering(&stage, "/echo", &[offer(&value)]).await?;
                    // Twice, because nothing may go on from the first to the second.
                    for _ in 0..2 {
                        peer.say(&message(BINARY | DEFLATED, &deflate(&payload, 15))).await?;
                        ensure!(reply(&mut peer, BINARY | DEFLATED, bits).await? == payload, "other bytes");
                    }
                    farewell(&mut peer).await
                })
            }));
        }
    }
    cases.push(asked("7.2.1", "a message at the threshold is compressed", Door::Deflating, |stage| {
        Box::pin(async move {
            let (mut peer, _) = offering(&stage, "/echo", &[offer("permessage-deflate")]).await?;
            let text = "x".repeat(DEFLATING_FROM);
            peer.say(&message(TEXT, text.as_bytes())).await?;
            ensure!(reply(&mut peer, TEXT | DEFLATED, 15).await? == text.into_bytes(), "another text");
            farewell(&mut peer).await
        })
    }));
    cases.push(asked(
        "7.2.1",
        "a client that agreed to nothing gets nothing compressed",
        Door::Deflating,
        move |stage| {
            Box::pin(async move {
                let mut peer = stage.connect(Door::Deflating).await?;
                peer.say(&message(TEXT, text.as_bytes())).await?;
                hears(&mut peer, TEXT, text.as_bytes()).await?;
                farewell(&mut peer).await
            })
        },
    ));
    cases
}

/// The next message, inflated with a window of so many bits and nothing from the one before.
async fn reply(peer: &mut Peer, first: u8, bits: u8) -> anyhow::Result<Vec<u8>> {
    let frame = peer.frame().await?.context("the stream ended")?;
    ensure!(frame.first == first, "{frame:?} is not a message that begins with {first:02x}");
    let mut inflated = Vec::with_capacity(DEFLATING_MESSAGE + 1);
    let payload = [&frame.payload[..], &[0, 0, 0xff, 0xff]].concat();
    Decompress::new_with_window_bits(false, bits).decompress_vec(&payload, &mut inflated, FlushDecompress::Sync)?;
    ensure!(frame.payload.len() < inflated.len(), "it did not become smaller");
    Ok(inflated)
}

/// Section 7.2.1.
fn deflate(payload: &[u8], bits: u8) -> Vec<u8> {
    let mut deflated = Vec::with_capacity(payload.len() + 1000);
    let mut deflate = Compress::new_with_window_bits(Compression::best(), false, bits);
    let done = deflate.compress_vec(payload, &mut deflated, FlushCompress::Sync);
    assert!(done.is_ok() && deflated.ends_with(&[0, 0, 0xff, 0xff]), "{done:?}");
    deflated.truncate(deflated.len() - 4);
    deflated
}

/// Bytes in no order, the same ones every time.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(size).collect()
}
