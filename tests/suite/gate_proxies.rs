//! Where a client is, as proxies say that are trusted, and nobody else.

use std::time::Duration;

use anyhow::Context;
use holdline::app::StartError;
use holdline::gate::{ForwardedBy, Network, Proxies, ProxyProtocol, Reason};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Client, Host, PUPPET, Setup, logged, within};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A host whose clients come over this machine, which is the proxy, or over another one.
async fn host(name: &str, trust: &str, protocol: ProxyProtocol) -> anyhow::Result<Host> {
    let trust: Network = trust.parse()?;
    let proxies = Proxies { trust: vec![trust], protocol, ..Proxies::default() };
    Setup::new().configured(|config| config.listen.proxies = proxies).guest(PUPPET, name, "")?.start().await
}

/// The address that a plugin sees.
async fn seen(client: &mut Client) -> anyhow::Result<String> {
    let told = client.get(json!({"do": "describe"})).await?;
    Ok(told.get("remote-address").and_then(|it| it.as_str()).context("an address")?.to_owned())
}

/// Sends these bytes, and waits until the host has closed. What it has said before.
async fn closed_after(host: &Host, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(host.address()).await?;
    stream.write_all(bytes).await?;
    let mut said = Vec::new();
    // What it has not read makes a reset of its close.
    let _reset = within("the end", stream.read_to_end(&mut said)).await?;
    Ok(said)
}

#[tokio::test]
async fn a_trusted_proxy_says_where_a_client_is() -> anyhow::Result<()> {
    let host = host("forwarded", "127.0.0.0/8", ProxyProtocol::Off).await?;

    let mut client = host.connect_with("/forwarded", &[("x-forwarded-for", "1.1.1.1, 198.51.100.7")]).await?;
    assert_eq!(seen(&mut client).await?, "198.51.100.7:0");
    let mut client = host.connect("/forwarded").await?;
    assert_eq!(seen(&mut client).await?, client.address()?.to_string());
    Ok(())
}

#[tokio::test]
async fn nobody_else_does() -> anyhow::Result<()> {
    let host = host("unforwarded", "10.0.0.0/8", ProxyProtocol::Off).await?;

    let mut client = host.connect_with("/unforwarded", &[("x-forwarded-for", "198.51.100.7")]).await?;
    assert_eq!(seen(&mut client).await?, client.address()?.to_string());
    Ok(())
}

#[tokio::test]
async fn a_proxy_header_comes_before_the_request() -> anyhow::Result<()> {
    let host = host("prefaced", "127.0.0.1", ProxyProtocol::Required).await?;
    let binary = [SIGNATURE, &[0x21, 0x11, 0, 12, 192, 0, 2, 7, 10, 0, 0, 1, 0x1f, 0x90, 0, 80]].concat();

    for header in [b"PROXY TCP4 192.0.2.7 10.0.0.1 8080 80\r\n".as_slice(), &binary] {
        let mut client = Client::connect_after(host.address(), header, "/prefaced", &[]).await?;
        assert_eq!(seen(&mut client).await?, "192.0.2.7:8080");
    }
    for header in [b"PROXY UNKNOWN\r\n".as_slice(), &[SIGNATURE, &[0x20, 0, 0, 0]].concat()] {
        let mut client = Client::connect_after(host.address(), header, "/prefaced", &[]).await?;
        assert_eq!(seen(&mut client).await?, client.address()?.to_string());
    }
    // Who is named there is no proxy, and is not believed about others.
    let claim = [("x-forwarded-for", "198.51.100.7")];
    let header = b"PROXY TCP4 192.0.2.7 10.0.0.1 8080 80\r\n";
    let mut client = Client::connect_after(host.address(), header, "/prefaced", &claim).await?;
    assert_eq!(seen(&mut client).await?, "192.0.2.7:8080");
    assert_eq!(host.refused(Reason::ProxyProtocol), 0);
    Ok(())
}

#[tokio::test]
async fn without_one_the_socket_is_closed_without_a_word() -> anyhow::Result<()> {
    let host = host("bare", "127.0.0.1", ProxyProtocol::Required).await?;

    for (count, bytes) in
        [b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".as_slice(), b"PROXY TCP4 here there 1 2\r\n"].into_iter().enumerate()
    {
        assert_eq!(closed_after(&host, bytes).await?, b"");
        assert_eq!(host.refused(Reason::ProxyProtocol), count as u64 + 1);
    }
    logged("", "it is neither of version 1 nor of version 2").await?;
    Ok(())
}

#[tokio::test]
async fn nobody_else_may_send_one() -> anyhow::Result<()> {
    let host = host("stranger", "10.0.0.0/8", ProxyProtocol::Required).await?;

    assert_eq!(closed_after(&host, b"PROXY TCP4 10.0.0.7 10.0.0.1 8080 80\r\n").await?, b"");
    assert_eq!(host.refused(Reason::ProxyProtocol), 1);
    logged("", "it comes from no network of `trust`").await?;
    Ok(())
}

#[tokio::test]
async fn one_that_does_not_end_is_not_waited_for() -> anyhow::Result<()> {
    let proxies =
        Proxies { trust: vec!["127.0.0.1".parse()?], header: ForwardedBy::Off, protocol: ProxyProtocol::Required };
    let setup = Setup::new().configured(|config| {
        config.listen.proxies = proxies;
        config.listen.header_timeout = Duration::from_millis(50);
    });
    let host = setup.start().await?;

    assert_eq!(closed_after(&host, b"PROXY TCP4 192.0.2").await?, b"");
    assert_eq!(host.refused(Reason::ProxyProtocol), 1);
    Ok(())
}

#[tokio::test]
async fn a_host_that_nobody_could_reach_does_not_start() -> anyhow::Result<()> {
    let proxies = Proxies { protocol: ProxyProtocol::Required, ..Proxies::default() };
    let error = Setup::new().configured(|config| config.listen.proxies = proxies).refusal().await?;
    assert!(matches!(error, StartError::Gate(_)), "{error}");
    assert!(error.hint().unwrap_or_default().contains("trust"), "{error}");
    Ok(())
}
