//! A client that sends bytes, and reads frames with nobody's help. What every frame of a server has to be, it checks in every frame.

use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::within;

/// The headers of a handshake, with the key of section 1.3.
pub(crate) const HANDSHAKE: [&str; 5] = [
    "Host: server.example.com",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

/// One client.
pub(crate) struct Peer {
    stream: TcpStream,
    // What has come and was not looked at yet.
    came: Vec<u8>,
}

/// A frame of the host.
#[derive(PartialEq, Eq)]
pub(crate) struct Frame {
    /// The final bit, the reserved ones and the opcode.
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

/// The head of an HTTP response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
}

impl Answer {
    /// The one header of this name, which is given in lower case.
    pub(crate) fn header(&self, name: &str) -> anyhow::Result<Option<&str>> {
        let mut values = self.headers.iter().filter(|(it, _)| it == name).map(|(_, value)| value.as_str());
        let value = values.next();
        ensure!(values.next().is_none(), "`{name}` is there twice");
        Ok(value)
    }
}

impl Peer {
    /// A TCP connection, and nothing sent.
    pub(crate) async fn call(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        // What is written goes out, so that what is cut arrives in pieces.
        stream.set_nodelay(true)?;
        Ok(Self { stream, came: Vec::new() })
    }

    /// A WebSocket, with these headers beside those of a handshake.
    pub(crate) async fn connect(address: SocketAddr, path: &str, headers: &[&str]) -> anyhow::Result<Self> {
        let mut peer = Self::call(address).await?;
        peer.say(&request(&format!("GET {path} HTTP/1.1"), &[&HANDSHAKE, headers].concat())).await?;
        let answer = peer.answer().await?;
        ensure!(answer.status == 101, "{answer:?}");
        Ok(peer)
    }

    pub(crate) async fn say(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(within("room for some bytes", self.stream.write_all(bytes)).await??)
    }

    /// Each byte by itself.
    pub(crate) async fn spell(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        for byte in bytes.chunks(1) {
            self.say(byte).await?;
        }
        Ok(())
    }

    /// The head of a response; its body, if it has one, is what comes next.
    pub(crate) async fn answer(&mut self) -> anyhow::Result<Answer> {
        let end = loop {
            match self.came.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(place) => break place + 4,
                None => ensure!(self.more().await?, "the head of the response has no end"),
            }
        };
        let head = String::from_utf8(self.came.drain(..end).collect())?;
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap_or_default();
        let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
        let status = status.with_context(|| format!("`{line}` is no status line"))?.parse()?;
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        Ok(Answer { status, headers })
    }

    /// The next frame; nothing at the end of the stream.
    pub(crate) async fn frame(&mut self) -> anyhow::Result<Option<Frame>> {
        loop {
            if let Some((frame, size)) = parse(&self.came)? {
                self.came.drain(..size);
                return Ok(Some(frame));
            }
            if !self.more().await? {
                ensure!(self.came.is_empty(), "the stream ends in a frame");
                return Ok(None);
            }
        }
    }

    /// Reads what comes next. False at the end of the stream; a reset is an error.
    async fn more(&mut self) -> anyhow::Result<bool> {
        Ok(within("an answer", self.stream.read_buf(&mut self.came)).await?? > 0)
    }
}

/// A request, from its first line and its headers.
pub(crate) fn request(line: &str, headers: &[&str]) -> Vec<u8> {
    format!("{line}\r\n{}\r\n\r\n", headers.join("\r\n")).into_bytes()
}

/// The frame at the beginning, and how long it is, if all of it is there.
fn parse(bytes: &[u8]) -> anyhow::Result<Option<(Frame, usize)>> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    ensure!(second & 0x80 == 0, "section 5.1: a frame of the server is masked");
    let (length, rest) = match second & 0x7f {
        126 => match rest.split_first_chunk() {
            Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk() {
            Some((length, rest)) => (u64::from_be_bytes(*length), rest),
            None => return Ok(None),
        },
        length => (u64::from(length), rest),
    };
    let least = if length < 126 {
        2
    } else if length < 0x1_0000 {
        4
    } else {
        10
    };
    ensure!(bytes.len() - rest.len() == least, "section 5.2: {length} is not written in the least number of bytes");
    let opcode = first & 0x0f;
    match opcode {
        0x0..=0x2 => {}
        0x8..=0xa => ensure!(length <= 125 && first & 0x80 != 0, "section 5.5: a control frame of {length} bytes"),
        _ => bail!("section 5.2: the opcode {opcode:x}"),
    }
    let Some(payload) = rest.get(..usize::try_from(length)?) else { return Ok(None) };
    Ok(Some((Frame { first: *first, payload: payload.to_vec() }, least + payload.len())))
}
