//! Accepting clients and answering their HTTP requests: an upgrade, a file of the static folder, or an error.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::services::ServeDir;

use super::settings::Settings;
use super::upgrade;
use crate::hub::Hub;
use crate::plugin::Routes;

/// The body of a response.
pub(super) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// After an accept that failed (the process has no file descriptor left, say) the next one waits this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the host cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another process has the port.
    #[error("cannot listen on {0}: the port is in use")]
    InUse(SocketAddr),
    /// The address is not this machine's, the port needs rights, or the like.
    #[error("cannot listen on {address}")]
    Other {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The door of a running host.
pub struct Door {
    pub(super) settings: Settings,
    pub(super) hub: Arc<Hub>,
    routes: Arc<Routes>,
    files: Option<ServeDir>,
    // HTTP and WebSocket connections, so that a stop can wait for all of them.
    pub(super) tasks: TaskTracker,
    closing: CancellationToken,
}

impl Door {
    /// A door that is not open yet.
    #[must_use]
    pub fn new(settings: Settings, hub: Arc<Hub>, routes: Arc<Routes>) -> Arc<Self> {
        let files = settings.static_folder.as_ref().map(ServeDir::new);
        Arc::new(Self { settings, hub, routes, files, tasks: TaskTracker::new(), closing: CancellationToken::new() })
    }

    /// Listens, and returns the address with the port that it got. Clients are accepted from now on.
    ///
    /// # Errors
    /// The port is in use, or the address cannot be had.
    pub async fn open(self: &Arc<Self>) -> Result<SocketAddr, ListenError> {
        let address = self.settings.address;
        let failed = |source: std::io::Error| match source.kind() {
            ErrorKind::AddrInUse => ListenError::InUse(address),
            _ => ListenError::Other { address, source },
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let door = Arc::clone(self);
        self.tasks.spawn(async move {
            // The listener is dropped, and so closed, as soon as the door closes.
            door.closing.clone().run_until_cancelled(door.accept(listener)).await;
        });
        Ok(bound)
    }

    /// Accepts nobody any more and ends idle HTTP connections. WebSockets go on.
    pub fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
    }

    /// Waits until the last client is gone. [`Door::close`] comes first.
    pub async fn closed(&self) {
        self.tasks.wait().await;
    }

    async fn accept(self: &Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    // Small messages go out when they are written; the outbox has already put together what belongs together.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%address, %error, "nodelay could not be set");
                    }
                    let door = Arc::clone(self);
                    self.tasks.spawn(door.serve(stream, address));
                }
                Err(error) => {
                    tracing::warn!(%error, "a client could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, address: SocketAddr) {
        let service = service_fn(|request| {
            let door = Arc::clone(&self);
            async move { Ok::<_, Infallible>(door.respond(request, address).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.settings.header_timeout)
            .max_header_size(usize::try_from(self.settings.header_size.as_u64()).unwrap_or(usize::MAX))
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let outcome = tokio::select! {
            outcome = connection.as_mut() => outcome,
            () = self.closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = outcome {
            tracing::debug!(%address, %error, "HTTP connection ended");
        }
    }

    async fn respond(self: &Arc<Self>, request: Request<Incoming>, address: SocketAddr) -> Response<Body> {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        match self.routes.find(host, request.uri().path()) {
            Some(plugin) => upgrade::respond(self, plugin, request, address).await,
            None => self.file(request).await,
        }
    }

    async fn file(&self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let not_found = || answer(StatusCode::NOT_FOUND, format!("there is nothing at {path}\n"));
        let Some(files) = &self.files else { return not_found() };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return answer(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        }
        match files.clone().try_call(request).await {
            Ok(response) if response.status() == StatusCode::NOT_FOUND => not_found(),
            Ok(response) => response.map(BodyExt::boxed_unsync),
            // What is no file of the folder, whatever the path is instead.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidInput) =>
            {
                not_found()
            }
            Err(error) => {
                tracing::error!(path, %error, "a file could not be served");
                answer(StatusCode::INTERNAL_SERVER_ERROR, "")
            }
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.is_cancelled()
    }
}

/// A plain text response.
pub(super) fn answer(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(text.into()).map_err(|never: Infallible| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let plain = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
