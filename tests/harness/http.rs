//! Plain HTTP, written by hand, so that a request can be as wrong as a test wants it.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::within;

/// An HTTP response.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// The first header of this name, which is given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

/// The headers of a handshake that is as it should be.
pub(crate) fn handshake() -> Vec<(&'static str, &'static str)> {
    vec![
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]
}

/// Sends a GET with these headers and reads the response.
pub(crate) async fn request(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Answer> {
    Ok(within("the response", exchange(address, &[], path, headers)).await??.0)
}

/// The response, and the stream that it came on, with what came after it. These bytes go before the request.
pub(super) async fn exchange(
    address: SocketAddr,
    preface: &[u8],
    path: &str,
    headers: &[(&str, &str)],
) -> anyhow::Result<(Answer, BufReader<TcpStream>)> {
    let mut head = format!("GET {path} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        head.push_str(&format!("host: {address}\r\n"));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let stream = TcpStream::connect(address).await.context("nobody listens")?;
    // Else a message that follows another one waits until the host's system has acknowledged that one.
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    stream.write_all(&[preface, head.as_bytes()].concat()).await?;
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let status = line.split(' ').nth(1).with_context(|| format!("`{line}` has no status"))?.parse()?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut answer = Answer { status, headers, body: String::new() };
    let length = answer.header("content-length").map_or(Ok(0), str::parse)?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.context("the body is shorter than the head says")?;
    answer.body = String::from_utf8(body)?;
    Ok((answer, stream))
}
