//! What the files of TLS come to: who the host is to its clients, and which clients it believes.

use std::sync::Arc;

use jiff::Timestamp;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error, InconsistentKeys, RootCertStore, ServerConfig};

use super::certificate::About;
use super::error::TlsError;
use super::files::{Contents, File, Pair};
use super::names::Names;
use super::settings::{ClientCertificates, TlsSettings};
use crate::digest::Digest;

/// What is spoken inside of TLS.
const ALPN: &[u8] = b"http/1.1";

/// Who the host is, as its files say at one moment.
pub(super) struct Identity {
    pub(super) config: Arc<ServerConfig>,
    pub(super) names: Arc<Names>,
    pub(super) certificates: Vec<About>,
    /// What the files were that it is made of.
    pub(super) digest: Digest,
}

impl Identity {
    /// Makes it of what was read.
    pub(super) fn new(contents: &Contents, settings: &TlsSettings) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let all: Vec<_> = contents.pairs.iter().map(|pair| certified(pair, &provider)).collect::<Result<_, _>>()?;
        let names = Arc::new(Names::new(&all).ok_or(TlsError::NoneNamed)?);
        let verifier = verifier(contents.roots.as_ref(), settings.client_certificates, &provider)?;
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = match verifier {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::<Names>::clone(&names));
        config.alpn_protocols = vec![ALPN.to_vec()];
        if settings.client_certificates == ClientCertificates::Off {
            // The client keeps its session itself, so that many can come back at once for little.
            config.ticketer = ring::Ticketer::new()?;
        } else {
            // Who resumes a session is not looked at again, and its certificate may have ended meanwhile.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        let certificates = all.into_iter().map(|(_, about)| about).collect();
        Ok(Self { config: Arc::new(config), names, certificates, digest: contents.digest() })
    }

    /// Tells in the log what clients will not like.
    pub(super) fn warn(&self) {
        let now = Timestamp::now();
        for about in &self.certificates {
            if about.names.is_empty() && about.addresses.is_empty() {
                tracing::warn!("a certificate has no names: clients that look for one refuse it");
            }
            if let Some(trouble) = about.trouble(now) {
                about.tell(trouble);
            }
        }
    }
}

/// A certificate with its key, which belongs to it.
fn certified(pair: &Pair, provider: &CryptoProvider) -> Result<(Arc<CertifiedKey>, About), TlsError> {
    let (chain, key) = (pair.chain.certificates()?, pair.key.key()?);
    let no_certificate = || pair.chain.damage("what is in it is no certificate");
    let about = chain.first().and_then(|it| About::read(it)).ok_or_else(no_certificate)?;
    // What is wrong with a key is nothing that anybody should read.
    let key = provider.key_provider.load_private_key(key);
    let key = key.map_err(|_| TlsError::UnusableKey { file: pair.key.path.clone() })?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        // Some keys do not tell.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok((Arc::new(certified), about)),
        Err(Error::InconsistentKeys(_)) => {
            Err(TlsError::Mismatch { chain: pair.chain.path.clone(), key: pair.key.path.clone() })
        }
        Err(error) => Err(pair.chain.damage(error.to_string())),
    }
}

/// Who decides which clients are believed; nobody if they are not asked.
fn verifier(
    roots: Option<&File>,
    asked: ClientCertificates,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    let file = match (roots, asked) {
        (None, ClientCertificates::Off) => return Ok(None),
        (Some(_), ClientCertificates::Off) => return Err(TlsError::Clients("nobody is asked for a certificate")),
        (None, _) => return Err(TlsError::Clients("no authority is named that a client could have one from")),
        (Some(file), _) => file,
    };
    let mut roots = RootCertStore::empty();
    for certificate in file.certificates()? {
        roots.add(certificate).map_err(|error| file.damage(error.to_string()))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = if asked == ClientCertificates::Optional { builder.allow_unauthenticated() } else { builder };
    builder.build().map(Some).map_err(|error| file.damage(error.to_string()))
}
