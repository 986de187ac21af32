//! The client of `holdline demo --check`: it talks to the sample plugins as a person would on the page, and prints what it saw.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::terminal;

/// Longer than any answer takes, even on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// The delay of the mirror as its plugin.toml says, less what a clock may round away.
const MIRROR_DELAY: Duration = Duration::from_millis(990);

/// Talks to all of them.
pub(super) async fn all(address: SocketAddr) -> anyhow::Result<()> {
    echo(address).await.context("talking to echo")?;
    mirror(address).await.context("talking to mirror")?;
    ticker(address).await.context("talking to ticker")?;
    terminal::line("all is well");
    Ok(())
}

async fn echo(address: SocketAddr) -> anyhow::Result<()> {
    let mut client = Client::connect(address, "echo").await?;
    client.send(Message::text("hello")).await?;
    ensure!(client.text().await? == "hello", "echo did not send the text back");
    client.close().await
}

async fn mirror(address: SocketAddr) -> anyhow::Result<()> {
    let mut client = Client::connect(address, "mirror").await?;
    client.text().await?;
    let sent = Instant::now();
    for text in ["one", "two", "three"] {
        client.send(Message::text(text)).await?;
    }
    client.send(Message::Ping("are you there?".into())).await?;
    let mut delay = Duration::ZERO;
    // The pong comes first: the connection is held, and the host answers pings all the same.
    ensure!(matches!(client.next().await?, Message::Pong(_)), "the ping was not answered at once");
    for mirrored in ["eno", "owt", "eerht"] {
        let answer = client.text().await?;
        ensure!(answer.contains(&format!("\"{mirrored}\"")), "`{answer}` is not the mirrored text {mirrored}");
        delay += MIRROR_DELAY;
        ensure!(sent.elapsed() >= delay, "{mirrored} came too early: it did not wait for the one before");
    }
    client.close().await
}

async fn ticker(address: SocketAddr) -> anyhow::Result<()> {
    let mut client = Client::connect(address, "ticker").await?;
    let sent = Instant::now();
    client.send(Message::text("1500")).await?;
    let mut ticks = 0;
    loop {
        let text = client.text().await?;
        if text.starts_with("tick") {
            ticks += 1;
        } else {
            break;
        }
    }
    ensure!(sent.elapsed() >= Duration::from_millis(1500), "the timer answered too early");
    ensure!(ticks > 0, "no tick came while the connection was held");
    client.close().await
}

/// A client that prints what goes in and out.
struct Client {
    name: &'static str,
    socket: WebSocketStream<TcpStream>,
    begun: Instant,
}

impl Client {
    async fn connect(address: SocketAddr, name: &'static str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        // Else a message that follows another one waits until the host's system has acknowledged that one.
        stream.set_nodelay(true)?;
        let (socket, _) = tokio_tungstenite::client_async(format!("ws://{address}/{name}"), stream).await?;
        let client = Self { name, socket, begun: Instant::now() };
        client.print("--", "connected");
        Ok(client)
    }

    async fn send(&mut self, message: Message) -> anyhow::Result<()> {
        self.print("->", &show(&message));
        Ok(self.socket.send(message).await?)
    }

    async fn next(&mut self) -> anyhow::Result<Message> {
        let next = timeout(PATIENCE, self.socket.next()).await.context("nothing came for half a minute")?;
        let message = next.context("the connection ended")??;
        self.print("<-", &show(&message));
        Ok(message)
    }

    async fn text(&mut self) -> anyhow::Result<String> {
        match self.next().await? {
            Message::Text(text) => Ok(text.to_string()),
            other => bail!("{} instead of a text", show(&other)),
        }
    }

    async fn close(mut self) -> anyhow::Result<()> {
        self.socket.close(None).await?;
        while let Some(message) = timeout(PATIENCE, self.socket.next()).await.context("the Close was not answered")? {
            message?;
        }
        self.print("--", "closed");
        Ok(())
    }

    fn print(&self, direction: &str, what: &str) {
        let (name, at) = (self.name, self.begun.elapsed().as_millis());
        terminal::line(format!("{name:<7} {at:>6} ms  {direction} {what}"));
    }
}

fn show(message: &Message) -> String {
    match message {
        Message::Text(text) => text.to_string(),
        Message::Ping(_) => "ping".to_owned(),
        Message::Pong(_) => "pong".to_owned(),
        other => format!("{other:?}"),
    }
}
