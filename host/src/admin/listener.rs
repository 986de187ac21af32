//! The listener of the API: its own, so that clients of the plugins never meet it, and no burst of theirs keeps an operator out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use crate::accepting::Acceptor;

/// So many clients are served at once; others wait at the system's door.
const CLIENTS: usize = 256;

/// So long, and so many bytes, a client may go on sending what nobody reads, until it has seen why.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 64 << 20;

/// Serves clients until it is told to close.
pub(super) struct Listener {
    router: Router,
    header_timeout: Duration,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Listener {
    pub(super) fn new(router: Router, header_timeout: Duration, closing: CancellationToken) -> Arc<Self> {
        Arc::new(Self { router, header_timeout, tasks: TaskTracker::new(), closing })
    }

    /// Accepts clients from now on.
    pub(super) fn open(self: &Arc<Self>, listener: TcpListener) {
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let closing = this.closing.clone();
            closing.run_until_cancelled(this.accept(listener)).await;
        });
    }

    /// Waits until the last answer is out. Streams end with the token that closes.
    pub(super) async fn closed(&self, within: Duration) {
        self.tasks.close();
        if tokio::time::timeout(within, self.tasks.wait()).await.is_err() {
            tracing::debug!("clients of the admin API are left behind");
        }
    }

    async fn accept(self: Arc<Self>, listener: TcpListener) {
        let (mut clients, places) = (Acceptor::new(listener, "admin API"), Arc::new(Semaphore::new(CLIENTS)));
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            let (stream, address) = clients.next().await;
            self.tasks.spawn(Arc::clone(&self).serve(stream, address, place));
        }
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, address: SocketAddr, _place: OwnedSemaphorePermit) {
        let service = service_fn(|request| {
            // A router is always ready, and a clone of it is cheap.
            let mut router = self.router.clone();
            Box::pin(router.call(request))
        });
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .serve_connection(TokioIo::new(stream), service);
        let outcome = {
            let mut served = std::pin::pin!(std::future::poll_fn(|cx| connection.poll_without_shutdown(cx)));
            tokio::select! {
                outcome = served.as_mut() => Some(outcome),
                () = self.closing.cancelled() => None,
            }
        };
        let outcome = match outcome {
            Some(outcome) => outcome,
            None => {
                std::pin::Pin::new(&mut connection).graceful_shutdown();
                std::future::poll_fn(|cx| connection.poll_without_shutdown(cx)).await
            }
        };
        if let Err(error) = outcome {
            tracing::debug!(%address, %error, "an admin connection ended");
        }
        linger(connection.into_parts().io.into_inner()).await;
    }
}

/// Reads on, and throws away, until the client has seen the answer and closes: a body that was refused may still be on its way, and
/// if the socket were closed while that lies unread, the system would reset the connection, and the answer might be lost.
async fn linger(mut stream: TcpStream) {
    let drained = async {
        if stream.shutdown().await.is_err() {
            return;
        }
        let mut thrown_away = vec![0; 16 << 10];
        let mut left = LINGER_BYTES;
        while left > 0
            && let Ok(size) = stream.read(&mut thrown_away).await
            && size > 0
        {
            left = left.saturating_sub(size);
        }
    };
    // Whoever sends for longer than that is not waited for.
    let _in_time = tokio::time::timeout(LINGER, drained).await;
}
