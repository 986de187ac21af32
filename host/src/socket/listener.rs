//! Accepting clients and answering their HTTP requests: an upgrade, a file of the static folder, or an error.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
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
use super::stream::Stream;
use super::tls::{self, Client, Tls};
use super::upgrade;
use crate::accepting::Acceptor;
use crate::gate::{Gate, Reason, Visitor, drop_reserved};
use crate::hub::Hub;
use crate::listeners::{self, Inherited, ListenError};
use crate::plugin::Routes;

/// The body of a response.
pub(super) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// The door of a running host.
pub struct Door {
    pub(super) settings: Settings,
    pub(super) gate: Arc<Gate>,
    pub(super) hub: Arc<Hub>,
    // None if there is only TCP.
    pub(super) tls: Option<Arc<Tls>>,
    // Where HTTP without TLS is sent on, once the door is open.
    redirect: OnceLock<SocketAddr>,
    routes: Arc<Routes>,
    files: Option<ServeDir>,
    // HTTP and WebSocket connections, so that a stop can wait for all of them.
    pub(super) tasks: TaskTracker,
    pub(super) closing: CancellationToken,
}

/// What is done for those who come to a listener.
#[derive(Clone, Copy)]
enum Purpose {
    /// They are served.
    Serve,
    /// They are sent to HTTPS at this port.
    Redirect(u16),
}

impl Door {
    /// A door that is not open yet.
    #[must_use]
    pub fn new(
        settings: Settings,
        gate: Arc<Gate>,
        tls: Option<Arc<Tls>>,
        hub: Arc<Hub>,
        routes: Arc<Routes>,
    ) -> Arc<Self> {
        let files = settings.static_folder.as_ref().map(ServeDir::new);
        let (redirect, tasks, closing) = (OnceLock::new(), TaskTracker::new(), CancellationToken::new());
        Arc::new(Self { settings, gate, hub, tls, redirect, routes, files, tasks, closing })
    }

    /// Listens, on these sockets as far as there are any, and returns the address with the port that it got. Clients are accepted from
    /// now on.
    ///
    /// # Errors
    /// The port is in use, or the address cannot be had; or there is a socket for what is not configured.
    pub async fn open(
        self: &Arc<Self>,
        listen: Option<Inherited>,
        redirect: Option<Inherited>,
    ) -> Result<SocketAddr, ListenError> {
        let (listener, bound) = listeners::listen(listen, self.settings.address).await?;
        let wanted = self.settings.tls.as_ref().and_then(|tls| Some((tls.redirect?, tls.redirect_port)));
        if wanted.is_none() && redirect.is_some() {
            return Err(ListenError::Unwanted("redirect"));
        }
        if let Some((address, port)) = wanted {
            let (listener, from) = listeners::listen(redirect, address).await?;
            self.redirect.get_or_init(|| from);
            self.listen(listener, Purpose::Redirect(port.unwrap_or(bound.port())));
        }
        if let Some(tls) = &self.tls {
            self.tasks.spawn(self.closing.clone().run_until_cancelled_owned(Arc::clone(tls).follow()));
        }
        self.listen(listener, Purpose::Serve);
        Ok(bound)
    }

    /// Where HTTP without TLS is sent on to HTTPS, if it is.
    #[must_use]
    pub fn redirect(&self) -> Option<SocketAddr> {
        self.redirect.get().copied()
    }

    fn listen(self: &Arc<Self>, listener: TcpListener, purpose: Purpose) {
        let door = Arc::clone(self);
        self.tasks.spawn(async move {
            // The listener is dropped, and so closed, as soon as the door closes.
            door.closing.clone().run_until_cancelled(door.accept(listener, purpose)).await;
        });
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

    async fn accept(self: &Arc<Self>, listener: TcpListener, purpose: Purpose) {
        let mut clients = Acceptor::new(listener, "plugins");
        loop {
            let (stream, address) = clients.next().await;
            // Small messages go out when they are written; the outbox has already put together what belongs together.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%address, %error, "nodelay could not be set");
            }
            let door = Arc::clone(self);
            match purpose {
                Purpose::Serve => self.tasks.spawn(door.enter(stream, address)),
                Purpose::Redirect(port) => self.tasks.spawn(door.send_on(stream, address, port)),
            };
        }
    }

    async fn enter(self: Arc<Self>, mut stream: TcpStream, address: SocketAddr) {
        let arriving = self.gate.arrive(&mut stream, address, self.settings.header_timeout);
        let Some(Some(visitor)) = self.closing.run_until_cancelled(arriving).await else { return };
        match self.tls.clone() {
            None => {
                let client = Client { stream: Stream::Plain(stream), visitor, subject: None };
                let left = self.settings.header_timeout;
                self.serve(client, left).await;
            }
            Some(tls) => self.secure(&tls, stream, visitor).await,
        }
    }

    /// Serves a client that has so much time left for the head of its request.
    pub(super) async fn serve(self: Arc<Self>, client: Client, left: Duration) {
        let Client { stream, visitor, subject } = client;
        let (visitor, address) = (&visitor, visitor.address());
        let has_asked = AtomicBool::new(false);
        let service = service_fn(|mut request: Request<Incoming>| {
            let door = Arc::clone(&self);
            // Before all else: whoever reads them believes them.
            drop_reserved(request.headers_mut());
            tls::introduce(&mut request, subject.as_ref());
            has_asked.store(true, Ordering::Relaxed);
            async move { Ok::<_, Infallible>(door.respond(request, visitor).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(left)
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
            if error.is_parse_too_large() {
                self.gate.refuse(Reason::HeaderSize, address, "the head of its request is too large");
            } else if error.is_timeout() && !has_asked.load(Ordering::Relaxed) {
                // Who has asked before has only not asked again.
                self.gate.refuse(Reason::HeaderTimeout, address, "the head of its request took too long");
            } else {
                tracing::debug!(%address, %error, "HTTP connection ended");
            }
        }
    }

    async fn respond(self: &Arc<Self>, request: Request<Incoming>, visitor: &Visitor) -> Response<Body> {
        if let Some(reason) = visitor.refusal() {
            return too_many(reason);
        }
        let client = self.gate.client(visitor, request.headers());
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        match self.routes.find(host, request.uri().path()) {
            Some(plugin) => upgrade::respond(self, plugin, request, visitor, client).await,
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
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound
                        | ErrorKind::NotADirectory
                        | ErrorKind::InvalidInput
                        | ErrorKind::InvalidFilename
                ) =>
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

/// To an address that has too many connections, or opens them too fast.
pub(super) fn too_many(reason: Reason) -> Response<Body> {
    let mut response = answer(StatusCode::TOO_MANY_REQUESTS, "too many connections from this address\n");
    let headers = response.headers_mut();
    // The socket is one of those that are too many.
    headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    if reason == Reason::ConnectsPerSecond {
        headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    }
    response
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
