//! What the door bears of its clients before any guest runs: each limit has its answer, its counter and its line in the log.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use holdline::config::Config;
use holdline::gate::{Proxies, Reason};
use holdline::tenant::Limits;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Host, PUPPET, Setup, handshake, logged, request, within};

/// Long enough for a client to begin, also on a machine that is busy.
const SHORT: Duration = Duration::from_millis(500);

async fn host(name: &str, change: impl FnOnce(&mut Config)) -> anyhow::Result<Host> {
    Setup::new().configured(change).guest(PUPPET, name, "")?.start().await
}

/// Waits until a client at this path is let in or not.
async fn answered(host: &Host, path: &str, headers: &[(&str, &str)], status: u16) -> anyhow::Result<()> {
    let headers = [&handshake(), headers].concat();
    let answers = async {
        while request(host.address(), path, &headers).await?.status != status {}
        anyhow::Ok(())
    };
    within("the answer", answers).await?
}

#[tokio::test]
async fn a_head_that_does_not_end() -> anyhow::Result<()> {
    let host = host("slow-head", |config| config.listen.header_timeout = SHORT).await?;
    let mut stream = TcpStream::connect(host.address()).await?;
    let address = stream.local_addr()?;
    stream.write_all(b"GET /slow-head HTTP/1.1\r\nhost: a\r\nx-slow").await?;

    let mut said = Vec::new();
    within("the end", stream.read_to_end(&mut said)).await??;

    assert_eq!(said, b"");
    logged("", &format!("{address} why=the head of its request took too long")).await?;
    assert_eq!(host.refused(Reason::HeaderTimeout), 1);
    Ok(())
}

#[tokio::test]
async fn a_head_that_is_too_large_or_has_too_many_fields() -> anyhow::Result<()> {
    let host = host("large-head", |_| {}).await?;
    let large = "x".repeat(33 << 10);
    let mut many = handshake();
    many.resize(101, ("x-many", "1"));

    assert_eq!(request(host.address(), "/large-head", &[("x-large", &large)]).await?.status, 431);
    assert_eq!(request(host.address(), "/large-head", &many).await?.status, 431);

    // It is counted when the socket is closed, which is after the answer.
    host.until("the count", |_| host.refused(Reason::HeaderSize) == 2).await
}

#[tokio::test]
async fn connections_in_all() -> anyhow::Result<()> {
    let host = host("full", |config| config.listen.connections = 1).await?;
    let _one = host.connect("/full").await?;

    assert_eq!(request(host.address(), "/full", &handshake()).await?.status, 503);
    assert_eq!(host.refused(Reason::Connections), 1);
    logged("", "as many connections are open as may be").await?;
    Ok(())
}

#[tokio::test]
async fn connections_of_one_address() -> anyhow::Result<()> {
    let host = host("crowded", |config| config.listen.connections_per_address = NonZeroU32::new(2)).await?;
    let one = host.connect("/crowded").await?;
    // One that has said nothing yet is one, too.
    let _silent = TcpStream::connect(host.address()).await?;

    answered(&host, "/crowded", &[], 429).await?;
    let refused = request(host.address(), "/", &[]).await?;
    assert_eq!((refused.status, refused.header("connection")), (429, Some("close")));
    logged("", "its address has as many connections as it may").await?;

    one.close(1000, "").await?;
    answered(&host, "/crowded", &[], 101).await
}

#[tokio::test]
async fn connections_of_one_address_that_will_not_hear_that_they_are_too_many() -> anyhow::Result<()> {
    let host = host("mobbed", |config| config.listen.connections_per_address = NonZeroU32::new(1)).await?;
    let _one = host.connect("/mobbed").await?;

    let mut silent = Vec::new();
    for _ in 0..65 {
        silent.push(TcpStream::connect(host.address()).await?);
    }

    let mut last = silent.pop().ok_or_else(|| anyhow::anyhow!("a socket"))?;
    assert_eq!(within("the end", last.read(&mut [0])).await??, 0);
    assert_eq!(host.refused(Reason::ConnectionsPerAddress), 65);
    assert_eq!(host.hub().connection_count(), 1);
    Ok(())
}

#[tokio::test]
async fn behind_a_proxy_each_client_is_counted_by_itself() -> anyhow::Result<()> {
    let proxies = Proxies { trust: vec!["127.0.0.1".parse()?], ..Proxies::default() };
    let host = host("proxied", |config| {
        config.listen.proxies = proxies;
        config.listen.connections_per_address = NonZeroU32::new(1);
    })
    .await?;
    let [here, there] = ["198.51.100.7", "198.51.100.8"].map(|address| [("x-forwarded-for", address)]);

    let one = host.connect_with("/proxied", &here).await?;
    let _other = host.connect_with("/proxied", &there).await?;
    answered(&host, "/proxied", &here, 429).await?;
    // What is no WebSocket is the proxy's affair.
    assert_eq!(request(host.address(), "/", &here).await?.status, 404);
    logged("", "reason=connections-per-address address=198.51.100.7:0").await?;

    one.close(1000, "").await?;
    answered(&host, "/proxied", &here, 101).await
}

#[tokio::test]
async fn connects_of_one_address() -> anyhow::Result<()> {
    let host = host("hasty", |config| config.listen.connects_per_second = NonZeroU32::new(1)).await?;

    answered(&host, "/hasty", &[], 429).await?;
    logged("", "its address connects too often").await?;
    assert!(host.refused(Reason::ConnectsPerSecond) > 0);
    answered(&host, "/hasty", &[], 101).await
}

#[tokio::test]
async fn silence() -> anyhow::Result<()> {
    let host = host("idle", |config| config.listen.idle_timeout = Some(SHORT)).await?;

    let mut pinging = host.connect("/idle").await?;
    pinging.ping("I am still here").await?;
    assert_eq!(pinging.closed_at_last().await?, (1001, "idle".to_owned()));
    assert_eq!(host.refused(Reason::IdleTimeout), 1);
    logged("", "no message came or went").await?;
    Ok(())
}

#[tokio::test]
async fn who_is_held_is_not_silent() -> anyhow::Result<()> {
    let host = host("kept", |config| config.listen.idle_timeout = Some(SHORT)).await?;
    let mut held = host.connect("/kept").await?;
    let handle = held.hold().await?;
    let mut other = host.connect("/kept").await?;
    let delay = SHORT.as_millis() * 3;
    other.get(json!({"do": "send-after", "handle": handle, "text": "at last", "delay-ms": delay})).await?;

    assert_eq!(held.text().await?, "at last");
    assert_eq!(held.closed().await?, (1001, "idle".to_owned()));
    Ok(())
}

#[tokio::test]
async fn who_is_told_what_all_are_told_is_not_silent() -> anyhow::Result<()> {
    let host = host("audience", |config| config.listen.idle_timeout = Some(SHORT)).await?;
    let mut listener = host.connect("/audience").await?;
    let mut speaker = host.connect("/audience").await?;
    let begun = Instant::now();
    while begun.elapsed() < SHORT * 3 {
        speaker.tell(json!({"do": "broadcast", "path": "/audience", "text": "hear, hear"})).await?;
        assert_eq!(listener.text().await?, "hear, hear");
        assert_eq!(speaker.text().await?, "hear, hear");
        speaker.report().await?;
    }

    assert_eq!(listener.closed().await?, (1001, "idle".to_owned()));
    Ok(())
}

#[tokio::test]
async fn what_is_no_web_socket_or_breaks_its_protocol() -> anyhow::Result<()> {
    let host = host("strange", |_| {}).await?;

    assert_eq!(request(host.address(), "/strange", &[]).await?.status, 426);
    logged("", "its handshake was answered with 426").await?;
    assert_eq!(host.refused(Reason::Handshake), 1);
    let mut stream = host.connect("/strange").await?.into_stream();
    // An opcode that there is not.
    stream.write_all(b"\x83\x80\0\0\0\0").await?;
    host.until("the count of it", |_| host.refused(Reason::Protocol) == 1).await?;
    logged("", "reason=protocol address=127.0.0.1:").await?;
    Ok(())
}

#[tokio::test]
async fn connections_of_one_tenant() -> anyhow::Result<()> {
    let host = host("crowded", |config| {
        config.limits = Some(Limits { connections: 1, ..Limits::unlimited() });
    })
    .await?;
    let _one = host.connect("/crowded").await?;
    answered(&host, "/crowded", &[], 503).await?;
    assert_eq!(host.refused(Reason::TenantConnections), 1);
    Ok(())
}

#[tokio::test]
async fn all_of_them_are_in_the_metrics() -> anyhow::Result<()> {
    let setup = Setup::new().operated("gate-metrics")?.configured(|config| config.listen.connections = 0);
    let host = setup.guest(PUPPET, "counted", "")?.start().await?;
    assert_eq!(request(host.address(), "/counted", &handshake()).await?.status, 503);

    let page = host.operator()?.get("/metrics").await?.text;

    for reason in Reason::ALL {
        let expected = u64::from(reason == Reason::Connections);
        let sample = format!("holdline_refusals_total{{reason=\"{}\"}} {expected}\n", reason.name());
        assert!(page.contains(&sample), "{sample} is not in {page}");
    }
    Ok(())
}
