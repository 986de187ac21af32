//! Requests of plugins to servers that speak TLS: who is believed, and who is not.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use holdline::app::StartError;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::harness::{CALLER, Setup, folder};

/// An authority that nobody knows.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// A server on this machine that has a certificate for this name and answers everything with `secret`.
    async fn server(&self, name: &str) -> anyhow::Result<SocketAddr> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec![name.to_owned()])?.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let settings = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let settings = settings.with_safe_default_protocol_versions()?.with_no_client_auth();
        let settings = settings.with_single_cert(vec![certificate.der().clone()], key)?;
        let acceptor = TlsAcceptor::from(Arc::new(settings));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that does not believe it goes away in the middle of the handshake.
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { break };
                    head.push(byte);
                }
                let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret").await;
                let _gone = stream.shutdown().await;
            }
        });
        Ok(address)
    }

    /// Its certificate in a file, behind another one, as such files are.
    fn file(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = folder(name)?.join("roots.pem");
        std::fs::write(&path, format!("An authority\n{}\n{}", Self::new()?.pem, self.pem))?;
        Ok(path)
    }
}

/// What a plugin gets from these, on a host that trusts the certificates of a file beside the public ones.
async fn got(name: &str, roots: Option<&Path>, authorities: &[String]) -> anyhow::Result<Vec<Value>> {
    let allowed = authorities.iter().map(|pattern| pattern.parse()).collect::<Result<_, _>>()?;
    let setup = Setup::new().configured(|config| {
        config.grants.http = allowed;
        config.outgoing.roots = roots.map(Path::to_owned);
    });
    let host = setup.guest(CALLER, name, "")?.start().await?;
    let mut client = host.connect(&format!("/{name}")).await?;
    let mut answers = Vec::new();
    for authority in authorities {
        client.send_text(json!({"scheme": "https", "authority": authority, "path": "/"}).to_string()).await?;
        answers.push(client.json().await?);
    }
    Ok(answers)
}

#[tokio::test]
async fn a_server_is_believed_by_a_certificate_of_an_authority_that_is_trusted() -> anyhow::Result<()> {
    let authority = Authority::new()?;
    let (by_name, by_address) = (authority.server("localhost").await?, authority.server("127.0.0.1").await?);
    let servers = [format!("localhost:{}", by_name.port()), by_address.to_string()];
    let answers = got("tls-trusted", Some(&authority.file("tls-roots")?), &servers).await?;
    let answer = json!({ "status": 200, "body": "secret" });
    assert_eq!(answers, [answer.clone(), answer]);
    Ok(())
}

#[tokio::test]
async fn nobody_else_is_believed() -> anyhow::Result<()> {
    let authority = Authority::new()?;
    let server = format!("localhost:{}", authority.server("localhost").await?.port());
    let other = Authority::new()?.file("tls-other-roots")?;
    for (name, roots) in [("tls-public", None), ("tls-other", Some(&*other))] {
        let answers = got(name, roots, std::slice::from_ref(&server)).await?;
        assert_eq!(answers, [json!({ "error": "ErrorCode::TlsCertificateError" })], "{name}");
    }
    let elsewhere = format!("localhost:{}", authority.server("api.example").await?.port());
    let answers = got("tls-name", Some(&authority.file("tls-name-roots")?), &[elsewhere]).await?;
    assert_eq!(answers, [json!({ "error": "ErrorCode::TlsCertificateError" })], "another name");
    Ok(())
}

#[tokio::test]
async fn a_file_without_certificates_is_refused() -> anyhow::Result<()> {
    let folder = folder("tls-bad-roots")?;
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (name, text) in [("none.pem", None), ("empty.pem", Some("")), ("broken.pem", Some(broken))] {
        let path = folder.join(name);
        if let Some(text) = text {
            std::fs::write(&path, text)?;
        }
        let error = Setup::new().configured(|config| config.outgoing.roots = Some(path)).refusal().await?;
        assert!(matches!(error, StartError::Trust(_)) && error.to_string().contains(name), "{error}");
        assert!(error.hint().context("a hint")?.contains("PEM"));
    }
    Ok(())
}
