//! What can be wrong with the files of TLS, and what to do about it. No contents of a file are in it: one of them is a secret.

use std::io::ErrorKind;
use std::path::PathBuf;

use tokio_rustls::rustls;

/// Why TLS cannot be spoken, or new files are not taken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The settings name no certificate.
    #[error("[listen.tls] names no certificate")]
    NoneNamed,
    /// Clients are to be asked for certificates, and nobody is believed; or the other way round.
    #[error("`client-certificates` and `client-roots` under [listen.tls] do not go together: {0}")]
    Clients(&'static str),
    /// A file cannot be read.
    #[error("{file} cannot be read", file = file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What is in a file is damaged.
    #[error("{file} is damaged: {what}", file = file.display())]
    Damaged {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A file of certificates has none.
    #[error("there is no certificate in {file}", file = file.display())]
    NoCertificate {
        /// Which.
        file: PathBuf,
        /// What there is instead.
        instead: Instead,
    },
    /// A file of a key has none.
    #[error("there is no private key in {file}", file = file.display())]
    NoKey {
        /// Which.
        file: PathBuf,
        /// What there is instead.
        instead: Instead,
    },
    /// A key is of a kind that TLS cannot be spoken with.
    #[error("the private key in {file} cannot be used", file = file.display())]
    UnusableKey {
        /// Which.
        file: PathBuf,
    },
    /// A key belongs to another certificate.
    #[error("the private key in {key} does not belong to the certificate in {chain}", key = key.display(), chain = chain.display())]
    Mismatch {
        /// The certificate.
        chain: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// What the parts are is in order, and yet there is no TLS.
    #[error("no TLS can be had: {0}")]
    Tls(#[from] rustls::Error),
}

/// What is in a file that has not what was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// What a file of the other kind has: they may be the wrong way round.
    Other,
    /// A key under a password.
    Encrypted,
    /// Something that is not PEM.
    Unknown,
}

impl TlsError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoneNamed => {
                "add [[listen.tls.certificate]] with `chain` and `key`, or leave [listen.tls] out for no TLS"
            }
            Self::Clients(_) => {
                "`client-certificates` is \"optional\" or \"required\", and `client-roots` is a file with the certificates of their authorities in PEM"
            }
            Self::Unreadable { source, .. } => match source.kind() {
                ErrorKind::NotFound => "paths are relative to the configuration file",
                ErrorKind::PermissionDenied => "the user that runs the host has to be able to read it",
                _ => return None,
            },
            Self::Damaged { .. } => {
                "copy it again; `openssl x509 -text -in FILE` or `openssl pkey -check -in FILE` shows what is in it"
            }
            Self::NoCertificate { instead, .. } => match instead {
                Instead::Other => "there is a private key in it: are `chain` and `key` the wrong way round?",
                Instead::Encrypted | Instead::Unknown => {
                    "it has to be PEM, with a line `-----BEGIN CERTIFICATE-----`; `openssl x509 -inform DER -in FILE -out chain.pem` makes it from DER"
                }
            },
            Self::NoKey { instead, .. } => match instead {
                Instead::Other => "there is a certificate in it: are `chain` and `key` the wrong way round?",
                Instead::Encrypted => "it has a password: `openssl pkey -in FILE -out key.pem` takes it off",
                Instead::Unknown => {
                    "it has to be PEM, with a line `-----BEGIN PRIVATE KEY-----` (PKCS#8), `EC PRIVATE KEY` (SEC1) or `RSA PRIVATE KEY` (PKCS#1)"
                }
            },
            Self::UnusableKey { .. } => {
                "it has to be RSA of 2048 bits or more, ECDSA on P-256, P-384 or P-521, or Ed25519"
            }
            Self::Mismatch { .. } => "the first certificate of `chain` has to be the one that was made for `key`",
            Self::Tls(_) => return None,
        };
        Some(text.to_owned())
    }
}
