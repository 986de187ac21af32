//! Which servers are believed to be who they say they are: those with a certificate of an authority that all browsers trust, and of those
//! that the configuration names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::settings::Settings;

/// Who is believed. All its clones are the same.
#[derive(Clone, Debug)]
pub struct Trust(Option<Arc<ClientConfig>>);

/// Why nobody can be believed.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file of certificates cannot be read.
    #[error("the certificates of {path} cannot be read: {source}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// One of them is no certificate of an authority.
    #[error("{path} has a certificate that cannot be trusted: {source}", path = path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// There is no TLS.
    #[error("no TLS can be had: {0}")]
    Tls(#[from] rustls::Error),
}

impl Trust {
    /// The public authorities, and those of the settings.
    ///
    /// # Errors
    /// Says what is wrong with the file.
    pub fn new(settings: &Settings) -> Result<Self, TrustError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
        if let Some(path) = &settings.roots {
            for certificate in read(path)? {
                let unusable = |source| TrustError::Unusable { path: path.clone(), source };
                roots.add(certificate).map_err(unusable)?;
            }
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions()?;
        Ok(Self(Some(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))))
    }

    /// Nobody, until somebody is named.
    #[must_use]
    pub fn nobody() -> Self {
        Self(None)
    }

    /// How clients speak TLS with those who are believed, if anybody is.
    #[must_use]
    pub fn settings(&self) -> Option<Arc<ClientConfig>> {
        self.0.clone()
    }
}

/// A file without any is a mistake.
fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.and_then(|found| if found.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(found) });
    found.map_err(|source| TrustError::Unreadable { path: path.to_owned(), source })
}
