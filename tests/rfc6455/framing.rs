//! Frames as they are on the wire: sections 5.1, 5.2, 5.3, 5.6 and the examples of 5.7.

use crate::case::{
    BINARY, CLOSE, Case, ENDS, GOES_ON, PING, PONG, Step, TEXT, TEXT_BEGINS, begun, fails, head, hear, message, say,
    script,
};

pub(crate) fn cases() -> Vec<Case> {
    [lengths(), examples(), masks(), reserved(), spellings(), pieces()].into_iter().flatten().collect()
}

fn lengths() -> Vec<Case> {
    let mut cases = Vec::new();
    for size in [0, 1, 124, 125, 126, 127, 128, 65_535, 65_536, 65_537, 1 << 20] {
        let payload = vec![b'x'; size];
        cases.push(script("5.2", format!("a text of {size} bytes"), [say(TEXT, &payload), hear(TEXT, payload)]));
    }
    for size in [0, 1, 125, 126, 127, 65_535, 65_536, 1 << 20] {
        let payload: Vec<u8> = (0..=255).cycle().take(size).collect();
        let name = format!("a binary message of {size} bytes");
        cases.push(script("5.2", name, [say(BINARY, &payload), hear(BINARY, payload)]));
    }
    cases.push(script(
        "5.6",
        "bytes that are no text are a binary message",
        [say(BINARY, b"\xff\xfe"), hear(BINARY, b"\xff\xfe")],
    ));
    cases
}

/// Section 5.7, as a client says them: each byte as it stands there.
fn examples() -> Vec<Case> {
    let hello = vec![0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    let ping = vec![0x89, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    let hel_lo = [message(TEXT_BEGINS, b"Hel"), message(ENDS, b"lo")].concat();
    let long = vec![7; 256];
    let longer = vec![7; 65_536];
    vec![
        script("5.7", "a masked `Hello`", [Step::Say(hello), hear(TEXT, "Hello")]),
        script("5.7", "`Hel` and `lo`", [Step::Say(hel_lo), hear(TEXT, "Hello")]),
        script("5.7", "a ping with `Hello`", [Step::Say(ping), hear(PONG, "Hello")]),
        script("5.7", "256 bytes in a single frame", [say(BINARY, &long), hear(BINARY, long)]),
        script("5.7", "64 KiB in a single frame", [say(BINARY, &longer), hear(BINARY, longer)]),
    ]
}

fn masks() -> Vec<Case> {
    let mut cases = Vec::new();
    for mask in [[0; 4], [0xff; 4], [0, 0, 0, 1], [0x80, 0, 0, 0], [1, 2, 3, 4]] {
        let text = "a mask of four bytes, and a text that is longer";
        let masked = text.bytes().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
        let frame: Vec<u8> = [TEXT, 0x80 | text.len() as u8].into_iter().chain(mask).chain(masked).collect();
        cases.push(script("5.3", format!("the mask {mask:x?}"), [Step::Say(frame), hear(TEXT, text)]));
    }
    for size in 1..=9 {
        let text = "123456789".get(..size).unwrap_or_default();
        cases.push(script("5.3", format!("a mask over {size} bytes"), [say(TEXT, text), hear(TEXT, text)]));
    }
    let unmasked: [(&str, &[u8]); 8] = [
        ("text", &[0x81, 0x01, b'x']),
        ("empty text", &[0x81, 0x00]),
        ("binary message", &[0x82, 0x01, b'x']),
        ("beginning of a message", &[0x01, 0x01, b'x']),
        ("close", &[0x88, 0x02, 0x03, 0xe8]),
        ("ping", &[0x89, 0x00]),
        ("pong", &[0x8a, 0x00]),
        ("head of a long message", &[0x82, 127]),
    ];
    for (what, frame) in unmasked {
        cases.push(script("5.1", format!("an unmasked {what} is 1002"), [Step::Say(frame.to_vec()), fails(1002)]));
    }
    let continued = [message(TEXT_BEGINS, b"x"), vec![0x80, 0x01, b'x']].concat();
    cases.push(script("5.1", "an unmasked continuation is 1002", [Step::Say(continued), fails(1002)]));
    let later = [say(TEXT, "good"), hear(TEXT, "good"), Step::Say(vec![0x81, 0x01, b'x']), fails(1002)];
    cases.push(script("5.1", "an unmasked frame after a masked one is 1002", later));
    cases
}

fn reserved() -> Vec<Case> {
    let mut cases = Vec::new();
    for bits in [0x40, 0x20, 0x10, 0x60, 0x50, 0x30, 0x70] {
        for (what, first) in [("text", TEXT), ("ping", PING), ("close", CLOSE)] {
            let name = format!("the reserved bits {bits:02x} of a {what} are 1002");
            cases.push(script("5.2", name, [say(first | bits, b""), fails(1002)]));
        }
    }
    for bits in [0x40, 0x20, 0x10] {
        let name = format!("the reserved bit {bits:02x} of a continuation is 1002");
        cases.push(script("5.2", name, [say(TEXT_BEGINS, b"x"), say(ENDS | bits, b"x"), fails(1002)]));
    }
    for opcode in [0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        let name = format!("the reserved opcode {opcode:x} is 1002");
        cases.push(script("5.2", name, [say(0x80 | opcode, b"x"), fails(1002)]));
    }
    for opcode in [0x3, 0xb] {
        let name = format!("the reserved opcode {opcode:x} between fragments is 1002");
        cases.push(script("5.2", name, [say(TEXT_BEGINS, b"x"), say(0x80 | opcode, b""), fails(1002)]));
    }
    let head_alone = Step::Say(vec![0x83, 0xfe]);
    cases.push(script("7.1.7", "a reserved opcode is 1002 before its frame is complete", [head_alone, fails(1002)]));
    cases
}

/// A length has one spelling, the shortest.
fn spellings() -> Vec<Case> {
    let mut cases = Vec::new();
    for length in [0, 1, 125_u16] {
        let frame = [&[0x82, 0x80 | 126][..], &length.to_be_bytes(), &[0; 4]].concat();
        let name = format!("{length} in 16 bits is 1002");
        cases.push(script("5.2", name, [Step::Say(frame), fails(1002)]));
    }
    for length in [0, 125, 126, 65_535_u64] {
        let frame = [&[0x82, 0x80 | 127][..], &length.to_be_bytes(), &[0; 4]].concat();
        let name = format!("{length} in 64 bits is 1002");
        cases.push(script("5.2", name, [Step::Say(frame), fails(1002)]));
    }
    let negative = [&[0x82, 0x80 | 127][..], &(1_u64 << 63).to_be_bytes(), &[0; 4]].concat();
    cases.push(script("5.2", "a length of 64 bits whose first one is set is 1002", [Step::Say(negative), fails(1002)]));
    cases
}

/// TCP knows no frames.
fn pieces() -> Vec<Case> {
    let long = "a text that needs two bytes for its length, and is therefore rather long ".repeat(3);
    let two = [message(TEXT, b"one"), message(BINARY, b"two")].concat();
    let (half, rest) = two.split_at(11);
    let ten: Vec<u8> = (0..10).flat_map(|number| message(TEXT, format!("number {number}").as_bytes())).collect();
    let answers = (0..10).map(|number| hear(TEXT, format!("number {number}")));
    let (begins, goes_on) = (begun(TEXT, 6, b"cut "), message(TEXT, b"cut up"));
    let end = goes_on.get(begins.len()..).unwrap_or_default().to_vec();
    vec![
        script("5.2", "a frame in single bytes", [Step::Spell(message(TEXT, long.as_bytes())), hear(TEXT, long)]),
        script("5.2", "an empty frame in single bytes", [Step::Spell(head(BINARY, 0)), hear(BINARY, b"")]),
        script("5.2", "two frames at once", [Step::Say(two.clone()), hear(TEXT, "one"), hear(BINARY, "two")]),
        script(
            "5.2",
            "one frame and half of the next",
            [Step::Say(half.to_vec()), hear(TEXT, "one"), Step::Say(rest.to_vec()), hear(BINARY, "two")],
        ),
        script("5.2", "a frame that is cut in its payload", [Step::Say(begins), Step::Say(end), hear(TEXT, "cut up")]),
        script(
            "6.2",
            "ten messages at once are answered in order",
            [Step::Say(ten)].into_iter().chain(answers).collect::<Vec<_>>(),
        ),
        script(
            "6.2",
            "fragments in single bytes",
            [
                Step::Spell([message(TEXT_BEGINS, b"o"), message(GOES_ON, b"n"), message(ENDS, b"e")].concat()),
                hear(TEXT, "one"),
            ],
        ),
    ]
}
