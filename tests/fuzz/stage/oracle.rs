//! What both sides of a WebSocket have said, read by other code than the host's: slowly, all at once, and by the letter of RFC 6455.

use flate2::{Decompress, FlushDecompress, Status};

use crate::inflate::inflate;

/// What the host was set up with.
#[derive(Clone, Copy)]
pub struct Rules {
    /// The largest message.
    pub message: usize,
    /// Into how many fragments it may be divided.
    pub fragments: usize,
    /// Whether compression was agreed on, and with how many bits of window on the host's side.
    pub window: Option<u8>,
}

/// A message: whether it is a text, and its bytes.
pub type Message = (bool, Vec<u8>);

/// All that a client has said.
#[derive(Debug, Default)]
pub struct Said {
    /// Its messages.
    pub messages: Vec<Message>,
    /// Its pings.
    pub pings: Vec<Vec<u8>>,
    /// How it ended.
    pub end: End,
}

/// How what a client says ends.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum End {
    /// Between two messages.
    #[default]
    Complete,
    /// Between two frames of a message.
    InMessage,
    /// Within a frame.
    InFrame,
    /// With Close.
    Closed(Option<u16>),
    /// It broke the protocol, and is to be told one of these codes.
    Broke(&'static [u16]),
}

const PROTOCOL: End = End::Broke(&[1002]);
const CONTENTS: End = End::Broke(&[1007]);
const SIZE: End = End::Broke(&[1009]);

/// Takes so many bytes off.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// What a client has said with these bytes.
pub fn said(mut bytes: &[u8], rules: Rules) -> Said {
    let mut said = Said::default();
    let mut open: Option<Open> = None;
    said.end = loop {
        if bytes.is_empty() {
            break if open.is_some() { End::InMessage } else { End::Complete };
        }
        match step(&mut bytes, &mut open, &mut said, rules) {
            Ok(()) => {}
            Err(end) => break end,
        }
    };
    said
}

/// A message of which there are fragments.
struct Open {
    is_text: bool,
    is_deflated: bool,
    bytes: Vec<u8>,
    fragments: usize,
}

fn step(bytes: &mut &[u8], open: &mut Option<Open>, said: &mut Said, rules: Rules) -> Result<(), End> {
    let head = take(bytes, 2).ok_or(End::InFrame)?;
    let (is_final, reserved, opcode) = (head[0] & 0x80 != 0, head[0] & 0x70, head[0] & 0x0f);
    let deflate_is_possible = rules.window.is_some() && matches!(opcode, 1 | 2);
    let is_control = opcode >= 8;
    let short = usize::from(head[1] & 0x7f);
    if reserved != 0 && !(reserved == 0x40 && deflate_is_possible)
        || !matches!(opcode, 0..=2 | 8..=10)
        || head[1] & 0x80 == 0
        || is_control && (short > 125 || !is_final)
    {
        return Err(PROTOCOL);
    }
    let (length, least) = match short {
        126 => (number(take(bytes, 2).ok_or(End::InFrame)?), 126),
        127 => (number(take(bytes, 8).ok_or(End::InFrame)?), 0x1_0000),
        short => (short as u64, 0),
    };
    if length < least || length >= 1 << 63 {
        return Err(PROTOCOL);
    }
    let mask = take(bytes, 4).ok_or(End::InFrame)?.to_vec();
    match (opcode, &mut *open) {
        (0, None) | (1 | 2, Some(_)) => return Err(PROTOCOL),
        (0, Some(open)) => {
            open.fragments += 1;
            if open.fragments > rules.fragments {
                return Err(SIZE);
            }
        }
        (1 | 2, open) => {
            *open = Some(Open { is_text: opcode == 1, is_deflated: reserved != 0, bytes: Vec::new(), fragments: 1 });
        }
        _ => {}
    }
    let before = if is_control { 0 } else { open.as_ref().map_or(0, |open| open.bytes.len()) };
    if !is_control && (before as u64).saturating_add(length) > rules.message as u64 {
        return Err(SIZE);
    }
    let is_cut = (bytes.len() as u64) < length;
    let payload = take(bytes, if is_cut { bytes.len() } else { length as usize }).unwrap_or_default();
    let payload: Vec<u8> = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    if is_control {
        return if is_cut { Err(End::InFrame) } else { control(opcode, payload, said) };
    }
    let Some(message) = open else { return Err(PROTOCOL) };
    message.bytes.extend(payload);
    if message.is_text && !message.is_deflated && is_broken(&message.bytes) {
        return Err(CONTENTS);
    }
    if is_cut {
        return Err(End::InFrame);
    }
    if is_final && let Some(Open { is_text, is_deflated, bytes, .. }) = open.take() {
        let bytes = if is_deflated { inflated(&bytes, rules.message)? } else { bytes };
        if is_text && std::str::from_utf8(&bytes).is_err() {
            return Err(CONTENTS);
        }
        said.messages.push((is_text, bytes));
    }
    Ok(())
}

fn control(opcode: u8, payload: Vec<u8>, said: &mut Said) -> Result<(), End> {
    match opcode {
        8 => Err(match payload.as_slice() {
            [] => End::Closed(None),
            [_] => PROTOCOL,
            [high, low, reason @ ..] => match u16::from_be_bytes([*high, *low]) {
                code @ (1000..=1003 | 1007..=1014 | 3000..=4999) if std::str::from_utf8(reason).is_ok() => {
                    End::Closed(Some(code))
                }
                1000..=1003 | 1007..=1014 | 3000..=4999 => CONTENTS,
                _ => PROTOCOL,
            },
        }),
        9 => {
            said.pings.push(payload);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// True if these can be no beginning of a text.
fn is_broken(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_some())
}

/// Section 7.2.2 of RFC 7692, for what need not be DEFLATE at all.
fn inflated(payload: &[u8], most: usize) -> Result<Vec<u8>, End> {
    let whole = [payload, &[0, 0, 0xff, 0xff]].concat();
    let mut inflate = Decompress::new(false);
    let (mut input, mut out) = (whole.as_slice(), Vec::new());
    loop {
        let mut room = [0; 4096];
        let (taken, made) = (inflate.total_in(), inflate.total_out());
        // Whether the size or the contents are found wrong first depends on how much is inflated at once.
        let status =
            inflate.decompress(input, &mut room, FlushDecompress::Sync).map_err(|_| End::Broke(&[1007, 1009]))?;
        let (taken, made) = ((inflate.total_in() - taken) as usize, (inflate.total_out() - made) as usize);
        out.extend_from_slice(&room[..made]);
        input = &input[taken..];
        if out.len() > most {
            return Err(End::Broke(&[1007, 1009]));
        }
        if status == Status::StreamEnd {
            inflate.reset(false);
        } else if taken == 0 && made == 0 {
            return if input.is_empty() { Ok(out) } else { Err(End::Broke(&[1007, 1009])) };
        }
        if input.is_empty() && made < room.len() {
            return Ok(out);
        }
    }
}

/// What the host has said.
#[derive(Debug, Default)]
pub struct Answered {
    /// Its messages.
    pub messages: Vec<Message>,
    /// Its pongs.
    pub pongs: Vec<Vec<u8>>,
    /// The code of its Close, if it has said it; nothing if that has none.
    pub close: Option<Option<u16>>,
}

/// What the host has said with these bytes.
///
/// # Panics
/// It may not say that.
pub fn answered(mut bytes: &[u8], rules: Rules) -> Answered {
    let mut answered = Answered::default();
    while !bytes.is_empty() {
        assert!(answered.close.is_none(), "it goes on after its Close: {bytes:x?}");
        let Some(head) = take(&mut bytes, 2) else { panic!("half a head: {bytes:x?}") };
        assert!(head[0] & 0x80 != 0 && head[1] & 0x80 == 0, "a fragment, or a mask: {head:x?}");
        let length = match head[1] {
            126 => number(take(&mut bytes, 2).expect("a length")),
            127 => number(take(&mut bytes, 8).expect("a length")),
            short => u64::from(short),
        };
        assert!(head[1] != 126 || length >= 126, "a length in too many bytes");
        assert!(head[1] != 127 || length > 0xffff, "a length in too many bytes");
        let payload = take(&mut bytes, length as usize).unwrap_or_else(|| panic!("{head:x?} is cut off"));
        let payload = match (head[0] & 0x70, rules.window) {
            (0, _) => payload.to_vec(),
            (0x40, Some(window)) if matches!(head[0] & 0x0f, 1 | 2) => {
                let whole = [payload, &[0, 0, 0xff, 0xff]].concat();
                inflate(&whole, 1 << window)
                    .unwrap_or_else(|| panic!("it refers to what is too far away: {payload:x?}"))
            }
            _ => panic!("a reserved bit: {head:x?}"),
        };
        match head[0] & 0x0f {
            1 => {
                assert!(std::str::from_utf8(&payload).is_ok(), "its text is none");
                answered.messages.push((true, payload));
            }
            2 => answered.messages.push((false, payload)),
            8 => {
                assert!(payload.len() <= 125 && payload.len() != 1, "its Close is wrong: {payload:x?}");
                answered.close = Some(payload.first_chunk().map(|code| u16::from_be_bytes(*code)));
                assert!(std::str::from_utf8(payload.get(2..).unwrap_or_default()).is_ok(), "its reason is no text");
            }
            9 => assert!(payload.len() <= 125, "its ping is too long"),
            10 => answered.pongs.push(payload),
            other => panic!("it says {other:x}"),
        }
    }
    answered
}
