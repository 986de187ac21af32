//! The keys of one plugin: as they were read last, and read again when they are old, or a token names one that is not among them.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::error::{FetchError, JwtError, TokenError};
use super::key::Key;
use super::source::Source;
use super::token::Token;
use crate::outgoing::Trust;

/// A token without the name of a key is tried with so many: each costs as much as a signature does.
const TRIED: usize = 8;

/// Public keys and where they come from.
pub(super) struct Keys {
    source: Source,
    known: ArcSwap<Known>,
    // Who reads them holds it; it says when they were looked for last, and with what success.
    looked: Mutex<Looked>,
}

struct Known {
    keys: Vec<Key>,
    // Never, if there are none yet.
    read: Option<Instant>,
}

struct Looked {
    at: Option<Instant>,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// There were others than before.
    New,
    /// They were the same.
    Same,
    /// They could not be read.
    Failed,
}

/// What the keys say of a token.
enum Verdict {
    Signed,
    /// Not by the key that it names.
    Wrong,
    /// Not by any that it could mean.
    WrongToAll,
    /// There is none that it could mean.
    Unknown,
}

impl Keys {
    /// Reads what can be read at once.
    pub(super) fn new(source: Source) -> Result<Arc<Self>, JwtError> {
        let unreadable = |error| JwtError::Unreadable { place: source.to_string(), source: error };
        let keys = source.read_now().map_err(unreadable)?;
        let at = keys.is_some().then(Instant::now);
        Ok(Arc::new(Self {
            source,
            known: ArcSwap::from_pointee(Known { keys: keys.unwrap_or_default(), read: at }),
            looked: Mutex::new(Looked { at, outcome: Outcome::New }),
        }))
    }

    /// Looks whether one of the keys has signed a token.
    pub(super) async fn check(self: &Arc<Self>, token: &Token<'_>, trust: &Trust) -> Result<(), TokenError> {
        let (age, _) = self.source.pace();
        if self.known.load().read.is_some_and(|at| at.elapsed() >= age) {
            match self.source {
                // Somebody is at it.
                Source::Url(..) if self.looked.try_lock().is_err() => {}
                // Nobody waits for it: those that are known are as good as they were a moment ago.
                Source::Url(..) => drop(self.look_again(trust)),
                // Whether it was read is seen by what is known after it.
                Source::File(..) | Source::Text(_) => _ = self.look_again(trust).await,
            }
        }
        let mut verdict = self.known.load().judge(token);
        if matches!(verdict, Verdict::Unknown | Verdict::WrongToAll) {
            let _looked = self.look_again(trust).await;
            verdict = self.known.load().judge(token);
        }
        match verdict {
            Verdict::Signed => Ok(()),
            Verdict::Wrong | Verdict::WrongToAll => Err(TokenError::Signature),
            Verdict::Unknown if self.known.load().read.is_none() => {
                Err(TokenError::Unavailable("none could be read yet"))
            }
            Verdict::Unknown => Err(match &token.key {
                Some(key) => TokenError::UnknownKey(key.chars().take(100).collect()),
                None => TokenError::Algorithm(token.algorithm_name()),
            }),
        }
    }

    /// Reads the keys again. A task of its own does it: a client that leaves meanwhile takes it from nobody.
    fn look_again(self: &Arc<Self>, trust: &Trust) -> JoinHandle<()> {
        let (keys, trust) = (Arc::clone(self), trust.clone());
        tokio::spawn(async move { keys.look(&trust).await })
    }

    /// Reads them, unless it was tried just now and there was nothing new. Several who want it at once wait for one of them.
    async fn look(&self, trust: &Trust) {
        let mut looked = self.looked.lock().await;
        let (_, between) = self.source.pace();
        if looked.outcome != Outcome::New && looked.at.is_some_and(|at| at.elapsed() < between) {
            return;
        }
        looked.at = Some(Instant::now());
        looked.outcome = match self.source.fetch(trust).await {
            Ok(keys) => {
                let outcome = if self.known.load().keys == keys { Outcome::Same } else { Outcome::New };
                self.known.store(Arc::new(Known { keys, read: Some(Instant::now()) }));
                outcome
            }
            Err(error) => {
                self.failed(&error, looked.outcome);
                Outcome::Failed
            }
        };
    }

    /// The first failure of many is told; those that were read before go on serving.
    fn failed(&self, error: &FetchError, before: Outcome) {
        if before != Outcome::Failed {
            let error = crate::telemetry::chain(error);
            tracing::warn!(source = %self.source, error, "the keys of tokens cannot be read");
        }
    }
}

impl Known {
    fn judge(&self, token: &Token<'_>) -> Verdict {
        let mut verdict = Verdict::Unknown;
        let right = self.keys.iter().filter(|key| key.algorithm() == token.algorithm);
        // A key in PEM has no name, and a token need not name one.
        let meant = right.filter(|key| token.key.is_none() || key.id.is_none() || token.key == key.id);
        for key in meant.take(TRIED) {
            if key.has_signed(token.signed, &token.signature) {
                return Verdict::Signed;
            }
            let is_named = token.key.is_some() && key.id.is_some();
            verdict = if is_named { Verdict::Wrong } else { Verdict::WrongToAll };
        }
        verdict
    }
}
