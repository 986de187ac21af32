//! Those who come without TLS to the listener that sends them to it.

use anyhow::Context;
use holdline::gate::Reason;

use super::stage::{Authority, Visitor, secured};
use crate::harness::{Host, folder, handshake, request};

async fn redirecting(name: &str, port: Option<u16>) -> anyhow::Result<(Authority, Host)> {
    let (authority, folder) = (Authority::new()?, folder(name)?);
    let files = vec![authority.server(&["a.example", "*.b.example", "127.0.0.1"])?.write(&folder, "a")?];
    let setup = secured(files, |tls| {
        tls.redirect = Some(([127, 0, 0, 1], 0).into());
        tls.redirect_port = port;
    });
    Ok((authority, setup.sample("echo", |_| {})?.start().await?))
}

#[tokio::test]
async fn a_request_is_sent_to_the_same_place_with_tls() -> anyhow::Result<()> {
    let (authority, host) = redirecting("tls-redirect", None).await?;
    let port = host.address().port();

    for (asked, path, target) in [
        ("a.example", "/", format!("https://a.example:{port}/")),
        ("a.example:80", "/deep/er?x=1&y", format!("https://a.example:{port}/deep/er?x=1&y")),
        ("A.Example", "/echo", format!("https://A.Example:{port}/echo")),
        ("x.b.example", "//evil.example/", format!("https://x.b.example:{port}//evil.example/")),
        ("127.0.0.1:8080", "/", format!("https://127.0.0.1:{port}/")),
        ("evil.example", "http://a.example/whole", format!("https://a.example:{port}/whole")),
    ] {
        let answer = request(host.redirect()?, path, &[("host", asked)]).await?;
        assert_eq!((answer.status, answer.header("location")), (308, Some(target.as_str())), "{asked} {path}");
    }
    // What it leads to is there.
    let mut socket = Visitor::of(&authority)?.upgrade(host.address(), "a.example", "/echo", &[]).await?;
    assert_eq!(socket.ask("here").await?, "here");
    Ok(())
}

#[tokio::test]
async fn the_port_is_the_one_that_clients_see() -> anyhow::Result<()> {
    for (port, target) in [(443, "https://a.example/x"), (8443, "https://a.example:8443/x")] {
        let (_, host) = redirecting(&format!("tls-redirect-{port}"), Some(port)).await?;
        let answer = request(host.redirect()?, "/x", &[("host", "a.example")]).await?;
        assert_eq!(answer.header("location"), Some(target));
    }
    Ok(())
}

#[tokio::test]
async fn nobody_is_sent_to_a_host_that_no_certificate_is_for() -> anyhow::Result<()> {
    let (_, host) = redirecting("tls-open-redirect", None).await?;

    for headers in [
        &[("host", "evil.example")][..],
        &[("host", "a.example.evil.example")],
        &[("host", "a.example@evil.example")],
        &[("host", "a.example:80@evil.example")],
        &[("host", "x.y.b.example")],
        &[("host", ".b.example")],
        &[("host", "*.b.example")],
        &[("host", "127.0.0.2")],
        &[("host", "")],
        &[("host", "a.example"), ("host", "evil.example")],
    ] {
        let answer = request(host.redirect()?, "/", headers).await?;
        assert_eq!((answer.status, answer.header("location")), (421, None), "{headers:?}");
        assert!(!answer.body.contains("example"), "{}", answer.body);
    }
    let answer = request(host.redirect()?, "http://evil.example/", &[("host", "a.example")]).await?;
    assert_eq!((answer.status, answer.header("location")), (421, None));
    assert_eq!(host.refused(Reason::Redirect), 11);
    Ok(())
}

#[tokio::test]
async fn a_web_socket_is_told_to_come_with_tls() -> anyhow::Result<()> {
    let (_, host) = redirecting("tls-redirect-ws", None).await?;
    let headers = [handshake(), vec![("host", "a.example")]].concat();

    let answer = request(host.redirect()?, "/echo", &headers).await?;

    assert_eq!((answer.status, answer.header("location")), (426, None));
    assert!(answer.header("upgrade").context("what it takes")?.starts_with("TLS/"));
    assert!(answer.body.contains("wss://"), "{}", answer.body);
    Ok(())
}

#[tokio::test]
async fn it_closes_with_the_door() -> anyhow::Result<()> {
    let (_, host) = redirecting("tls-redirect-stop", None).await?;
    let address = host.redirect()?;
    host.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    Ok(())
}
