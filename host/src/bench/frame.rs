//! Frames of the WebSocket protocol (RFC 6455), as lean as a load generator needs them.
//!
//! What goes out is one frame, masked once and copied as often as it is to be sent. What comes in is looked at for its headers alone:
//! payloads are counted and skipped, and text is not checked for being UTF-8. Connections use it; it knows no sockets.

/// The longest header of a frame from a server: two bytes and a length of eight.
const LONGEST_HEADER: usize = 10;

/// The longest payload of a control frame that the protocol allows.
const LONGEST_CONTROL: u64 = 125;

const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// The code that stands for a Close frame without one.
const NO_CODE: u16 = 1005;

/// What the messages of a run are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Payload {
    /// Letters.
    #[default]
    Text,
    /// Every byte there is.
    Binary,
}

/// Copies of the one message that a run sends, ready to be written.
#[derive(Debug)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    frame: usize,
}

impl Outgoing {
    /// As many copies of a message of this size as fit into so many bytes, and one at least.
    pub(super) fn new(payload: Payload, size: usize, mask: [u8; 4], room: usize) -> Outgoing {
        let content: Vec<u8> = match payload {
            Payload::Text => (b'a'..=b'z').cycle().take(size).collect(),
            Payload::Binary => (0..=u8::MAX).cycle().take(size).collect(),
        };
        let opcode = if payload == Payload::Text { TEXT } else { BINARY };
        let one = masked(opcode, &content, mask);
        let copies = (room / one.len()).max(1);
        Outgoing { frame: one.len(), bytes: one.repeat(copies) }
    }

    /// The length of one frame.
    pub(super) fn frame(&self) -> usize {
        self.frame
    }

    /// The next bytes to write when so many are still to be written, the last of which ends a frame.
    pub(super) fn next(&self, unsent: usize) -> &[u8] {
        let begun = (self.frame - unsent % self.frame) % self.frame;
        let end = begun.saturating_add(unsent).min(self.bytes.len());
        self.bytes.get(begun..end).unwrap_or_default()
    }
}

/// A Close frame with the code for an end that was meant.
pub(super) fn close(mask: [u8; 4]) -> Vec<u8> {
    masked(CLOSE, &1000_u16.to_be_bytes(), mask)
}

fn masked(opcode: u8, content: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = vec![FINAL | opcode];
    match (u8::try_from(content.len()), u16::try_from(content.len())) {
        (Ok(length @ 0..126), _) => frame.push(MASKED | length),
        (_, Ok(length)) => {
            frame.push(MASKED | 126);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(MASKED | 127);
            frame.extend((content.len() as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(content.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// What was heard in the bytes of one read.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Messages that were completed.
    pub(super) messages: u64,
    /// Bytes of payload.
    pub(super) bytes: u64,
    /// The payloads of pings, which are to be answered.
    pub(super) pings: Vec<Vec<u8>>,
    /// The code of the server's Close.
    pub(super) closed: Option<u16>,
}

impl Heard {
    pub(super) fn clear(&mut self) {
        self.messages = 0;
        self.bytes = 0;
        self.pings.clear();
        self.closed = None;
    }
}

/// The answer to a ping.
pub(super) fn pong(ping: &[u8], mask: [u8; 4]) -> Vec<u8> {
    masked(PONG, ping, mask)
}

/// How a server broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Violation {
    #[error("a frame from the server is masked")]
    Masked,
    #[error("a frame has reserved bits or an unknown opcode: {0:#04x}")]
    Unknown(u8),
    #[error("a frame goes on with a message that was not begun, or begins one inside another")]
    OutOfOrder,
    #[error("a control frame is too long or in parts")]
    BadControl,
    #[error("a frame claims to have {0} bytes")]
    TooLong(u64),
}

/// Whether a message has begun whose last frame has not come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Message {
    #[default]
    Between,
    Begun,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Of a message, but not its end.
    Part,
    /// The end of a message, and mostly all of it.
    Last,
    Ping,
    Pong,
    Close,
}

/// The frame whose payload is coming.
#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    left: u64,
}

/// What came of a connection's stream so far, as much of it as matters for what comes next.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    header: [u8; LONGEST_HEADER],
    // How much of the header has come.
    have: usize,
    frame: Option<Frame>,
    message: Message,
    // What has come of the payload of a control frame.
    control: Vec<u8>,
}

impl Incoming {
    /// Takes what was read. It may begin and end anywhere in a frame.
    pub(super) fn take(&mut self, mut bytes: &[u8], heard: &mut Heard) -> Result<(), Violation> {
        while !bytes.is_empty() {
            if self.frame.is_none() {
                bytes = self.take_header(bytes)?;
            }
            if let Some(frame) = self.frame {
                bytes = self.take_payload(frame, bytes, heard);
            }
        }
        Ok(())
    }

    fn take_header<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Violation> {
        // Nearly every header is short and comes in one piece.
        if let (0, [first, second @ 0..126, rest @ ..]) = (self.have, bytes) {
            self.frame = Some(self.begin(*first, u64::from(*second))?);
            return Ok(rest);
        }
        let Some((byte, rest)) = bytes.split_first() else { return Ok(bytes) };
        if let Some(place) = self.header.get_mut(self.have) {
            *place = *byte;
            self.have += 1;
        }
        let [first, second, a, b, c, d, e, f, g, h] = self.header;
        if self.have >= 2 && second & MASKED != 0 {
            return Err(Violation::Masked);
        }
        let length = match (self.have, second) {
            (2, 0..126) => u64::from(second),
            (4, 126) => u64::from(u16::from_be_bytes([a, b])),
            (LONGEST_HEADER, 127) => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            _ => return Ok(rest),
        };
        self.have = 0;
        self.frame = Some(self.begin(first, length)?);
        Ok(rest)
    }

    /// What a header says is coming.
    fn begin(&mut self, first: u8, length: u64) -> Result<Frame, Violation> {
        let is_final = first & FINAL != 0;
        let kind = match first & !FINAL {
            opcode @ (TEXT | BINARY | 0) => {
                let goes_on = opcode == 0;
                if goes_on != (self.message == Message::Begun) {
                    return Err(Violation::OutOfOrder);
                }
                self.message = if is_final { Message::Between } else { Message::Begun };
                if is_final { Kind::Last } else { Kind::Part }
            }
            PING => Kind::Ping,
            PONG => Kind::Pong,
            CLOSE => Kind::Close,
            _ => return Err(Violation::Unknown(first)),
        };
        let is_control = !matches!(kind, Kind::Part | Kind::Last);
        if is_control && (length > LONGEST_CONTROL || !is_final) {
            return Err(Violation::BadControl);
        }
        // The protocol leaves the highest bit zero.
        if i64::try_from(length).is_err() {
            return Err(Violation::TooLong(length));
        }
        Ok(Frame { kind, left: length })
    }

    fn take_payload<'a>(&mut self, frame: Frame, bytes: &'a [u8], heard: &mut Heard) -> &'a [u8] {
        let here = usize::try_from(frame.left).unwrap_or(usize::MAX).min(bytes.len());
        let (part, rest) = bytes.split_at(here);
        let left = frame.left - here as u64;
        match frame.kind {
            Kind::Part | Kind::Last => heard.bytes += here as u64,
            Kind::Ping | Kind::Close => self.control.extend_from_slice(part),
            Kind::Pong => {}
        }
        if left > 0 {
            self.frame = Some(Frame { left, ..frame });
            return rest;
        }
        self.frame = None;
        match frame.kind {
            Kind::Part | Kind::Pong => {}
            Kind::Last => heard.messages += 1,
            Kind::Ping => heard.pings.push(std::mem::take(&mut self.control)),
            Kind::Close => {
                let code = self.control.first_chunk().map_or(NO_CODE, |code| u16::from_be_bytes(*code));
                heard.closed = Some(code);
            }
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    fn from_server(first: u8, content: &[u8]) -> Vec<u8> {
        let mut frame = masked(first & 0xf, content, [0; 4]);
        frame[0] = first;
        frame[1] &= !MASKED;
        let header = frame.len() - content.len();
        frame.drain(header - 4..header);
        frame
    }

    fn hear(pieces: &[&[u8]]) -> Result<Heard, Violation> {
        let (mut incoming, mut heard) = (Incoming::default(), Heard::default());
        pieces.iter().try_for_each(|piece| incoming.take(piece, &mut heard))?;
        Ok(heard)
    }

    #[test]
    fn a_masked_frame_is_that_of_the_standard() {
        // RFC 6455, 5.7.
        let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert_eq!(masked(TEXT, b"Hello", MASK), hello);
        assert_eq!(masked(BINARY, &[0; 256], MASK)[..4], [0x82, 0xfe, 1, 0]);
        assert_eq!(masked(BINARY, &[0; 65536], MASK)[..10], [0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn what_is_still_to_be_written_goes_on_where_it_stopped() {
        let outgoing = Outgoing::new(Payload::Text, 4, MASK, 35);
        let one = masked(TEXT, b"abcd", MASK);
        assert_eq!(outgoing.frame(), 10);
        assert_eq!(outgoing.next(10), one);
        assert_eq!(outgoing.next(3), &one[7..]);
        assert_eq!(outgoing.next(13), [&one[7..], &one].concat());
        assert_eq!(outgoing.next(1000).len(), 30, "no more than there are copies of");
        assert_eq!(outgoing.next(0), b"");
    }

    #[test]
    fn replies_are_counted_wherever_a_read_splits_them() {
        let stream: Vec<u8> = [
            from_server(0x81, b""),
            from_server(0x82, &[7; 125]),
            from_server(0x81, &[7; 126]),
            from_server(0x82, &[7; 70_000]),
            from_server(0x01, b"in "),
            from_server(0x89, b"there?"),
            from_server(0x00, b"three "),
            from_server(0x80, b"parts"),
            from_server(0x8a, b"pong"),
            from_server(0x88, &[0x03, 0xe9, b'!']),
        ]
        .concat();
        for size in [1, 2, 3, 7, 64, 4096, stream.len()] {
            let pieces: Vec<&[u8]> = stream.chunks(size).collect();
            let heard = hear(&pieces).unwrap();
            assert_eq!((heard.messages, heard.bytes), (5, 125 + 126 + 70_000 + 14), "in pieces of {size}");
            assert_eq!(heard.pings, [b"there?"], "in pieces of {size}");
            assert_eq!(heard.closed, Some(1001), "in pieces of {size}");
        }
        assert_eq!(hear(&[&from_server(0x88, b"")]).unwrap().closed, Some(NO_CODE));
    }

    #[test]
    fn a_server_that_breaks_the_protocol_is_found_out() {
        let refused = [
            (masked(TEXT, b"masked", MASK), Violation::Masked),
            (from_server(0xc1, b"compressed"), Violation::Unknown(0xc1)),
            (from_server(0x83, b"no such opcode"), Violation::Unknown(0x83)),
            (from_server(0x80, b"goes on with nothing"), Violation::OutOfOrder),
            ([from_server(0x01, b"one"), from_server(0x81, b"two")].concat(), Violation::OutOfOrder),
            (from_server(0x09, b"a ping in parts"), Violation::BadControl),
            (from_server(0x89, &[0; 126]), Violation::BadControl),
            ([0x82, 127].into_iter().chain([0xff; 8]).collect(), Violation::TooLong(u64::MAX)),
        ];
        for (bytes, violation) in refused {
            assert_eq!(hear(&[&bytes]).unwrap_err(), violation);
        }
    }
}
