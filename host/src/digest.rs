//! What a component is called by its contents alone: two that have the same digest are the same bytes. It knows nothing of names
//! and files.

use std::fmt;
use std::str::FromStr;

use sha2::Digest as _;

/// So many bytes of a digest tell one version from another.
const BRIEF: usize = 6;

/// The SHA-256 of a component, as `sha256sum` and registries tell it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }
}

/// `sha256:` and 64 hexadecimal digits; without the prefix with `{:x}`.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{self:x}")
    }
}

impl fmt::LowerHex for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A digest in a line of the log: as many digits as tell one version from another, and whole with `{:#}` for who keeps the line.
#[derive(Clone, Copy, Debug)]
pub struct Brief(pub Digest);

impl fmt::Display for Brief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return fmt::Display::fmt(&self.0, f);
        }
        self.0.0.iter().take(BRIEF).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The text is not a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a digest: `sha256:` and 64 hexadecimal digits in lower case")]
pub struct NotADigest;

/// With the prefix or without it.
impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text).as_bytes();
        let (pairs, []) = digits.as_chunks::<2>() else { return Err(NotADigest) };
        let mut digest = [0; 32];
        if pairs.len() != digest.len() {
            return Err(NotADigest);
        }
        for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Ok(Self(digest))
    }
}

fn nibble(digit: u8) -> Result<u8, NotADigest> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(NotADigest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_one_spelling_beside_its_prefix() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(format!("{digest:x}").parse(), Ok(digest));
        for text in [format!("{digest:x}0"), format!("{digest:x}").to_uppercase(), String::new(), "sha256:".to_owned()]
        {
            assert_eq!(text.parse::<Digest>(), Err(NotADigest), "{text}");
        }
    }

    #[test]
    fn a_digest_is_shown_as_other_programs_show_it() {
        // The first example of FIPS 180-2.
        let shown = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of(b"abc").to_string(), shown);
        let brief = Brief(Digest::of(b"abc"));
        assert_eq!((format!("{brief}"), format!("{brief:#}")), ("ba7816bf8f01".to_owned(), shown.to_owned()));
    }
}
