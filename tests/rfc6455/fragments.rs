//! Messages in fragments: section 5.4.

use crate::case::{
    BINARY, BINARY_BEGINS, CLOSE, Case, ENDS, GOES_ON, PING, PONG, Step, TEXT, TEXT_BEGINS, begun, close, fails, hear,
    message, say, script,
};

pub(crate) fn cases() -> Vec<Case> {
    [whole(), between(), broken()].into_iter().flatten().collect()
}

fn whole() -> Vec<Case> {
    let of = |parts: &[&str]| {
        let mut steps = Vec::new();
        for (place, part) in parts.iter().enumerate() {
            let first = if place == 0 { TEXT_BEGINS } else { GOES_ON };
            let last = if place + 1 == parts.len() { 0x80 } else { 0 };
            steps.push(say(first | last, part));
        }
        steps.push(hear(TEXT, parts.concat()));
        steps
    };
    let many: Vec<u8> = (0..1000).flat_map(|_| message(GOES_ON, b"x")).collect();
    let empty: Vec<u8> = (0..1000).flat_map(|_| message(GOES_ON, b"")).collect();
    let half = vec![0xab; 300_000];
    vec![
        script("5.4", "one fragment is a message that is not in fragments", of(&["whole"])),
        script("5.4", "two fragments", of(&["one, ", "two"])),
        script("5.4", "three fragments", of(&["one, ", "two, ", "three"])),
        script("5.4", "the first fragment is empty", of(&["", "two"])),
        script("5.4", "the last fragment is empty", of(&["one", ""])),
        script("5.4", "a fragment in the middle is empty", of(&["one, ", "", "three"])),
        script("5.4", "all fragments are empty", of(&["", "", ""])),
        script("5.4", "a fragment of 125 bytes and one of 126", of(&[&"a".repeat(125), &"b".repeat(126)])),
        script("5.4", "a large fragment before a small one", of(&[&"a".repeat(70_000), "b"])),
        script("5.4", "a small fragment before a large one", of(&["a", &"b".repeat(70_000)])),
        script(
            "5.4",
            "a binary message in fragments",
            [say(BINARY_BEGINS, b"\xff\x00"), say(ENDS, b"\xfe"), hear(BINARY, b"\xff\x00\xfe")],
        ),
        script(
            "5.4",
            "a large message in two halves",
            [say(BINARY_BEGINS, &half), say(ENDS, &half), hear(BINARY, [half.clone(), half.clone()].concat())],
        ),
        script(
            "5.4",
            "a thousand fragments of one byte",
            [say(TEXT_BEGINS, b"x"), Step::Say(many), say(ENDS, b"x"), hear(TEXT, "x".repeat(1002))],
        ),
        script(
            "5.4",
            "a thousand empty fragments",
            [say(TEXT_BEGINS, b"x"), Step::Say(empty), say(ENDS, b"x"), hear(TEXT, "xx")],
        ),
        script(
            "5.4",
            "all fragments at once",
            [
                Step::Say([message(TEXT_BEGINS, b"a"), message(GOES_ON, b"b"), message(ENDS, b"c")].concat()),
                hear(TEXT, "abc"),
            ],
        ),
        script(
            "5.4",
            "one message in fragments after another",
            [
                say(TEXT_BEGINS, "a"),
                say(ENDS, "b"),
                say(BINARY_BEGINS, "c"),
                say(ENDS, "d"),
                hear(TEXT, "ab"),
                hear(BINARY, "cd"),
            ],
        ),
    ]
}

/// Section 5.5: a control frame may stand between fragments.
fn between() -> Vec<Case> {
    vec![
        script(
            "5.4",
            "a ping between fragments is answered before the message",
            [
                say(TEXT_BEGINS, "one, "),
                say(PING, "ping"),
                hear(PONG, "ping"),
                say(ENDS, "two"),
                hear(TEXT, "one, two"),
            ],
        ),
        script(
            "5.4",
            "a ping between any two fragments",
            [
                say(TEXT_BEGINS, "1"),
                say(PING, "a"),
                hear(PONG, "a"),
                say(GOES_ON, "2"),
                say(PING, "b"),
                hear(PONG, "b"),
                say(ENDS, "3"),
                hear(TEXT, "123"),
            ],
        ),
        script(
            "5.4",
            "a ping between the fragments of a binary message",
            [
                say(BINARY_BEGINS, b"\xff"),
                say(PING, b"\xfe"),
                hear(PONG, b"\xfe"),
                say(ENDS, b"\xfd"),
                hear(BINARY, b"\xff\xfd"),
            ],
        ),
        script(
            "5.4",
            "a ping of 125 bytes between fragments",
            [say(TEXT_BEGINS, "1"), say(PING, [7; 125]), hear(PONG, [7; 125]), say(ENDS, "2"), hear(TEXT, "12")],
        ),
        script(
            "5.4",
            "an unasked pong between fragments is ignored",
            [say(TEXT_BEGINS, "1"), say(PONG, "unasked"), say(ENDS, "2"), hear(TEXT, "12")],
        ),
        script(
            "5.4",
            "a ping between fragments in single bytes",
            [
                Step::Spell([message(TEXT_BEGINS, b"1"), message(PING, b"p"), message(ENDS, b"2")].concat()),
                hear(PONG, "p"),
                hear(TEXT, "12"),
            ],
        ),
        script(
            "5.4",
            "a close between fragments ends the message, which nobody gets",
            [say(TEXT_BEGINS, "1"), say(CLOSE, close(1000, "")), hear(CLOSE, close(1000, "")), Step::Over],
        ),
    ]
}

fn broken() -> Vec<Case> {
    vec![
        script("5.4", "a continuation of nothing is 1002", [say(ENDS, "x"), fails(1002)]),
        script("5.4", "a continuation of nothing that is to go on is 1002", [say(GOES_ON, "x"), fails(1002)]),
        script("5.4", "an empty continuation of nothing is 1002", [say(ENDS, ""), fails(1002)]),
        script(
            "5.4",
            "a continuation of nothing is 1002 before its payload has come",
            [Step::Say(begun(ENDS, 1000, b"")), fails(1002)],
        ),
        script(
            "5.4",
            "a continuation after a whole message is 1002",
            [say(TEXT, "whole"), hear(TEXT, "whole"), say(ENDS, "x"), fails(1002)],
        ),
        script(
            "5.4",
            "a continuation after the last fragment is 1002",
            [say(TEXT_BEGINS, "1"), say(ENDS, "2"), hear(TEXT, "12"), say(ENDS, "3"), fails(1002)],
        ),
        script("5.4", "a text within a text is 1002", [say(TEXT_BEGINS, "1"), say(TEXT, "x"), fails(1002)]),
        script("5.4", "a binary message within a text is 1002", [say(TEXT_BEGINS, "1"), say(BINARY, "x"), fails(1002)]),
        script("5.4", "a text within a binary message is 1002", [say(BINARY_BEGINS, "1"), say(TEXT, "x"), fails(1002)]),
        script(
            "5.4",
            "a message in fragments within another is 1002",
            [say(TEXT_BEGINS, "1"), say(TEXT_BEGINS, "x"), fails(1002)],
        ),
        script(
            "5.4",
            "a text within a text after a ping is 1002",
            [say(TEXT_BEGINS, "1"), say(PING, ""), hear(PONG, ""), say(TEXT, "x"), fails(1002)],
        ),
    ]
}
