//! The settings of TLS.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

/// What the host shows to its clients, and what they show to it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsSettings {
    /// The host's certificates. A client gets the one that has the name it asks for, and the first if none has it.
    pub certificate: Vec<CertificateFiles>,
    /// Whether clients show certificates of their own.
    pub client_certificates: ClientCertificates,
    /// A file with the certificates of the authorities whose clients are believed.
    pub client_roots: Option<PathBuf>,
    /// Address and port of a listener for HTTP without TLS, which sends everybody to HTTPS.
    pub redirect: Option<SocketAddr>,
    /// The port that it sends them to, if it is not the one that the host listens at.
    pub redirect_port: Option<u16>,
}

/// One certificate of the host. Relative to the configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CertificateFiles {
    /// The certificate, and behind it those that lead to its authority.
    pub chain: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Whether clients show certificates of their own.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum ClientCertificates {
    /// They are not asked for one.
    #[default]
    Off,
    /// They may. One that is shown has to be good.
    Optional,
    /// They must.
    Required,
}

impl TlsSettings {
    /// All files that it names.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let pairs = self.certificate.iter_mut().flat_map(|files| [&mut files.chain, &mut files.key]);
        pairs.chain(&mut self.client_roots)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let pairs = self.certificate.iter().flat_map(|files| [&files.chain, &files.key]);
        pairs.chain(&self.client_roots)
    }
}
