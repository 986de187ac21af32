//! A WebSocket client that waits for what it expects, and for nothing else.

use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::http::{exchange, handshake};
use super::within;

/// One client.
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    subprotocol: Option<String>,
}

impl Client {
    /// Connects. The subprotocols that it offers are in a header like any other.
    pub(crate) async fn connect(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::connect_after(address, &[], path, headers).await
    }

    /// Connects, after it has sent these bytes.
    pub(crate) async fn connect_after(
        address: SocketAddr,
        preface: &[u8],
        path: &str,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let headers = [&handshake(), headers].concat();
        let (answer, stream) = within("the handshake", exchange(address, preface, path, &headers)).await??;
        ensure!(answer.status == 101, "the handshake was answered with {}", answer.status);
        let subprotocol = answer.header("sec-websocket-protocol").map(str::to_owned);
        let already = stream.buffer().to_vec();
        let socket = WebSocketStream::from_partially_read(stream.into_inner(), already, Role::Client, None).await;
        Ok(Self { socket, subprotocol })
    }

    /// The subprotocol that the host agreed on.
    pub(crate) fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// Where it is seen to come from.
    pub(crate) fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.socket.get_ref().local_addr()?)
    }

    pub(crate) async fn send_text(&mut self, text: impl Into<String>) -> anyhow::Result<()> {
        self.send(Message::text(text.into())).await
    }

    pub(crate) async fn send_binary(&mut self, bytes: impl Into<Vec<u8>>) -> anyhow::Result<()> {
        self.send(Message::binary(bytes.into())).await
    }

    pub(crate) async fn ping(&mut self, payload: &'static str) -> anyhow::Result<()> {
        self.send(Message::Ping(payload.into())).await
    }

    async fn send(&mut self, message: Message) -> anyhow::Result<()> {
        Ok(within("room for a message", self.socket.send(message)).await??)
    }

    /// The next message, whatever it is.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Message> {
        let next = within("a message", self.socket.next()).await?;
        Ok(next.context("the connection ended")??)
    }

    /// The next message, which is a text.
    pub(crate) async fn text(&mut self) -> anyhow::Result<String> {
        match self.next().await? {
            Message::Text(text) => Ok(text.to_string()),
            other => bail!("{other:?} instead of a text"),
        }
    }

    /// The next message, which is a text in JSON.
    pub(crate) async fn json(&mut self) -> anyhow::Result<Value> {
        let text = self.text().await?;
        serde_json::from_str(&text).with_context(|| format!("`{text}` is no JSON"))
    }

    /// Waits for the host's Close, and answers it: the code and the reason. Nothing else may come before.
    pub(crate) async fn closed(mut self) -> anyhow::Result<(u16, String)> {
        match self.next().await? {
            Message::Close(frame) => self.farewell(frame).await,
            other => bail!("{other:?} instead of a Close"),
        }
    }

    /// The same, after whatever else may come before.
    pub(crate) async fn closed_at_last(mut self) -> anyhow::Result<(u16, String)> {
        loop {
            if let Message::Close(frame) = self.next().await? {
                return self.farewell(frame).await;
            }
        }
    }

    async fn farewell(&mut self, frame: Option<CloseFrame>) -> anyhow::Result<(u16, String)> {
        self.drained().await?;
        let frame = frame.context("a Close without a code")?;
        Ok((frame.code.into(), frame.reason.to_string()))
    }

    /// Says Close and waits for the answer.
    pub(crate) async fn close(mut self, code: u16, reason: &'static str) -> anyhow::Result<()> {
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        within("room for the Close", self.socket.close(Some(frame))).await??;
        self.drained().await
    }

    /// Reads to the end, which is the host's.
    async fn drained(&mut self) -> anyhow::Result<()> {
        loop {
            match within("the end of the connection", self.socket.next()).await? {
                None | Some(Err(Error::ConnectionClosed)) => return Ok(()),
                Some(message) => drop(message?),
            }
        }
    }

    /// The TCP stream below, for a client that breaks the protocol.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.socket.into_inner()
    }
}
