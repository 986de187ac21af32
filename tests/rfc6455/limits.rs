//! Limits: section 10.4, and 1009 of section 7.4.1. What is over a limit is refused as soon as that is known.

use crate::case::{
    BINARY, BINARY_BEGINS, CLOSE, Case, ENDS, GOES_ON, PING, PONG, Step, TEXT, TEXT_BEGINS, begun, close, fails, hear,
    message, say, script,
};
use crate::stage::{Door, NARROW_FRAGMENTS, NARROW_MESSAGE};

pub(crate) fn cases() -> Vec<Case> {
    let cases = [messages(), fragments()].into_iter().flatten().map(|case| case.at(Door::Narrow));
    cases.chain(defaults()).collect()
}

fn messages() -> Vec<Case> {
    let (most, more) = (vec![b'x'; NARROW_MESSAGE], vec![b'x'; NARROW_MESSAGE + 1]);
    let (half, rest) = more.split_at(NARROW_MESSAGE / 2);
    let mut cases = vec![
        script("10.4", "a text at the limit is taken", [say(TEXT, &most), hear(TEXT, &most)]),
        script("10.4", "a binary message at the limit is taken", [say(BINARY, &most), hear(BINARY, &most)]),
        script("7.4.1", "a text of one byte more is 1009", [say(TEXT, &more), fails(1009)]),
        script("7.4.1", "a binary message of one byte more is 1009", [say(BINARY, &more), fails(1009)]),
        script(
            "10.4",
            "fragments that reach the limit are taken",
            [say(TEXT_BEGINS, half), say(ENDS, half), hear(TEXT, [half, half].concat())],
        ),
        script(
            "7.4.1",
            "fragments that pass the limit together are 1009",
            [say(BINARY_BEGINS, half), say(ENDS, rest), fails(1009)],
        ),
        script(
            "7.4.1",
            "a fragment that passes the limit is 1009 before it has come",
            [say(BINARY_BEGINS, half), Step::Say(begun(GOES_ON, NARROW_MESSAGE, b"")), fails(1009)],
        ),
        script(
            "10.4",
            "an empty fragment at the limit is taken",
            [say(TEXT_BEGINS, &most), say(ENDS, ""), hear(TEXT, &most)],
        ),
        script(
            "10.4",
            "each message has the limit to itself",
            [say(TEXT, &most), hear(TEXT, &most), say(TEXT, &most), hear(TEXT, &most)],
        ),
        script("10.4", "a ping is no message", [say(PING, [1; 125]), hear(PONG, [1; 125])]),
        script(
            "10.4",
            "a ping between fragments does not count",
            [
                say(TEXT_BEGINS, half),
                say(PING, [1; 125]),
                hear(PONG, [1; 125]),
                say(ENDS, half),
                hear(TEXT, [half, half].concat()),
            ],
        ),
        script(
            "10.4",
            "a reason is no message",
            [say(CLOSE, close(1000, "x".repeat(123))), hear(CLOSE, close(1000, "x".repeat(123))), Step::Over],
        ),
    ];
    for length in [NARROW_MESSAGE + 1, 126, 65_535, 65_536, 1 << 32, 1 << 48, usize::MAX >> 1] {
        let name = format!("a frame that announces {length} bytes is 1009 before any has come");
        cases.push(script("7.4.1", name, [Step::Say(begun(BINARY, length, b"")), fails(1009)]));
    }
    cases
}

fn fragments() -> Vec<Case> {
    let of = |count: usize| -> Vec<u8> {
        let middle = (2..count).flat_map(|_| message(GOES_ON, b""));
        message(TEXT_BEGINS, b"x").into_iter().chain(middle).chain(message(ENDS, b"")).collect()
    };
    let endless: Vec<u8> = (0..100_000).flat_map(|_| message(GOES_ON, b"")).collect();
    let (most, more) = (of(NARROW_FRAGMENTS), of(NARROW_FRAGMENTS + 1));
    let pings = (0..10).flat_map(|_| message(PING, b""));
    let within: Vec<u8> = message(TEXT_BEGINS, b"x").into_iter().chain(pings).chain(message(ENDS, b"")).collect();
    vec![
        script("10.4", "as many fragments as may be", [Step::Say(most.clone()), hear(TEXT, "x")]),
        script("7.4.1", "a fragment more is 1009", [Step::Say(more), fails(1009)]),
        script(
            "10.4",
            "each message has its own fragments",
            [Step::Say(most.clone()), hear(TEXT, "x"), Step::Say(most), hear(TEXT, "x")],
        ),
        script(
            "7.4.1",
            "a message of empty fragments without end is 1009",
            [say(TEXT_BEGINS, ""), Step::Say(endless), fails(1009)],
        ),
        script("10.4", "pings are no fragments", [Step::Say(within), hear(PONG, ""), hear(TEXT, "x")]),
    ]
}

/// What a host allows that was told nothing.
fn defaults() -> Vec<Case> {
    let most = vec![0; 1 << 20];
    let endless: Vec<u8> = (0..65_536).flat_map(|_| message(GOES_ON, b"")).collect();
    vec![
        script("10.4", "1 MiB is taken", [say(BINARY, &most), hear(BINARY, &most)]),
        script("7.4.1", "1 MiB and a byte are 1009", [Step::Say(begun(BINARY, (1 << 20) + 1, b"")), fails(1009)]),
        script("7.4.1", "65,537 fragments are 1009", [say(TEXT_BEGINS, ""), Step::Say(endless), fails(1009)]),
    ]
}
