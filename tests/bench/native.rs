//! The yardstick: an echo on tokio-tungstenite with the settings of Holdline's own sockets and without wasm. What Holdline is short of
//! it is what plugins cost.
//!
//! The benchmark runs itself as this server, in a process of its own. It knows nothing of what is measured.

use anyhow::Context;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{self, Sender, error::TryRecvError};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};

use crate::servers::Service;

/// The first argument that makes the benchmark be this server.
pub(crate) const NATIVE: &str = "native";

/// As many messages may wait for the slowest client. The one who sends waits for all, so there are few.
const WAITING: usize = 1024;

/// Serves until it is killed.
pub(crate) fn serve(service: Service) -> anyhow::Result<()> {
    // As the host does it: a thread for each core that this process may use, which is one.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("native is at ws://{}/", listener.local_addr()?);
        let (everybody, _) = broadcast::channel(WAITING);
        loop {
            let (stream, _) = listener.accept().await.context("a client could not be accepted")?;
            match service {
                Service::Echo => drop(tokio::spawn(echo(stream))),
                Service::Broadcast => drop(tokio::spawn(tell(stream, everybody.clone()))),
            }
        }
    })
}

/// A client that leaves ends its task by an error, which concerns nobody.
async fn echo(stream: TcpStream) -> Result<(), Error> {
    let mut socket = upgrade(stream).await?;
    while let Some(message) = socket.next().await {
        answer(&mut socket, message?).await?;
        while let Some(Some(message)) = socket.next().now_or_never() {
            answer(&mut socket, message?).await?;
        }
        socket.flush().await?;
    }
    Ok(())
}

async fn answer(socket: &mut WebSocketStream<TcpStream>, message: Message) -> Result<(), Error> {
    if message.is_text() || message.is_binary() {
        socket.feed(message).await?;
    }
    Ok(())
}

/// Each message goes to every client.
async fn tell(stream: TcpStream, everybody: Sender<Message>) -> Result<(), Error> {
    let mut socket = upgrade(stream).await?;
    let mut said = everybody.subscribe();
    loop {
        tokio::select! {
            message = socket.next() => match message.transpose()? {
                None => return Ok(()),
                // This client is a receiver itself, so there is always one.
                Some(message) if message.is_text() || message.is_binary() => drop(everybody.send(message)),
                Some(_) => {}
            },
            message = said.recv() => {
                let mut message = message.map_err(|_| TryRecvError::Closed);
                while let Ok(next) = message {
                    socket.feed(next).await?;
                    message = said.try_recv();
                }
                socket.flush().await?;
            }
        }
    }
}

async fn upgrade(stream: TcpStream) -> Result<WebSocketStream<TcpStream>, Error> {
    stream.set_nodelay(true)?;
    accept_async_with_config(stream, Some(WebSocketConfig::default().read_buffer_size(4096))).await
}
