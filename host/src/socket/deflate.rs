//! Compressing and inflating whole messages (RFC 7692, section 7.2). The tables that this needs are 300 kB, so each thread has them
//! once, and no connection has any: nothing goes on from one message to the next.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::extension::WindowBits;
use super::violation::Violation;

/// With this a flush ends. It is not sent, and comes back before a message is inflated (sections 7.2.1 and 7.2.2).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// How hard it tries. Each step above costs more time than it saves bytes of what clients and servers say to each other.
const LEVEL: u32 = 1;

/// Room for a compressed message that is kept for the next one.
const KEPT: usize = 64 << 10;

/// As many windows as there are sizes.
const WINDOWS: usize = 7;

/// What one thread compresses with.
#[derive(Default)]
struct Deflater {
    by_window: [Option<Compress>; WINDOWS],
    out: Vec<u8>,
}

thread_local! {
    static DEFLATER: RefCell<Deflater> = RefCell::default();
    static INFLATER: RefCell<Option<Decompress>> = const { RefCell::new(None) };
}

/// Hands on what is left of the payload when it is compressed; nothing, if that is not less.
pub(super) fn deflated<T>(payload: &[u8], window: WindowBits, then: impl FnOnce(Option<&[u8]>) -> T) -> T {
    DEFLATER.with_borrow_mut(|Deflater { by_window, out }| {
        out.clear();
        out.reserve(payload.len());
        let deflate = by_window.get_mut(window.index()).map(|deflate| {
            deflate.get_or_insert_with(|| Compress::new_with_window_bits(Compression::new(LEVEL), false, window.get()))
        });
        let is_done = deflate.is_some_and(|deflate| {
            deflate.reset();
            let outcome = deflate.compress_vec(payload, out, FlushCompress::Sync);
            // All of it is out if there is room left.
            outcome.is_ok() && out.len() < out.capacity() && out.len() < payload.len()
        });
        let outcome = then(out.strip_suffix(&TAIL).filter(|_| is_done));
        if out.capacity() > KEPT {
            *out = Vec::new();
        }
        outcome
    })
}

/// What was compressed, but no more than the limit allows: it stops where that is passed.
pub(super) fn inflated(payload: &[u8], limit: usize) -> Result<Vec<u8>, Violation> {
    INFLATER.with_borrow_mut(|inflater| {
        let inflater = inflater.get_or_insert_with(|| Decompress::new(false));
        inflater.reset(false);
        inflate(inflater, payload, limit)
    })
}

fn inflate(inflater: &mut Decompress, payload: &[u8], limit: usize) -> Result<Vec<u8>, Violation> {
    let mut out = Vec::new();
    let (mut input, mut rest) = (payload, &TAIL[..]);
    loop {
        if out.len() == out.capacity() {
            // As much again as is there, and one byte past the limit at most, by which it is seen to be passed.
            let more = out.len().max(payload.len().saturating_mul(2)).max(64);
            out.reserve_exact(more.min((limit - out.len()).saturating_add(1)));
        }
        let (taken, had) = (inflater.total_in(), out.len());
        let status =
            inflater.decompress_vec(input, &mut out, FlushDecompress::Sync).map_err(|_| Violation::NotDeflate)?;
        if out.len() > limit {
            return Err(Violation::TooLarge);
        }
        let taken = usize::try_from(inflater.total_in() - taken).unwrap_or(usize::MAX);
        input = input.get(taken..).unwrap_or_default();
        if status == Status::StreamEnd {
            // A block that calls itself the last one of its stream does not end the message (section 7.2.3.4).
            inflater.reset(false);
        } else if taken == 0 && out.len() == had && !input.is_empty() {
            return Err(Violation::NotDeflate);
        }
        if input.is_empty() && out.len() < out.capacity() {
            // What was to come has come.
            if rest.is_empty() {
                out.shrink_to_fit();
                return Ok(out);
            }
            input = std::mem::take(&mut rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both_ways(payload: &[u8], window: WindowBits) -> Option<Vec<u8>> {
        deflated(payload, window, |small| small.map(<[u8]>::to_vec))
    }

    #[test]
    fn what_was_compressed_comes_back() {
        for size in [30, 1000, 1 << 20] {
            let text = "once upon a time ".repeat(size / 17 + 1);
            let small = both_ways(text.as_bytes(), WindowBits::MOST).expect("it repeats itself");
            assert!(small.len() < text.len() / 2 + 20, "{} of {}", small.len(), text.len());
            assert_eq!(inflated(&small, 2 << 20), Ok(text.clone().into_bytes()));
            assert_eq!(inflated(&small, text.len()), Ok(text.clone().into_bytes()));
            assert_eq!(inflated(&small, text.len() - 1), Err(Violation::TooLarge));
        }
    }

    #[test]
    fn what_would_not_get_smaller_is_left_alone() {
        let mut noise = vec![0; 10_000];
        getrandom::fill(&mut noise).expect("random bytes");
        assert_eq!(both_ways(&noise, WindowBits::MOST), None);
        assert_eq!(both_ways(b"", WindowBits::MOST), None);
    }
}
