//! DEFLATE (RFC 1951) read bit by bit, with a look at how far back it refers. The library that the host compresses with reads what it
//! has written itself, wherever that leads.

/// A canonical Huffman code (section 3.2.2): how many codes there are of each length, and the symbols in their order.
struct Code {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[usize]) -> Self {
        let mut counts = [0; 16];
        lengths.iter().for_each(|length| counts[*length] += 1);
        counts[0] = 0;
        let of_length = |wanted: usize| (0..lengths.len()).filter(move |symbol| lengths[*symbol] == wanted);
        Self { counts, symbols: (1..16).flat_map(of_length).collect() }
    }
}

struct Bits<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<usize> {
        let mut value = 0;
        for place in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value |= usize::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Some(value)
    }

    fn symbol(&mut self, code: &Code) -> Option<usize> {
        let (mut value, mut first, mut index) = (0, 0, 0);
        for count in &code.counts[1..] {
            value |= self.take(1)?;
            if value < first + count {
                return code.symbols.get(index + value - first).copied();
            }
            index += count;
            first = (first + count) << 1;
            value <<= 1;
        }
        None
    }
}

const LENGTHS: [(usize, usize); 29] = {
    let mut lengths = [(0, 0); 29];
    let (mut base, mut at) = (3, 0);
    while at < 28 {
        let extra = if at < 8 { 0 } else { (at - 4) / 4 };
        lengths[at] = (base, extra);
        base += 1 << extra;
        at += 1;
    }
    lengths[28] = (258, 0);
    lengths
};

const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// What these bytes stand for, if none of them refers further back than so many bytes; they end between two blocks.
pub fn inflate(bytes: &[u8], furthest: usize) -> Option<Vec<u8>> {
    let (mut bits, mut out) = (Bits { bytes, at: 0 }, Vec::new());
    while bits.at.div_ceil(8) < bytes.len() {
        let _is_last = bits.take(1)?;
        match bits.take(2)? {
            0 => {
                bits.at = bits.at.next_multiple_of(8);
                let (length, again) = (bits.take(16)?, bits.take(16)?);
                if length != !again & 0xffff {
                    return None;
                }
                for _ in 0..length {
                    out.push(bits.take(8)? as u8);
                }
            }
            1 => {
                let mut lengths = [8; 288];
                lengths[144..256].fill(9);
                lengths[256..280].fill(7);
                block(&mut bits, &Code::new(&lengths), &Code::new(&[5; 30]), furthest, &mut out)?;
            }
            2 => {
                let (literals, distances) = codes(&mut bits)?;
                block(&mut bits, &literals, &distances, furthest, &mut out)?;
            }
            _ => return None,
        }
    }
    Some(out)
}

/// Section 3.2.7.
fn codes(bits: &mut Bits<'_>) -> Option<(Code, Code)> {
    let (literals, distances, count) = (bits.take(5)? + 257, bits.take(5)? + 1, bits.take(4)? + 4);
    let mut lengths = [0; 19];
    for place in &ORDER[..count] {
        lengths[*place] = bits.take(3)?;
    }
    let code = Code::new(&lengths);
    let mut lengths = Vec::new();
    while lengths.len() < literals + distances {
        let (length, times) = match bits.symbol(&code)? {
            16 => (*lengths.last()?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length, 1),
        };
        lengths.extend(std::iter::repeat_n(length, times));
    }
    let (literals, distances) = lengths.split_at_checked(literals)?;
    Some((Code::new(literals), Code::new(distances)))
}

fn block(bits: &mut Bits<'_>, literals: &Code, distances: &Code, furthest: usize, out: &mut Vec<u8>) -> Option<()> {
    loop {
        match bits.symbol(literals)? {
            256 => return Some(()),
            byte @ 0..256 => out.push(byte as u8),
            length => {
                let (base, extra) = *LENGTHS.get(length - 257)?;
                let length = base + bits.take(extra)?;
                let distance = bits.symbol(distances)?;
                let extra = (distance / 2).saturating_sub(1);
                let base = if distance < 2 { distance + 1 } else { ((2 + distance % 2) << extra) + 1 };
                let distance = base + bits.take(extra)?;
                let from = out.len().checked_sub(distance).filter(|_| distance <= furthest)?;
                (from..from + length).for_each(|at| out.push(out[at]));
            }
        }
    }
}
