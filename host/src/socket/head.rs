//! The head of a frame (RFC 6455, section 5.2): what it is, how long, and its mask, checked for all that a head can do wrong by
//! itself. The reader asks for one when a frame begins.

use super::violation::Violation;

/// The head of a frame that has been checked.
pub(super) struct Header {
    pub(super) opcode: Opcode,
    pub(super) is_final: bool,
    pub(super) is_deflated: bool,
    pub(super) length: u64,
    pub(super) mask: [u8; 4],
}

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

/// What the first of the three reserved bits may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FirstBit {
    /// Nothing: no extension was agreed on.
    Reserved,
    /// That a message is compressed (RFC 7692, section 6).
    Deflated,
}

/// The first bytes of a frame, while they are not all there.
#[derive(Debug, Default)]
pub(super) struct Head {
    bytes: [u8; MAX_HEAD],
    length: u8,
}

/// Two bytes, eight of length, four of mask.
const MAX_HEAD: usize = 14;

/// The most that a control frame carries (section 5.5).
const MAX_CONTROL: u64 = 125;

impl Head {
    /// The next frame's head, taken from the input; nothing, if the input ends before it does, and then what there is of it is kept.
    pub(super) fn complete(&mut self, input: &mut &[u8], first_bit: FirstBit) -> Result<Option<Header>, Violation> {
        if self.length == 0
            && let Some((header, rest)) = parse(input, first_bit)?
        {
            *input = rest;
            return Ok(Some(header));
        }
        while let Some((byte, rest)) = input.split_first() {
            let known = usize::from(self.length);
            // A head of this many bytes is always complete.
            let Some(place) = self.bytes.get_mut(known) else { return Ok(None) };
            *place = *byte;
            self.length += 1;
            *input = rest;
            if let Some((header, _)) = parse(self.bytes.get(..=known).unwrap_or_default(), first_bit)? {
                self.length = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }
}

/// Section 5.2.
fn parse(bytes: &[u8], first_bit: FirstBit) -> Result<Option<(Header, &[u8])>, Violation> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    let reserved = first & 0x70;
    // Compression is said in the first frame of a message, and is about all of it.
    if reserved != 0 && (reserved != 0x40 || first_bit == FirstBit::Reserved || !matches!(first & 0x0f, 0x1 | 0x2)) {
        return Err(Violation::Protocol("a reserved bit is set to which no extension gives a meaning there"));
    }
    let opcode = match first & 0x0f {
        0x0 => Opcode::Continuation,
        0x1 => Opcode::Text,
        0x2 => Opcode::Binary,
        0x8 => Opcode::Close,
        0x9 => Opcode::Ping,
        0xa => Opcode::Pong,
        _ => return Err(Violation::Protocol("an opcode is not one of RFC 6455")),
    };
    if second & 0x80 == 0 {
        return Err(Violation::Protocol("a frame is not masked"));
    }
    let is_final = first & 0x80 != 0;
    let short = u64::from(second & 0x7f);
    if opcode.is_control() && (short > MAX_CONTROL || !is_final) {
        return Err(Violation::Protocol("a control frame is in fragments, or has more than 125 bytes"));
    }
    let (length, rest) = match short {
        126 => match rest.split_first_chunk() {
            Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk() {
            Some((length, rest)) => (u64::from_be_bytes(*length), rest),
            None => return Ok(None),
        },
        _ => (short, rest),
    };
    if (short == 126 && length < 126) || (short == 127 && length <= u64::from(u16::MAX)) || length > u64::MAX >> 1 {
        return Err(Violation::Protocol("a length is not written in the least number of bytes"));
    }
    let Some((mask, rest)) = rest.split_first_chunk() else { return Ok(None) };
    Ok(Some((Header { opcode, is_final, is_deflated: reserved != 0, length, mask: *mask }, rest)))
}

impl Opcode {
    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_one_spelling() {
        let long_for_short: [&[u8]; 3] = [
            &[0x82, 0x80 | 126, 0, 125, 0, 0, 0, 0],
            &[0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0],
            &[0x82, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ];
        for bytes in long_for_short {
            assert!(matches!(parse(bytes, FirstBit::Reserved), Err(Violation::Protocol(_))), "{bytes:x?}");
        }
    }

    #[test]
    fn a_head_that_is_wrong_is_refused_before_it_is_complete() {
        let wrong: [&[u8]; 6] =
            [&[0xc1, 0x80], &[0x83, 0x80], &[0x81, 0x01], &[0x09, 0x80], &[0x89, 0x80 | 126], &[0x08, 0x80]];
        for bytes in wrong {
            assert!(matches!(parse(bytes, FirstBit::Reserved), Err(Violation::Protocol(_))), "{bytes:x?}");
        }
    }

    #[test]
    fn a_head_may_come_in_any_pieces() {
        let bytes = [0x82, 0x80 | 126, 1, 0, 1, 2, 3, 4, 0xff];
        for cut in 0..bytes.len() {
            let mut head = Head::default();
            let (mut one, mut two) = bytes.split_at(cut);
            let found = match head.complete(&mut one, FirstBit::Reserved) {
                Ok(None) => head.complete(&mut two, FirstBit::Reserved),
                found => found,
            };
            let header = found.ok().flatten().expect("a head");
            assert_eq!(
                (header.opcode, header.length, header.mask),
                (Opcode::Binary, 256, [1, 2, 3, 4]),
                "cut at {cut}"
            );
        }
    }
}
