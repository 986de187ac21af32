//! Clients that come over TLS, and those who do not get through it.

mod clients;
mod files;
mod measured;
mod redirect;
mod reload;
mod stage;

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holdline::gate::Reason;
use holdline::plugin::embed;
use rcgen::KeyPair;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{PUPPET, Setup, folder, holdline, request, within};
use stage::{Authority, Visitor, params, secured, shown};

/// A key of the kind that is not made here: that takes long.
const RSA: &str = include_str!("rsa.pem");

/// These bytes in PEM, under this title.
fn pem(title: &str, bytes: &[u8]) -> String {
    format!("-----BEGIN {title}-----\n{}\n-----END {title}-----\n", STANDARD.encode(bytes))
}

#[tokio::test]
async fn a_client_gets_the_certificate_that_has_the_name_it_asks_for() -> anyhow::Result<()> {
    let (authority, folder) = (Authority::new()?, folder("tls-names")?);
    let first = authority.server(&["a.example", "*.b.example", "127.0.0.1"])?;
    let second = authority.server(&["c.example", "deep.b.example"])?;
    let files = vec![first.write(&folder, "first")?, second.write(&folder, "second")?];
    let host = secured(files, |_| {}).start().await?;
    let visitor = Visitor::of(&authority)?;

    for (name, pair) in [
        ("a.example", &first),
        ("x.b.example", &first),
        ("deep.b.example", &second),
        ("C.EXAMPLE", &second),
        // No name is asked for with an address.
        ("127.0.0.1", &first),
    ] {
        let stream = visitor.connect(host.address(), name).await?;
        assert_eq!(shown(&stream)?, pair.certificate, "{name}");
    }
    for name in ["d.example", "b.example", "x.y.b.example"] {
        let error = visitor.connect(host.address(), name).await.expect_err("a name that no certificate has");
        let error = format!("{error:#}");
        assert!(error.contains("not valid for name") && error.contains("a.example"), "it shows the first: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn of_two_certificates_of_one_name_a_client_gets_the_one_that_it_understands() -> anyhow::Result<()> {
    let (authority, folder) = (Authority::new()?, folder("tls-kinds")?);
    let new = authority.server(&["a.example"])?;
    let old = authority.signed(&params(&["a.example"])?, KeyPair::from_pem(RSA)?)?;
    let files = vec![new.write(&folder, "new")?, old.write(&folder, "old")?];
    let host = secured(files, |_| {}).start().await?;

    for (ciphers, pair) in [("ECDHE_RSA", &old), ("ECDHE_ECDSA", &new)] {
        let visitor = Visitor::of(&authority)?.only(&TLS12).with_ciphers(ciphers);
        let stream = visitor.connect(host.address(), "a.example").await?;
        assert_eq!(shown(&stream)?, pair.certificate, "{ciphers}");
    }
    Ok(())
}

#[tokio::test]
async fn messages_of_all_sizes_travel_in_both_versions_and_the_stream_ends_as_one_should() -> anyhow::Result<()> {
    let (authority, folder) = (Authority::new()?, folder("tls-versions")?);
    let files = vec![authority.server(&["a.example"])?.write(&folder, "a")?];
    let host = secured(files, |_| {}).sample("echo", |_| {})?.start().await?;

    for version in [&TLS12, &TLS13] {
        let visitor = Visitor::of(&authority)?.only(version);
        let stream = visitor.connect(host.address(), "a.example").await?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        let mut socket = visitor.upgrade(host.address(), "a.example", "/echo", &[]).await?;
        for size in [0, 1, 16_383, 16_384, 16_385, 1 << 20] {
            socket.send(Message::binary(vec![7; size])).await?;
            assert_eq!(socket.next().await?, Message::binary(vec![7; size]), "{size}");
        }
        for count in 0..100 {
            socket.send(Message::text(count.to_string().repeat(1000))).await?;
        }
        for count in 0..100 {
            assert_eq!(socket.next().await?, Message::text(count.to_string().repeat(1000)));
        }
        socket.close().await?;
    }
    host.until("the end of all connections", |hub| hub.connection_count() == 0).await
}

#[tokio::test]
async fn what_is_not_http_1_is_not_agreed_on() -> anyhow::Result<()> {
    let (authority, folder) = (Authority::new()?, folder("tls-alpn")?);
    let files = vec![authority.server(&["a.example"])?.write(&folder, "a")?];
    let host = secured(files, |_| {}).start().await?;

    let visitor = Visitor::of(&authority)?.speaking("h2");
    let error = visitor.connect(host.address(), "a.example").await.expect_err("HTTP/2");
    assert!(format!("{error:#}").contains("NoApplicationProtocol"), "{error:#}");
    Ok(())
}

#[tokio::test]
async fn a_key_may_be_in_any_of_the_three_forms() -> anyhow::Result<()> {
    let (authority, folder) = (Authority::new()?, folder("tls-forms")?);
    let visitor = Visitor::of(&authority)?;
    // The older forms are the ends of the newer one, which says before them what kind of key it is.
    let end = |key: &KeyPair, begin: usize| key.serialized_der()[begin..].to_vec();
    for (name, key, title, begin) in [
        ("pkcs8", KeyPair::generate()?, "PRIVATE KEY", 0),
        ("sec1", KeyPair::generate()?, "EC PRIVATE KEY", 29),
        ("pkcs8-rsa", KeyPair::from_pem(RSA)?, "PRIVATE KEY", 0),
        ("pkcs1", KeyPair::from_pem(RSA)?, "RSA PRIVATE KEY", 26),
    ] {
        let bytes = end(&key, begin);
        let pair = authority.signed(&params(&["a.example"])?, key)?;
        let files = pair.write(&folder, name)?;
        std::fs::write(&files.key, format!("Whose it is\n{}", pem(title, &bytes)))?;
        let host = secured(vec![files], |_| {}).start().await?;
        let stream = visitor.connect(host.address(), "a.example").await.with_context(|| name)?;
        assert_eq!(shown(&stream)?, pair.certificate, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn who_does_not_finish_the_handshake_or_the_head_is_not_waited_for() -> anyhow::Result<()> {
    let (authority, folder) = (Authority::new()?, folder("tls-slow")?);
    let files = vec![authority.server(&["a.example"])?.write(&folder, "a")?];
    let setup = secured(files, |_| {}).configured(|config| config.listen.header_timeout = Duration::from_secs(1));
    let host = setup.sample("echo", |_| {})?.start().await?;
    let visitor = Visitor::of(&authority)?;
    let mut silent = TcpStream::connect(host.address()).await?;
    let mut slow = TcpStream::connect(host.address()).await?;
    slow.write_all(&[22, 3, 1, 2, 0, 1, 0, 1]).await?;
    let mut idle = visitor.connect(host.address(), "a.example").await?;

    let mut socket = visitor.upgrade(host.address(), "a.example", "/echo", &[]).await?;
    assert_eq!(socket.ask("others wait for nobody").await?, "others wait for nobody");

    let mut rest = Vec::new();
    for stream in [&mut silent, &mut slow] {
        // Closed or reset: what it has sent may lie unread.
        let _ended = within("the end of the handshake", stream.read_to_end(&mut rest)).await?;
    }
    let _ended = within("the end of the head", idle.read_to_end(&mut rest)).await?;
    assert!(rest.is_empty(), "{rest:?}");
    host.until("the count of them", |_| host.refused(Reason::HeaderTimeout) == 3).await?;
    assert_eq!(socket.ask("still here").await?, "still here");
    Ok(())
}

#[tokio::test]
async fn who_speaks_something_else_is_refused_and_nobody_notices() -> anyhow::Result<()> {
    let (authority, folder) = (Authority::new()?, folder("tls-garbage")?);
    let files = vec![authority.server(&["a.example"])?.write(&folder, "a")?];
    let host = secured(files, |_| {}).sample("echo", |_| {})?.start().await?;
    let mut socket = Visitor::of(&authority)?.upgrade(host.address(), "a.example", "/echo", &[]).await?;

    let long = [b"\x16\x03\x01\xff\xff".as_slice(), &[7; 40_000]].concat();
    for garbage in [&b"\xff\xff\xff\xff\xff\xff"[..], b"\x16\x03\x01\x00\x05hello", b"\x80\x2e\x01\x03\x01\x00", &long]
    {
        let mut stream = TcpStream::connect(host.address()).await?;
        stream.write_all(garbage).await?;
        let mut answer = Vec::new();
        within("the end", stream.read_to_end(&mut answer)).await??;
        // What is no record of TLS at all is not even worth one.
        let is_alert = answer.starts_with(&[21]) && answer.len() < 10;
        assert!(answer.is_empty() || is_alert, "an alert and nothing else: {answer:?}");
    }
    let plain = request(host.address(), "/echo", &[]).await?;
    assert_eq!(plain.status, 400);
    assert!(plain.body.contains("wss://"), "{}", plain.body);
    assert_eq!(socket.ask("still here").await?, "still here");
    host.until("the count of them", |_| host.refused(Reason::Tls) == 5).await?;
    Ok(())
}

#[tokio::test]
async fn serve_says_wss_and_finds_the_files_beside_its_configuration() -> anyhow::Result<()> {
    let (authority, folder) = (Authority::new()?, folder("tls-serve")?);
    authority.server(&["a.example"])?.write(&folder, "a")?;
    std::fs::write(folder.join("quiet.wasm"), embed(&PUPPET.component()?, "name = \"quiet\"\n"))?;
    let config = "[listen]\naddress = \"127.0.0.1:0\"\n[listen.tls]\nredirect = \"127.0.0.1:0\"\n\
        [[listen.tls.certificate]]\nchain = \"a.pem\"\nkey = \"a.key\"\n\
        [[plugin]]\nsource = \"quiet.wasm\"\nroute = \"/quiet\"\n";
    let file = folder.join("holdline.toml");
    std::fs::write(&file, config)?;
    let mut command = holdline(&["serve", "--config", file.to_str().context("a path")?])?;
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();

    let line = within("the first line", lines.next_line()).await??.context("no line")?;
    let address = line.strip_prefix("quiet is at wss://").and_then(|rest| rest.strip_suffix("/quiet"));
    let address = address.with_context(|| line.clone())?.parse()?;
    Visitor::of(&authority)?.upgrade(address, "a.example", "/quiet", &[]).await?.introduced().await?;
    let line = within("the second line", lines.next_line()).await??.context("no line")?;
    assert!(line.starts_with("http://127.0.0.1:") && line.ends_with(" is sent on to https"), "{line}");
    Ok(())
}

#[tokio::test]
async fn without_tls_nobody_can_say_who_it_is_either() -> anyhow::Result<()> {
    let host = Setup::new().guest(PUPPET, "tls-none", "")?.start().await?;
    let headers = [("holdline-client-subject", "CN=root"), ("Holdline-Claims", "{}"), ("x-other", "stays")];
    let mut client = host.connect_with("/tls-none", &headers).await?;
    let seen = client.get(serde_json::json!({"do": "describe"})).await?.to_string();
    assert!(seen.contains("x-other") && !seen.contains("holdline-"), "{seen}");
    Ok(())
}
