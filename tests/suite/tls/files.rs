//! Files that no TLS can be spoken with: each is named at the start, with what to do about it.

use std::fs;
use std::path::Path;

use holdline::app::StartError;
use holdline::socket::{CertificateFiles, ClientCertificates, TlsSettings};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rcgen::{KeyPair, date_time_ymd};

use super::stage::{Authority, Visitor, params, secured};
use super::{RSA, pem};
use crate::harness::{folder, lines, logged};

/// What a host with these settings says instead of starting, and what it advises.
async fn refused(certificate: Vec<CertificateFiles>, change: impl FnOnce(&mut TlsSettings)) -> anyhow::Result<String> {
    let error = secured(certificate, change).refusal().await?;
    let hint = StartError::hint(&error).unwrap_or_default();
    Ok(format!("{:#}; hint: {hint}", anyhow::Error::new(error)))
}

fn file(folder: &Path, name: &str, text: &str) -> anyhow::Result<std::path::PathBuf> {
    let path = folder.join(name);
    fs::write(&path, text)?;
    Ok(path)
}

#[tokio::test]
async fn a_wrong_file_is_named_with_what_to_do() -> anyhow::Result<()> {
    let (authority, folder) = (Authority::new()?, folder("tls-wrong")?);
    let good = authority.server(&["a.example"])?.write(&folder, "good")?;
    let other = authority.server(&["a.example"])?.write(&folder, "other")?;
    let text = fs::read_to_string(&good.chain)?;
    let none = folder.join("none.pem");
    let empty = file(&folder, "empty.pem", "")?;
    let binary = file(&folder, "binary.pem", "\u{1}\u{2}0\u{3}")?;
    let cut = file(&folder, "cut.pem", &text[..text.len() - 30])?;
    let false_one = file(&folder, "false.pem", &pem("CERTIFICATE", b"nothing of the kind"))?;
    let password = file(&folder, "password.key", &pem("ENCRYPTED PRIVATE KEY", b"hunter2"))?;
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0\n\naHVudGVyMg==\n-----END RSA PRIVATE KEY-----\n";
    let old_password = file(&folder, "old-password.key", old)?;
    let useless = file(&folder, "useless.key", &pem("PRIVATE KEY", b"hunter2"))?;
    let rsa = file(&folder, "rsa.key", RSA)?;

    for (chain, key, said) in [
        (&none, &good.key, ["none.pem cannot be read", "relative to the configuration"]),
        (&good.chain, &none, ["none.pem cannot be read", "relative to the configuration"]),
        (&folder, &good.key, ["tls-wrong cannot be read", "directory"]),
        (&empty, &good.key, ["no certificate in", "BEGIN CERTIFICATE"]),
        (&binary, &good.key, ["no certificate in", "openssl x509 -inform DER"]),
        (&good.key, &good.chain, ["no certificate in", "wrong way round"]),
        (&cut, &good.key, ["cut.pem is damaged", "middle of a section"]),
        (&false_one, &good.key, ["false.pem is damaged", "no certificate"]),
        (&good.chain, &good.chain, ["no private key in", "wrong way round"]),
        (&good.chain, &empty, ["no private key in", "PKCS#8"]),
        (&good.chain, &password, ["no private key in", "openssl pkey -in"]),
        (&good.chain, &old_password, ["no private key in", "openssl pkey -in"]),
        (&good.chain, &useless, ["useless.key cannot be used", "Ed25519"]),
        (&good.chain, &other.key, ["other.key does not belong to the certificate in", "first certificate"]),
        (&good.chain, &rsa, ["rsa.key does not belong to the certificate in", "first certificate"]),
    ] {
        let files = vec![other.clone(), CertificateFiles { chain: chain.clone(), key: key.clone() }];
        let error = refused(files, |_| {}).await?;
        for text in said {
            assert!(error.contains(text), "`{text}` is not in: {error}");
        }
        assert!(!error.contains("hunter2") && !error.contains("aHVudGVyMg"), "a key is a secret: {error}");
    }
    let error = refused(Vec::new(), |_| {}).await?;
    assert!(error.contains("names no certificate") && error.contains("[[listen.tls.certificate]]"), "{error}");
    Ok(())
}

#[tokio::test]
async fn authorities_of_clients_that_are_no_use_are_refused() -> anyhow::Result<()> {
    let (authority, folder) = (Authority::new()?, folder("tls-wrong-roots")?);
    let good = authority.server(&["a.example"])?.write(&folder, "good")?;
    let false_one = file(&folder, "false.pem", &pem("CERTIFICATE", b"nothing of the kind"))?;
    let cases = [
        (ClientCertificates::Required, None, "client-roots"),
        (ClientCertificates::Off, Some(good.chain.clone()), "client-certificates"),
        (ClientCertificates::Optional, Some(folder.join("none.pem")), "none.pem cannot be read"),
        (ClientCertificates::Optional, Some(good.key.clone()), "no certificate in"),
        (ClientCertificates::Required, Some(false_one), "false.pem is damaged"),
    ];
    for (asked, roots, said) in cases {
        let change = |tls: &mut TlsSettings| (tls.client_certificates, tls.client_roots) = (asked, roots);
        let error = refused(vec![good.clone()], change).await?;
        assert!(error.contains(said), "`{said}` is not in: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_certificate_whose_time_is_not_now_serves_with_a_warning() -> anyhow::Result<()> {
    let (authority, folder) = (Authority::new()?, folder("tls-times")?);
    let soon = (Timestamp::now() + SignedDuration::from_hours(72)).to_zoned(TimeZone::UTC);
    let soon = date_time_ymd(soon.year().into(), soon.month().unsigned_abs(), soon.day().unsigned_abs());
    let year = |year| date_time_ymd(year, 1, 1);
    for (name, from, until, said, believed) in [
        ("over.example", year(2001), year(2002), "has expired", false),
        ("early.example", year(2500), year(2501), "is not valid yet", false),
        ("ending.example", year(2001), soon, "expires soon", true),
    ] {
        let mut params = params(&[name])?;
        (params.not_before, params.not_after) = (from, until);
        let files = authority.signed(&params, KeyPair::generate()?)?.write(&folder, name)?;
        let host = secured(vec![files], |_| {}).start().await?;

        let line = logged("", name).await?;
        assert!(line.starts_with("WARN") && line.contains(said), "{line}");
        // It is shown, and the client decides.
        let connected = Visitor::of(&authority)?.connect(host.address(), name).await;
        assert_eq!(connected.is_ok(), believed, "{name}: {connected:?}");
    }
    let files = authority.server(&["endless.example"])?.write(&folder, "endless.example")?;
    let _host = secured(vec![files], |_| {}).start().await?;
    assert!(lines("").iter().all(|line| !line.contains("endless.example")), "nothing is wrong with it");
    Ok(())
}
