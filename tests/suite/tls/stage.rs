//! Authorities, certificates, and clients that speak TLS.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use holdline::socket::{CertificateFiles, TlsSettings};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::harness::{Setup, within};

/// An authority that nobody knows.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pub(crate) pem: String,
}

/// A certificate and its key.
pub(crate) struct Pair {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) pem: String,
    pub(crate) key: KeyPair,
}

impl Authority {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        // A certificate of the same name would look as if it were signed by itself.
        params.distinguished_name.push(DnType::CommonName, "an authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let own = params.self_signed(&key)?;
        Ok(Self { pem: own.pem(), certificate: own.der().clone(), issuer: Issuer::new(params, key) })
    }

    /// A certificate for a server of these names and addresses.
    pub(crate) fn server(&self, names: &[&str]) -> anyhow::Result<Pair> {
        self.signed(&params(names)?, KeyPair::generate()?)
    }

    /// A certificate for a client with this subject.
    pub(crate) fn client(&self, subject: &[(DnType, &str)]) -> anyhow::Result<Pair> {
        let mut params = params(&[])?;
        params.distinguished_name = DistinguishedName::new();
        for (kind, text) in subject {
            params.distinguished_name.push(kind.clone(), *text);
        }
        self.signed(&params, KeyPair::generate()?)
    }

    pub(crate) fn signed(&self, params: &CertificateParams, key: KeyPair) -> anyhow::Result<Pair> {
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Pair { pem: certificate.pem(), certificate: certificate.der().clone(), key })
    }
}

pub(crate) fn params(names: &[&str]) -> anyhow::Result<CertificateParams> {
    Ok(CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())?)
}

impl Pair {
    /// Puts both into files of this name.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> anyhow::Result<CertificateFiles> {
        let files =
            CertificateFiles { chain: folder.join(format!("{name}.pem")), key: folder.join(format!("{name}.key")) };
        std::fs::write(&files.chain, &self.pem)?;
        std::fs::write(&files.key, self.key.serialize_pem())?;
        Ok(files)
    }
}

/// A host that speaks TLS with these certificates.
pub(crate) fn secured(certificate: Vec<CertificateFiles>, change: impl FnOnce(&mut TlsSettings)) -> Setup {
    let mut tls = TlsSettings { certificate, ..TlsSettings::default() };
    change(&mut tls);
    Setup::new().configured(|config| config.listen.tls = Some(tls))
}

/// Somebody who connects.
pub(crate) struct Visitor {
    roots: RootCertStore,
    own: Option<(CertificateDer<'static>, Vec<u8>)>,
    versions: Vec<&'static SupportedProtocolVersion>,
    provider: CryptoProvider,
    protocols: Vec<Vec<u8>>,
}

impl Visitor {
    /// Believes the servers of an authority.
    pub(crate) fn of(authority: &Authority) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate.clone())?;
        let (versions, provider) = (vec![&TLS12, &TLS13], ring::default_provider());
        Ok(Self { roots, own: None, versions, provider, protocols: vec![b"http/1.1".to_vec()] })
    }

    /// Shows a certificate.
    pub(crate) fn showing(mut self, pair: &Pair) -> Self {
        self.own = Some((pair.certificate.clone(), pair.key.serialize_der()));
        self
    }

    /// Speaks only this version.
    pub(crate) fn only(mut self, version: &'static SupportedProtocolVersion) -> Self {
        self.versions = vec![version];
        self
    }

    /// Speaks only this inside of TLS.
    pub(crate) fn speaking(mut self, protocol: &str) -> Self {
        self.protocols = vec![protocol.as_bytes().to_vec()];
        self
    }

    /// Has only those ciphers whose name has this in it.
    pub(crate) fn with_ciphers(mut self, name: &str) -> Self {
        self.provider.cipher_suites.retain(|it| format!("{:?}", it.suite()).contains(name));
        self
    }

    /// What it begins a handshake with. It remembers sessions.
    fn config(&self) -> anyhow::Result<Arc<ClientConfig>> {
        let builder = ClientConfig::builder_with_provider(Arc::new(self.provider.clone()));
        let builder = builder.with_protocol_versions(&self.versions)?.with_root_certificates(self.roots.clone());
        let mut config = match &self.own {
            Some((certificate, key)) => {
                let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.clone()));
                builder.with_client_auth_cert(vec![certificate.clone()], key)?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols.clone_from(&self.protocols);
        Ok(Arc::new(config))
    }

    /// Connects, as if the host had this name or address.
    pub(crate) async fn connect(&self, address: SocketAddr, name: &str) -> anyhow::Result<TlsStream<TcpStream>> {
        connect(self.config()?, address, name).await
    }

    /// Comes once, and then again: what kinds of handshakes there were.
    pub(crate) async fn comes_twice(&self, address: SocketAddr, name: &str) -> anyhow::Result<[HandshakeKind; 2]> {
        let config = self.config()?;
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let mut stream = connect(Arc::clone(&config), address, name).await?;
            kinds.push(stream.get_ref().1.handshake_kind().context("no handshake")?);
            stream.write_all(b"GET / HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n").await?;
            let mut answer = String::new();
            within("the answer", stream.read_to_string(&mut answer)).await??;
            ensure!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        }
        kinds.try_into().ok().context("two of them")
    }

    /// A WebSocket, for which these headers are sent, too.
    pub(crate) async fn upgrade(
        &self,
        address: SocketAddr,
        name: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<Socket> {
        let stream = self.connect(address, name).await?;
        let mut request = format!("wss://{name}{path}").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().append(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
        }
        Ok(Socket(within("the upgrade", client_async(request, stream)).await??.0))
    }
}

async fn connect(config: Arc<ClientConfig>, address: SocketAddr, name: &str) -> anyhow::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let name = ServerName::try_from(name.to_owned())?;
    Ok(within("the handshake", TlsConnector::from(config).connect(name, stream)).await??)
}

/// What the server has shown.
pub(crate) fn shown(stream: &TlsStream<TcpStream>) -> anyhow::Result<CertificateDer<'static>> {
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    Ok(shown.context("it has shown nothing")?.clone().into_owned())
}

/// A WebSocket over TLS.
pub(crate) struct Socket(WebSocketStream<TlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn send(&mut self, message: Message) -> anyhow::Result<()> {
        Ok(within("room for a message", self.0.send(message)).await??)
    }

    pub(crate) async fn next(&mut self) -> anyhow::Result<Message> {
        Ok(within("a message", self.0.next()).await?.context("the connection ended")??)
    }

    /// Sends a text and returns the next.
    pub(crate) async fn ask(&mut self, text: &str) -> anyhow::Result<String> {
        self.send(Message::text(text)).await?;
        match self.next().await? {
            Message::Text(text) => Ok(text.to_string()),
            other => bail!("{other:?} instead of a text"),
        }
    }

    /// The headers that the host has made of its own, as the puppet sees them.
    pub(crate) async fn introduced(&mut self) -> anyhow::Result<Vec<(String, String)>> {
        let report: Value = serde_json::from_str(&self.ask(r#"[{"do": "describe"}]"#).await?)?;
        let headers = report.pointer("/report/0/ok/headers").and_then(Value::as_array).context("no headers")?;
        let text = |header: &Value, place| header.get(place).and_then(Value::as_str).unwrap_or_default().to_owned();
        let all = headers.iter().map(|header| (text(header, 0), text(header, 1)));
        Ok(all.filter(|(name, _)| name.starts_with("holdline-")).collect())
    }

    /// Says Close, and reads to an end that TLS says is one.
    pub(crate) async fn close(mut self) -> anyhow::Result<()> {
        within("room for the Close", self.0.close(None)).await??;
        loop {
            match within("the end of the connection", self.0.next()).await? {
                None | Some(Err(Error::ConnectionClosed)) => return Ok(()),
                Some(message) => drop(message?),
            }
        }
    }
}
