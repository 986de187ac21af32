//! What a client says, from the bytes that it sends: frames become messages (RFC 6455, sections 5 to 8; RFC 7692, section 7.2.2).
//! It is given bytes as they come and keeps only what is not complete, so a silent client costs no buffer. It knows no socket.

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::deflate::inflated;
use super::head::{FirstBit, Head, Header, Opcode};
use super::violation::Violation;
use crate::message::{CloseFrame, Message};

/// What a client said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Message(Message),
    Ping(Bytes),
    Pong,
    Close(CloseFrame),
}

/// Puts frames together.
#[derive(Debug)]
pub(super) struct Reader {
    limit: usize,
    fragments: u32,
    first_bit: FirstBit,
    head: Head,
    // The frame whose payload is coming.
    frame: Option<Frame>,
    // The message whose fragments are coming.
    message: Option<Unfinished>,
    // The payload of a control frame that is coming; it may come between the fragments of a message.
    control: Vec<u8>,
}

#[derive(Debug)]
struct Frame {
    opcode: Opcode,
    is_final: bool,
    mask: [u8; 4],
    missing: usize,
}

#[derive(Debug)]
struct Unfinished {
    kind: Kind,
    bytes: Vec<u8>,
    // How many of a text's bytes are known to be UTF-8.
    checked: usize,
    fragments: u32,
    is_deflated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Binary,
}

impl Reader {
    /// Nothing has come yet. No message may be larger than the limit, or have more fragments than these.
    pub(super) fn new(limit: usize, fragments: u32, first_bit: FirstBit) -> Self {
        Self { limit, fragments, first_bit, head: Head::default(), frame: None, message: None, control: Vec::new() }
    }

    /// The next thing that the client says. It takes from the input what it has understood; nothing, if all of the input was taken
    /// and more is needed.
    pub(super) fn next(&mut self, input: &mut &[u8]) -> Result<Option<Heard>, Violation> {
        loop {
            let Some(frame) = &mut self.frame else {
                let Some(head) = self.head.complete(input, self.first_bit)? else { return Ok(None) };
                self.begin(&head)?;
                continue;
            };
            let (chunk, rest) = input.split_at_checked(frame.missing).unwrap_or((input, &[]));
            *input = rest;
            frame.missing -= chunk.len();
            let is_control = frame.opcode.is_control();
            let bytes = match &mut self.message {
                Some(message) if !is_control => &mut message.bytes,
                _ => &mut self.control,
            };
            // As much again as is there, so that one who announces much and sends little gets little.
            let more = frame.missing.min(bytes.len()) + chunk.len();
            if frame.opcode == Opcode::Continuation {
                // Else each of many small fragments would have the message moved.
                bytes.reserve(more);
            } else {
                bytes.reserve_exact(more);
            }
            unmask(bytes, chunk, frame.mask);
            frame.mask.rotate_left(chunk.len() % 4);
            let is_complete = frame.missing == 0;
            if !is_control && let Some(message) = &mut self.message {
                // What is complete is checked as a whole.
                if !(is_complete && frame.is_final && message.checked == 0) {
                    message.check()?;
                }
            }
            if !is_complete {
                return Ok(None);
            }
            if let Some(Frame { opcode, is_final, .. }) = self.frame.take()
                && let Some(heard) = self.finish(opcode, is_final)?
            {
                return Ok(Some(heard));
            }
        }
    }

    /// A frame begins.
    fn begin(&mut self, head: &Header) -> Result<(), Violation> {
        let kind = match (head.opcode, &self.message) {
            (Opcode::Text, None) => Some(Kind::Text),
            (Opcode::Binary, None) => Some(Kind::Binary),
            (Opcode::Text | Opcode::Binary, Some(_)) => {
                return Err(Violation::Protocol("a message began before the one before had ended"));
            }
            (Opcode::Continuation, None) => return Err(Violation::Protocol("nothing is there to be continued")),
            (Opcode::Continuation | Opcode::Close | Opcode::Ping | Opcode::Pong, _) => None,
        };
        if let Some(kind) = kind {
            let is_deflated = head.is_deflated;
            self.message = Some(Unfinished { kind, bytes: Vec::new(), checked: 0, fragments: 1, is_deflated });
        } else if head.opcode == Opcode::Continuation
            && let Some(message) = &mut self.message
        {
            // Empty ones cost no room, but they cost time, and without a bound their message need never end.
            if message.fragments >= self.fragments {
                return Err(Violation::TooManyFragments);
            }
            message.fragments += 1;
        }
        let so_far = self.message.as_ref().map_or(0, |message| message.bytes.len());
        let missing = usize::try_from(head.length).ok().filter(|length| so_far.saturating_add(*length) <= self.limit);
        let missing = match missing {
            Some(missing) => missing,
            // A control frame is small, and counts for no message.
            None if head.opcode.is_control() => usize::try_from(head.length).unwrap_or_default(),
            None => return Err(Violation::TooLarge),
        };
        self.frame = Some(Frame { opcode: head.opcode, is_final: head.is_final, mask: head.mask, missing });
        Ok(())
    }

    /// A frame is complete.
    fn finish(&mut self, opcode: Opcode, is_final: bool) -> Result<Option<Heard>, Violation> {
        let heard = match opcode {
            Opcode::Ping => Heard::Ping(std::mem::take(&mut self.control).into()),
            Opcode::Pong => {
                self.control = Vec::new();
                Heard::Pong
            }
            Opcode::Close => Heard::Close(close_frame(&std::mem::take(&mut self.control))?),
            Opcode::Continuation | Opcode::Text | Opcode::Binary if !is_final => return Ok(None),
            Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                let Some(message) = self.message.take() else { return Ok(None) };
                let bytes = if message.is_deflated { inflated(&message.bytes, self.limit)? } else { message.bytes };
                Heard::Message(match message.kind {
                    Kind::Binary => Message::Binary(bytes.into()),
                    Kind::Text => {
                        let text = String::from_utf8(bytes).map_err(|_| Violation::InvalidUtf8)?;
                        Message::Text(text.into())
                    }
                })
            }
        };
        Ok(Some(heard))
    }
}

impl Unfinished {
    /// Checks what has come of a text, unless it is compressed. A character may be cut by the end of a frame or of what was read.
    fn check(&mut self) -> Result<(), Violation> {
        if self.kind == Kind::Binary || self.is_deflated {
            return Ok(());
        }
        match std::str::from_utf8(self.bytes.get(self.checked..).unwrap_or_default()) {
            Ok(text) => self.checked += text.len(),
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(Violation::InvalidUtf8),
        }
        Ok(())
    }
}

/// Section 5.5.1. A frame without a code stands for 1005 (section 7.1.5).
fn close_frame(payload: &[u8]) -> Result<CloseFrame, Violation> {
    match payload {
        [] => Ok(CloseFrame::received(1005, Utf8Bytes::default())),
        [_] => Err(Violation::Protocol("a Close frame has half a code")),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(Violation::Protocol("a Close frame has a code that may not be sent"));
            }
            let reason = std::str::from_utf8(reason).map_err(|_| Violation::InvalidUtf8)?;
            Ok(CloseFrame::received(code, reason.into()))
        }
    }
}

/// Appends what was masked (section 5.3). The mask is applied to eight bytes at a time, which compilers turn into vector
/// instructions.
fn unmask(bytes: &mut Vec<u8>, masked: &[u8], mask: [u8; 4]) {
    let start = bytes.len();
    bytes.extend_from_slice(masked);
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, tail) = bytes.get_mut(start..).unwrap_or_default().as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in tail.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            length @ 0..126 => bytes.push(0x80 | length as u8),
            length @ 126..0x10000 => {
                bytes.push(0x80 | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            length => {
                bytes.push(0x80 | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend(MASK);
        bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        bytes
    }

    fn text(text: &str) -> Heard {
        Heard::Message(Message::Text(text.into()))
    }

    /// Gives the reader these pieces one after the other.
    fn hear<'a>(limit: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Heard>, Violation> {
        let mut reader = Reader::new(limit, 3, FirstBit::Reserved);
        let mut heard = Vec::new();
        for mut piece in pieces {
            while let Some(next) = reader.next(&mut piece)? {
                heard.push(next);
            }
            assert!(piece.is_empty());
        }
        Ok(heard)
    }

    #[test]
    fn it_is_all_the_same_where_the_stream_is_cut() {
        let long = "käse".repeat(40);
        let said = [
            frame(0x01, "größ".as_bytes()),
            frame(0x89, b"still there?"),
            frame(0x00, &"ß".as_bytes()[..1]),
            frame(0x80, &"ß".as_bytes()[1..]),
            frame(0x81, b""),
            frame(0x82, &[0xff; 3]),
            frame(0x8a, b""),
            frame(0x81, long.as_bytes()),
            frame(0x88, &[0x03, 0xe8, b'b', b'y', b'e']),
        ]
        .concat();
        let expected = vec![
            Heard::Ping("still there?".into()),
            text("größß"),
            text(""),
            Heard::Message(Message::Binary(vec![0xff; 3].into())),
            Heard::Pong,
            text(&long),
            Heard::Close(CloseFrame::received(1000, "bye".into())),
        ];
        assert_eq!(hear(1000, [&said[..]]).as_ref(), Ok(&expected));
        assert_eq!(hear(1000, said.chunks(1)).as_ref(), Ok(&expected));
        for one in 0..said.len() {
            for two in one..said.len() {
                let pieces = [&said[..one], &said[one..two], &said[two..]];
                assert_eq!(hear(1000, pieces).as_ref(), Ok(&expected), "cut at {one} and {two}");
            }
        }
    }

    #[test]
    fn messages_of_every_length_are_read() {
        for size in [0, 125, 126, 0xffff, 0x10000] {
            let heard = hear(1 << 20, [&frame(0x82, &vec![7; size])[..]]);
            assert_eq!(heard, Ok(vec![Heard::Message(Message::Binary(vec![7; size].into()))]), "{size}");
        }
    }

    #[test]
    fn a_bad_byte_is_found_before_its_message_has_ended() {
        let begun = frame(0x01, b"good \xc3");
        assert_eq!(hear(100, [&begun[..]]), Ok(vec![]), "the character may go on in the next fragment");
        assert_eq!(hear(100, [&begun[..], &frame(0x00, b"(")[..]]), Err(Violation::InvalidUtf8));
        let whole = frame(0x81, b"\xffxxxxxxxx");
        assert_eq!(hear(100, [&whole[..7]]), Err(Violation::InvalidUtf8));
        assert_eq!(hear(100, [&frame(0x81, b"\xc3")[..]]), Err(Violation::InvalidUtf8), "cut at the end of a message");
    }

    #[test]
    fn the_limit_is_on_all_fragments_and_holds_before_they_have_come() {
        assert_eq!(hear(3, [&frame(0x82, &[0; 3])[..]]).map(|heard| heard.len()), Ok(1));
        assert_eq!(hear(3, [&frame(0x82, &[0; 4])[..8]]), Err(Violation::TooLarge));
        assert_eq!(hear(3, [&frame(0x02, &[0; 2])[..], &frame(0x80, &[0; 2])[..]]), Err(Violation::TooLarge));
        assert_eq!(hear(0, [&frame(0x89, &[0; 125])[..]]).map(|heard| heard.len()), Ok(1), "a ping is no message");
    }

    #[test]
    fn what_was_announced_is_not_what_is_paid_for() {
        let mut reader = Reader::new(1 << 30, 1, FirstBit::Reserved);
        let announced = [&[0x82, 0x80 | 127][..], &(1_u64 << 30).to_be_bytes(), &MASK, b"little"].concat();
        assert_eq!(reader.next(&mut &announced[..]), Ok(None));
        assert!(reader.message.is_some_and(|message| message.bytes.capacity() < 100));
    }
}
