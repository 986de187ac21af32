//! The files of TLS: certificates and keys in PEM. What is in all of them at one moment is taken together, so that a look tells
//! whether anything has changed.

use std::fs;
use std::path::{Path, PathBuf};

use tokio_rustls::rustls::pki_types::pem::{self, PemObject, SectionKind};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::error::{Instead, TlsError};
use super::settings::TlsSettings;
use crate::digest::Digest;

/// What is in the files.
pub(super) struct Contents {
    pub(super) pairs: Vec<Pair>,
    pub(super) roots: Option<File>,
}

/// A certificate of the host, with those that lead to its authority, and its key.
pub(super) struct Pair {
    pub(super) chain: File,
    pub(super) key: File,
}

/// One file, as it was.
pub(super) struct File {
    pub(super) path: PathBuf,
    text: Vec<u8>,
}

impl Contents {
    /// Reads all of them.
    pub(super) fn read(settings: &TlsSettings) -> Result<Self, TlsError> {
        let pairs = settings.certificate.iter();
        let pairs = pairs.map(|it| Ok(Pair { chain: File::read(&it.chain)?, key: File::read(&it.key)? }));
        let roots = settings.client_roots.as_deref().map(File::read).transpose()?;
        Ok(Self { pairs: pairs.collect::<Result<_, TlsError>>()?, roots })
    }

    /// Another one if anything is different.
    pub(super) fn digest(&self) -> Digest {
        let files = self.pairs.iter().flat_map(|pair| [&pair.chain, &pair.key]).chain(&self.roots);
        // Of each file by itself, so that nothing can move from one to the next unseen.
        let each: Vec<String> = files.map(|file| Digest::of(&file.text).to_string()).collect();
        Digest::of(each.concat().as_bytes())
    }
}

impl File {
    fn read(path: &Path) -> Result<Self, TlsError> {
        let text = fs::read(path).map_err(|source| TlsError::Unreadable { file: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), text })
    }

    /// The certificates in it, at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let found = CertificateDer::pem_slice_iter(&self.text).collect::<Result<Vec<_>, _>>();
        let found = found.map_err(|error| self.damaged(&error))?;
        if found.is_empty() {
            return Err(TlsError::NoCertificate { file: self.path.clone(), instead: self.instead() });
        }
        Ok(found)
    }

    /// The first private key in it. Other sections, such as the parameters of a curve, may stand before it.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let none = || TlsError::NoKey { file: self.path.clone(), instead: self.instead() };
        PrivateKeyDer::from_pem_slice(&self.text).map_err(|error| match error {
            pem::Error::NoItemsFound => none(),
            // The older form of a key under a password is not base64 alone.
            _ if self.instead() == Instead::Encrypted => none(),
            error => self.damaged(&error),
        })
    }

    /// What is in it instead of what was looked for.
    fn instead(&self) -> Instead {
        const PASSWORD: &[u8] = b"ENCRYPTED";
        if self.text.windows(PASSWORD.len()).any(|it| it == PASSWORD) {
            return Instead::Encrypted;
        }
        let sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(&self.text);
        let is_other = |kind| {
            use SectionKind::{Certificate, EcPrivateKey, PrivateKey, RsaPrivateKey};
            matches!(kind, Certificate | PrivateKey | EcPrivateKey | RsaPrivateKey)
        };
        // Neither is what was looked for, so it is the other one.
        if sections.flatten().any(|(kind, _)| is_other(kind)) { Instead::Other } else { Instead::Unknown }
    }

    /// Says it in words that quote nothing of the file.
    fn damaged(&self, error: &pem::Error) -> TlsError {
        let what = match error {
            pem::Error::MissingSectionEnd { .. } => "it ends in the middle of a section",
            pem::Error::IllegalSectionStart { .. } => "a line that begins a section is not complete",
            pem::Error::Base64Decode(_) => "what is in a section is not base64",
            _ => "it is not PEM",
        };
        self.damage(what)
    }

    /// Something is wrong with what is in it.
    pub(super) fn damage(&self, what: impl Into<String>) -> TlsError {
        TlsError::Damaged { file: self.path.clone(), what: what.into() }
    }
}
