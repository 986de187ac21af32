//! What a client sends after its handshake: frames as they should be, frames as they should not, and any bytes at all.

use arbitrary::{Arbitrary, Unstructured};
use flate2::{Compress, Compression, FlushCompress};

/// One client's part.
#[derive(Arbitrary, Debug)]
pub struct Script {
    /// Whether it offers compression.
    pub offer: Offer,
    /// What it says.
    pub steps: Vec<Step>,
    /// In how small pieces it is sent; 0 is all at once.
    pub piece: u16,
    /// How it leaves.
    pub leave: Leave,
}

/// Which compression is offered.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// None.
    Nothing,
    /// permessage-deflate.
    Deflate,
    /// The same, with a window of so many bits, from 8 to 15.
    Window(u8),
}

/// How a client leaves.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It ends what it has begun, waits for its echo and says Close.
    InOrder,
    /// It ends its side of the stream without a word.
    Silently,
    /// It is gone at once.
    Abruptly,
}

/// One thing that it sends.
#[derive(Arbitrary, Debug)]
pub enum Step {
    /// A message, divided at these places.
    Message { is_text: bool, payload: Payload, cuts: Vec<u8>, is_deflated: bool },
    /// A ping.
    Ping(Short),
    /// A frame with any first byte.
    Frame { first: u8, length: Length, is_masked: bool, payload: Payload },
    /// Close, with a code or without.
    Close { code: Option<u16>, reason: Short },
    /// Bytes.
    Bytes(Vec<u8>),
}

/// In how many bytes a length is written.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Length {
    /// As few as will do.
    Least,
    /// Two.
    Two,
    /// Eight.
    Eight,
    /// Eight, and they do not tell the truth.
    Wrong(u64),
}

/// What is in a message.
#[derive(Arbitrary, Debug)]
pub enum Payload {
    /// Any bytes.
    Bytes(Vec<u8>),
    /// Any text.
    Text(String),
    /// The same byte, many times.
    Many { byte: u8, count: Size },
    /// Letters that repeat themselves near and far, as what can be compressed does.
    Letters { seed: u32, count: Size },
}

/// How many bytes: any number, or one at which something changes.
#[derive(Arbitrary, Debug)]
pub enum Size {
    /// Any.
    Any(u32),
    /// One of these.
    Edge(u8),
}

/// The largest message that the host takes in these talks: small, so that limits are reached.
pub const MESSAGE: usize = 16 << 10;

const EDGES: [usize; 10] = [63, 64, 125, 126, 127, MESSAGE - 1, MESSAGE, MESSAGE + 1, 0xffff, 0x1_0000];

impl Size {
    fn get(&self) -> usize {
        match self {
            // A little more than what fits into two bytes.
            Self::Any(count) => *count as usize % 70_000,
            Self::Edge(which) => EDGES[usize::from(*which) % EDGES.len()],
        }
    }
}

/// What fits into a control frame.
#[derive(Debug)]
pub struct Short(pub Vec<u8>);

impl<'a> Arbitrary<'a> for Short {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut bytes = Vec::<u8>::arbitrary(u)?;
        bytes.truncate(125);
        Ok(Self(bytes))
    }
}

impl Payload {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Many { byte, count } => vec![*byte; count.get()],
            Self::Letters { seed, count } => {
                let next = |state: &mut u32| {
                    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    Some(b"acgt"[(*state >> 30) as usize])
                };
                let mut state = *seed;
                std::iter::from_fn(|| next(&mut state)).take(count.get()).collect()
            }
        }
    }
}

impl Script {
    /// All of it in bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for step in &self.steps {
            step.write(&mut bytes);
        }
        bytes
    }
}

impl Step {
    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Message { is_text, payload, cuts, is_deflated } => {
                let payload = payload.bytes();
                let payload = if *is_deflated { deflated(&payload) } else { payload };
                let opcode = if *is_text { 1 } else { 2 };
                message(opcode | if *is_deflated { 0x40 } else { 0 }, &payload, cuts, to);
            }
            Self::Ping(Short(payload)) => frame(0x89, Length::Least, true, payload, to),
            Self::Frame { first, length, is_masked, payload } => {
                frame(*first, *length, *is_masked, &payload.bytes(), to);
            }
            Self::Close { code, reason } => {
                let mut payload = code.map(|code| code.to_be_bytes().to_vec()).unwrap_or_default();
                payload.extend_from_slice(&reason.0);
                payload.truncate(125);
                frame(0x88, Length::Least, true, &payload, to);
            }
            Self::Bytes(bytes) => to.extend_from_slice(bytes),
        }
    }
}

fn message(first: u8, payload: &[u8], cuts: &[u8], to: &mut Vec<u8>) {
    let (mut first, mut rest) = (first, payload);
    for cut in cuts {
        let (part, after) = rest.split_at(usize::from(*cut).min(rest.len()));
        frame(first, Length::Least, true, part, to);
        (first, rest) = (0, after);
    }
    frame(first | 0x80, Length::Least, true, rest, to);
}

/// Writes a frame as a client does.
pub fn frame(first: u8, length: Length, is_masked: bool, payload: &[u8], to: &mut Vec<u8>) {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let masked = if is_masked { 0x80 } else { 0 };
    let size = payload.len() as u64;
    to.push(first);
    match length {
        Length::Least if size < 126 => to.push(masked | size as u8),
        Length::Two | Length::Least if size < 0x1_0000 => {
            to.push(masked | 126);
            to.extend((size as u16).to_be_bytes());
        }
        Length::Wrong(size) => {
            to.push(masked | 127);
            to.extend(size.to_be_bytes());
        }
        Length::Least | Length::Two | Length::Eight => {
            to.push(masked | 127);
            to.extend(size.to_be_bytes());
        }
    }
    if is_masked {
        to.extend(MASK);
        to.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    } else {
        to.extend_from_slice(payload);
    }
}

fn deflated(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 1024);
    let mut deflate = Compress::new(Compression::fast(), false);
    deflate.compress_vec(payload, &mut out, FlushCompress::Sync).expect("it always can");
    out.strip_suffix(&[0, 0, 0xff, 0xff]).map(<[u8]>::to_vec).unwrap_or(out)
}
