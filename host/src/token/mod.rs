//! The tokens of the admin API: what they look like, what is kept of them, and what their roles may do. It keeps none itself and
//! knows no HTTP.
//!
//! A token is 43 random letters and digits, 256 bits. Nobody can try that many, so a hash that is slow on purpose would protect
//! nothing and would cost every request: SHA-256 is kept, and whoever reads the store has no token. The first letters are the
//! token's id, which finds its record; 208 bits stay secret.

mod record;
mod role;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

pub use record::{Denied, Matter, Record, Scope};
pub use role::{Action, Role};

/// What every token and every id begins with, so that those who look for secrets in the wrong places find it.
const PREFIX: &str = "hl_";

/// Letters and digits of a token behind its prefix: 62 ^ 43 is just above 2 ^ 256.
const LETTERS: usize = 43;

/// Those of them that are the id: 48 bits, which do not meet by chance.
const ID_LETTERS: usize = 8;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A token as its owner has it. It is shown once, when it is made.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// What a token is called by. It is no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenId(String);

/// The SHA-256 of a token.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenHash([u8; 32]);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// The system has no random bits.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut text = PREFIX.to_owned();
        while text.len() < PREFIX.len() + LETTERS {
            let mut bytes = [0; 64];
            getrandom::fill(&mut bytes)?;
            // Two in 64 are thrown away, else some letters would be likelier than others.
            let letters = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
            text.extend(letters.map(|letter| char::from(*letter)).take(PREFIX.len() + LETTERS - text.len()));
        }
        Ok(Self(text))
    }

    /// The token itself, to be given to its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What it is called by.
    #[must_use]
    pub fn id(&self) -> TokenId {
        TokenId(self.0.chars().take(PREFIX.len() + ID_LETTERS).collect())
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(&self.0).into())
    }
}

/// Without what makes it one: this is what comes into logs.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", self.id())
    }
}

/// The text has not the form of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token: it is `{PREFIX}` and {LETTERS} letters and digits")]
pub struct NotAToken;

impl FromStr for Token {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let letters = text.strip_prefix(PREFIX).ok_or(NotAToken)?;
        let good = letters.len() == LETTERS && letters.bytes().all(|byte| byte.is_ascii_alphanumeric());
        good.then(|| Self(text.to_owned())).ok_or(NotAToken)
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Any text; one that is no token's id finds no record.
impl From<&str> for TokenId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Takes the same time wherever the two differ, so that nobody can find a hash letter by letter.
impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl From<TokenHash> for String {
    fn from(hash: TokenHash) -> Self {
        hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TryFrom<String> for TokenHash {
    type Error = NotAHash;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut hash = [0; 32];
        if text.len() != 64 {
            return Err(NotAHash);
        }
        for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = str::from_utf8(digits).map_err(|_| NotAHash)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| NotAHash)?;
        }
        Ok(Self(hash))
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the hash of a token")]
pub struct NotAHash;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_record_and_no_other_is() {
        let token = Token::generate().expect("random bits");
        let record = Record::new(&token, "ann".to_owned(), Role::Owner, Scope::Host, None);
        assert_eq!(token.reveal().parse::<Token>(), Ok(token.clone()));
        assert!(token.reveal().starts_with(&token.id().to_string()));
        assert!(record.is_of(&token));
        assert!(!record.is_of(&Token::generate().expect("random bits")));
        let mut last = token.reveal().to_owned();
        let other = if last.pop() == Some('a') { 'b' } else { 'a' };
        last.push(other);
        assert!(!record.is_of(&last.parse().expect("a token")), "one letter differs");
    }

    #[test]
    fn every_letter_comes_and_none_more_often_than_by_chance() {
        let mut counts = [0_u32; 128];
        for _ in 0..1000 {
            let token = Token::generate().expect("random bits");
            token.reveal().bytes().skip(3).for_each(|letter| counts[usize::from(letter)] += 1);
        }
        // 43,000 letters, 694 of each; five standard deviations are 131.
        for letter in ALPHABET {
            let count = counts[usize::from(*letter)];
            assert!((550..850).contains(&count), "{} came {count} times", char::from(*letter));
        }
    }

    #[test]
    fn what_has_not_the_form_of_a_token_is_none() {
        let good = Token::generate().expect("random bits").reveal().to_owned();
        for bad in ["", "hl_", &good[1..], &good[..45], &format!("{good}0"), &good.replace("hl_", "hl-"), "hl_\u{e4}"] {
            assert_eq!(bad.parse::<Token>(), Err(NotAToken), "{bad}");
        }
    }
}
