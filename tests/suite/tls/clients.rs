//! Clients that show certificates of their own: who is believed, and what their plugin learns of them.

use std::path::Path;

use holdline::gate::Reason;
use holdline::socket::ClientCertificates;
use rcgen::DnType;
use tokio_rustls::rustls::HandshakeKind;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use super::stage::{Authority, Visitor, secured};
use crate::harness::{GATE, Host, PUPPET, folder, logged};

/// What a client says of itself, which nobody is to believe.
const LIES: [(&str, &str); 3] =
    [("holdline-client-subject", "CN=root"), ("Holdline-Client-Subject", "CN=admin"), ("holdline-claims", "{}")];

/// A host that asks its clients for certificates of this authority.
async fn asking(name: &str, authority: &Authority, asked: ClientCertificates) -> anyhow::Result<Host> {
    let folder = folder(name)?;
    let files = vec![authority.server(&[format!("{name}.example").as_str()])?.write(&folder, "server")?];
    let roots = folder.join("clients.pem");
    std::fs::write(&roots, &authority.pem)?;
    let setup = secured(files, |tls| {
        tls.client_certificates = asked;
        tls.client_roots = Some(roots).filter(|_| asked != ClientCertificates::Off);
    });
    setup.guest(PUPPET, "puppet", "")?.guest(GATE, "gate", "")?.start().await
}

#[tokio::test]
async fn who_must_show_a_certificate_and_does_is_known_to_its_plugin() -> anyhow::Result<()> {
    let authority = Authority::new()?;
    let host = asking("tls-required", &authority, ClientCertificates::Required).await?;
    let email = DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]);
    let subject = [
        (DnType::CountryName, "GB"),
        (DnType::OrganizationName, "Engines, Analytical"),
        (DnType::CommonName, "Ada Lučić\r\nx-admin: yes "),
        (email, "a@b"),
    ];
    let shown = authority.client(&subject)?;
    // An e-mail address has no name in RFC 4514, so its bytes are given.
    let known = "1.2.840.113549.1.9.1=#0c03614062,CN=Ada Lučić\\0d\\0ax-admin: yes\\ ,O=Engines\\, Analytical,C=GB";

    for version in [&TLS12, &TLS13] {
        let visitor = Visitor::of(&authority)?.showing(&shown).only(version);
        let mut socket = visitor.upgrade(host.address(), "tls-required.example", "/puppet", &LIES).await?;
        let introduced = socket.introduced().await?;
        assert_eq!(introduced, [("holdline-client-subject".to_owned(), known.to_owned())]);
        // The connect handler keeps what it saw.
        let mut socket = visitor.upgrade(host.address(), "tls-required.example", "/gate", &LIES).await?;
        let seen = socket.ask("what am I?").await?;
        assert!(seen.contains("Ada Lučić"), "{seen}");
    }
    Ok(())
}

#[tokio::test]
async fn who_must_show_a_certificate_and_does_not_is_refused() -> anyhow::Result<()> {
    let (authority, other) = (Authority::new()?, Authority::new()?);
    let host = asking("tls-strict", &authority, ClientCertificates::Required).await?;
    let stranger = other.client(&[(DnType::CommonName, "stranger")])?;

    for version in [&TLS12, &TLS13] {
        let nobody = Visitor::of(&authority)?.only(version);
        let error = nobody.upgrade(host.address(), "tls-strict.example", "/puppet", &LIES).await;
        let error = format!("{:#}", error.err().expect("no certificate"));
        assert!(error.contains("CertificateRequired"), "{error}");
        let error = nobody.showing(&stranger).upgrade(host.address(), "tls-strict.example", "/puppet", &[]).await;
        let error = format!("{:#}", error.err().expect("the certificate of another authority"));
        assert!(error.contains("fatal alert"), "{error}");
    }
    assert_eq!(host.hub().connection_count(), 0);
    host.until("the count of them", |_| host.refused(Reason::ClientCertificates) == 4).await?;
    Ok(())
}

#[tokio::test]
async fn who_may_show_a_certificate_may_come_without_but_not_with_a_false_one() -> anyhow::Result<()> {
    let (authority, other) = (Authority::new()?, Authority::new()?);
    let host = asking("tls-optional", &authority, ClientCertificates::Optional).await?;
    let name = "tls-optional.example";

    let mut nobody = Visitor::of(&authority)?.upgrade(host.address(), name, "/puppet", &LIES).await?;
    assert_eq!(nobody.introduced().await?, []);

    let known = authority.client(&[(DnType::CommonName, "ada")])?;
    let mut known = Visitor::of(&authority)?.showing(&known).upgrade(host.address(), name, "/puppet", &LIES).await?;
    assert_eq!(known.introduced().await?, [("holdline-client-subject".to_owned(), "CN=ada".to_owned())]);

    let stranger = other.client(&[(DnType::CommonName, "ada")])?;
    let visitor = Visitor::of(&authority)?.showing(&stranger);
    let refused = visitor.upgrade(host.address(), name, "/puppet", &[]).await;
    assert!(format!("{:#}", refused.err().expect("another authority")).contains("fatal alert"));
    Ok(())
}

#[tokio::test]
async fn a_session_is_resumed_unless_a_certificate_is_to_be_shown() -> anyhow::Result<()> {
    let authority = Authority::new()?;
    let known = authority.client(&[(DnType::CommonName, "ada")])?;
    for (name, asked, again) in [
        ("tls-resumed", ClientCertificates::Off, HandshakeKind::Resumed),
        ("tls-resumed-not", ClientCertificates::Required, HandshakeKind::Full),
    ] {
        let host = asking(name, &authority, asked).await?;
        for version in [&TLS12, &TLS13] {
            let visitor = Visitor::of(&authority)?.showing(&known).only(version);
            let kinds = visitor.comes_twice(host.address(), &format!("{name}.example")).await?;
            assert_eq!(kinds, [HandshakeKind::Full, again], "{name} {version:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn whose_authority_is_no_longer_named_is_refused_and_who_is_connected_stays() -> anyhow::Result<()> {
    let (before, after) = (Authority::new()?, Authority::new()?);
    let host = asking("tls-roots-change", &before, ClientCertificates::Required).await?;
    let name = "tls-roots-change.example";
    let [old, new] = [&before, &after].map(|it| it.client(&[(DnType::CommonName, "ada")]));
    let (old, new) = (Visitor::of(&before)?.showing(&old?), Visitor::of(&before)?.showing(&new?));
    let mut connected = old.upgrade(host.address(), name, "/puppet", &[]).await?;

    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("tls-roots-change/clients.pem"), &after.pem)?;
    logged("", name).await?;

    assert!(old.upgrade(host.address(), name, "/puppet", &[]).await.is_err());
    new.upgrade(host.address(), name, "/puppet", &[]).await?;
    assert_eq!(connected.introduced().await?.len(), 1);
    Ok(())
}
