//! Texts are UTF-8: sections 5.6 and 8.1, with RFC 3629 for what that is. A bad byte fails the connection as soon as it is there, in
//! whatever frame, and before that frame has ended.

use crate::case::{
    BINARY, CLOSE, Case, ENDS, GOES_ON, PING, PONG, Step, TEXT, TEXT_BEGINS, begun, close, fails, hear, say, script,
};

pub(crate) fn cases() -> Vec<Case> {
    [valid(), invalid(), at_once(), elsewhere()].into_iter().flatten().collect()
}

/// The first and the last characters of each length, and others that are easily got wrong.
const VALID: [(&str, &str); 14] = [
    ("U+0000", "\0"),
    ("U+007F", "\u{7f}"),
    ("U+0080", "\u{80}"),
    ("U+07FF", "\u{7ff}"),
    ("U+0800", "\u{800}"),
    ("U+D7FF, before the surrogates", "\u{d7ff}"),
    ("U+E000, after the surrogates", "\u{e000}"),
    ("U+FEFF, a byte order mark", "\u{feff}x"),
    ("U+FFFE, which is no character", "\u{fffe}"),
    ("U+FFFF, which is no character", "\u{ffff}"),
    ("U+10000", "\u{10000}"),
    ("U+10FFFF", "\u{10ffff}"),
    ("letters with accents apart", "e\u{301}"),
    ("characters of all lengths", "aß水𝓽"),
];

/// What is no UTF-8 however it goes on.
const INVALID: [(&str, &[u8]); 25] = [
    ("80, the middle of nothing", b"\x80"),
    ("bf, the middle of nothing", b"\xbf"),
    ("a middle too many", b"\xc3\x9f\x9f"),
    ("c3 before a letter", b"\xc3("),
    ("e2 before a letter", b"\xe2("),
    ("e2 82 before a letter", b"\xe2\x82("),
    ("f0 9f 98 before a letter", b"\xf0\x9f\x98("),
    ("c3 before another beginning", b"\xc3\xc3\x9f"),
    ("c0, overlong", b"\xc0"),
    ("c1, overlong", b"\xc1"),
    ("c0 80, NUL overlong in two bytes", b"\xc0\x80"),
    ("e0 80, overlong in three bytes", b"\xe0\x80"),
    ("e0 9f, overlong in three bytes", b"\xe0\x9f"),
    ("f0 80, overlong in four bytes", b"\xf0\x80"),
    ("f0 8f, overlong in four bytes", b"\xf0\x8f"),
    ("ed a0, the first surrogate", b"\xed\xa0"),
    ("ed bf, the last surrogate", b"\xed\xbf"),
    ("a pair of surrogates", b"\xed\xa0\xbd\xed\xb8\x80"),
    ("f4 90, past U+10FFFF", b"\xf4\x90"),
    ("f5, past U+10FFFF", b"\xf5"),
    ("f7, past U+10FFFF", b"\xf7"),
    ("f8, five bytes", b"\xf8"),
    ("fc, six bytes", b"\xfc"),
    ("fe, never", b"\xfe"),
    ("ff, never", b"\xff"),
];

/// Characters that are not complete.
const CUT: [(&str, &[u8]); 6] = [
    ("c3", b"\xc3"),
    ("e2", b"\xe2"),
    ("e2 82", b"\xe2\x82"),
    ("f0", b"\xf0"),
    ("f0 9f", b"\xf0\x9f"),
    ("f0 9f 98", b"\xf0\x9f\x98"),
];

fn valid() -> Vec<Case> {
    let mut cases = Vec::new();
    for (what, text) in VALID {
        cases.push(script("8.1", format!("{what} is good"), [say(TEXT, text), hear(TEXT, text)]));
    }
    // Each byte of this by itself, and cut in two at each place: in a character of two bytes, of three and of four.
    let text = "ß水𝓽";
    for cut in 0..=text.len() {
        let (one, two) = text.as_bytes().split_at(cut);
        let name = format!("characters may be cut by fragments, at byte {cut}");
        cases.push(script("8.1", name, [say(TEXT_BEGINS, one), say(ENDS, two), hear(TEXT, text)]));
    }
    let mut steps = vec![say(TEXT_BEGINS, "")];
    steps.extend(text.bytes().map(|byte| say(GOES_ON, [byte])));
    steps.extend([say(ENDS, ""), hear(TEXT, text)]);
    cases.push(script("8.1", "each byte may be a fragment", steps));
    let long = text.repeat(10_000);
    cases.push(script("8.1", "a long text is checked whole", [say(TEXT, &long), hear(TEXT, long)]));
    cases.push(script(
        "8.1",
        "a ping may cut a character",
        [say(TEXT_BEGINS, b"\xf0\x9f"), say(PING, "p"), hear(PONG, "p"), say(ENDS, b"\x98\x80"), hear(TEXT, "😀")],
    ));
    cases
}

fn invalid() -> Vec<Case> {
    let mut cases = Vec::new();
    for (what, bytes) in INVALID {
        let text = [b"good ", bytes, b" good"].concat();
        cases.push(script("8.1", format!("{what} is 1007"), [say(TEXT, text), fails(1007)]));
    }
    for (what, bytes) in CUT {
        cases.push(script("8.1", format!("a text that ends in {what} is 1007"), [say(TEXT, bytes), fails(1007)]));
        let name = format!("a text whose last fragment ends in {what} is 1007");
        cases.push(script("8.1", name, [say(TEXT_BEGINS, "good "), say(ENDS, bytes), fails(1007)]));
    }
    cases.push(script(
        "8.1",
        "a text that is over with an empty fragment in a character is 1007",
        [say(TEXT_BEGINS, b"\xc3"), say(ENDS, b""), fails(1007)],
    ));
    cases
}

/// The client sends the bad bytes and then nothing more: what it has begun never ends.
fn at_once() -> Vec<Case> {
    let mut cases = Vec::new();
    for (what, bytes) in INVALID {
        let bytes = [b"good ", bytes].concat();
        let name = format!("{what} is 1007 before its frame has ended");
        cases.push(script("8.1", name, [Step::Say(begun(TEXT, 1000, &bytes)), fails(1007)]));
    }
    let whole_fragment = [say(TEXT_BEGINS, b"good \xff"), fails(1007)];
    cases.push(script("8.1", "a bad byte is 1007 before its message has ended", whole_fragment));
    let second = [say(TEXT_BEGINS, "good "), say(GOES_ON, b"\xff"), fails(1007)];
    cases.push(script("8.1", "a bad byte in a second fragment is 1007 before the message has ended", second));
    let in_second = [say(TEXT_BEGINS, "good "), Step::Say(begun(ENDS, 1000, b"\xff")), fails(1007)];
    cases.push(script("8.1", "a bad byte in a second fragment is 1007 before that has ended", in_second));
    let across = [say(TEXT_BEGINS, b"\xc3"), Step::Say(begun(GOES_ON, 1000, b"(")), fails(1007)];
    cases.push(script("8.1", "a character that goes on wrongly in the next fragment is 1007 at once", across));
    let surrogate = [say(TEXT_BEGINS, b"\xed"), Step::Say(begun(GOES_ON, 2, b"\xa0")), fails(1007)];
    cases.push(script("8.1", "a surrogate that is cut by fragments is 1007 at its second byte", surrogate));
    let too_high = [say(TEXT_BEGINS, b"\xf4"), say(GOES_ON, b"\x90"), fails(1007)];
    cases.push(script(
        "8.1",
        "a character past U+10FFFF that is cut by fragments is 1007 at its second byte",
        too_high,
    ));
    let late = [Step::Say(begun(TEXT, 100_000, &[b'x'; 70_000])), Step::Say(vec![0; 8]), fails(1007)];
    // The zeros are 37 fa 21 3d when the mask is off: a letter, and then what no text has.
    cases.push(script("8.1", "a bad byte late in a long frame is 1007 before that has ended", late));
    let spelled = [Step::Spell(begun(TEXT, 10, b"\xe2\x82\xac\xe2\x28")), fails(1007)];
    cases.push(script("8.1", "a bad byte is 1007 when it comes, and those before came one by one", spelled));
    cases
}

/// Only texts and the reasons of a Close are UTF-8.
fn elsewhere() -> Vec<Case> {
    let bad = b"\xff\xc0\xed\xa0\x80\xf4\x90\x80\x80\xc3";
    vec![
        script("5.6", "a binary message may have any bytes", [say(BINARY, bad), hear(BINARY, bad)]),
        script("5.5.2", "a ping may have any bytes", [say(PING, bad), hear(PONG, bad)]),
        script("5.5.3", "a pong may have any bytes", [say(PONG, bad), say(TEXT, "x"), hear(TEXT, "x")]),
        script("5.5.1", "a reason that is not UTF-8 is 1007", [say(CLOSE, close(1000, b"\xff")), fails(1007)]),
        script(
            "5.5.1",
            "a reason that ends in a character is 1007",
            [say(CLOSE, close(1000, b"\xe2\x82")), fails(1007)],
        ),
        script("5.5.1", "a reason with a surrogate is 1007", [say(CLOSE, close(1000, b"\xed\xa0\x80")), fails(1007)]),
        script(
            "5.5.1",
            "a reason with an overlong character is 1007",
            [say(CLOSE, close(4000, b"\xc0\xaf")), fails(1007)],
        ),
    ]
}
