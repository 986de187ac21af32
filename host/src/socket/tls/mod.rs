//! TLS: which certificates the host shows, which clients it believes, and what becomes of those who come without. Above it nobody
//! sees more of it than that a client may have a subject.

mod certificate;
mod error;
mod files;
mod handshake;
mod identity;
mod names;
mod redirect;
mod settings;
mod subject;
mod watch;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

pub use error::TlsError;
pub use settings::{CertificateFiles, ClientCertificates, TlsSettings};

use super::listener::{Door, too_many};
use super::stream::Stream;
use crate::gate::{Reason, Visitor};
use files::Contents;
use handshake::{Refused, Secured};
use identity::Identity;

/// The subject of the client's certificate.
const SUBJECT: HeaderName = HeaderName::from_static("holdline-client-subject");

/// Who the host is to its clients, for as long as its files stay as they are.
pub struct Tls {
    settings: TlsSettings,
    // Replaced as a whole when the files change. Who is connected goes on with the one that it came by.
    identity: ArcSwap<Identity>,
}

/// One who has come, and by which stream.
pub(super) struct Client {
    pub(super) stream: Stream,
    pub(super) visitor: Visitor,
    /// Who it is by its certificate.
    pub(super) subject: Option<HeaderValue>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Names the file that is wrong.
    pub fn new(settings: &TlsSettings) -> Result<Arc<Self>, TlsError> {
        let identity = Identity::new(&Contents::read(settings)?, settings)?;
        identity.warn();
        Ok(Arc::new(Self { settings: settings.clone(), identity: ArcSwap::from_pointee(identity) }))
    }
}

/// Says in a request who the client is, after whatever it has said of that itself is gone.
pub(super) fn introduce<B>(request: &mut Request<B>, subject: Option<&HeaderValue>) {
    if let Some(subject) = subject {
        request.headers_mut().insert(SUBJECT, subject.clone());
    }
}

impl Door {
    /// Speaks TLS with a client and serves it then. It has `header-timeout` for the handshake and the head of its first request
    /// together.
    pub(super) async fn secure(self: Arc<Self>, tls: &Tls, stream: TcpStream, visitor: Visitor) {
        let identity = tls.identity.load_full();
        let deadline = Instant::now() + self.settings.header_timeout;
        // Boxed, and gone when it is over: the state of a handshake is large.
        let handshake = Box::pin(timeout_at(deadline, handshake::accept(&identity, stream)));
        let Some(outcome) = self.closing.run_until_cancelled(handshake).await else { return };
        drop(identity);
        let address = visitor.address();
        match outcome {
            Ok(Ok(Secured { stream, subject })) => {
                let client = Client { stream: Stream::Tls(stream), visitor, subject };
                let left = deadline.saturating_duration_since(Instant::now());
                self.serve(client, left).await;
            }
            Ok(Err(why @ (Refused::NoCertificate | Refused::Certificate(_)))) => {
                self.gate.refuse(Reason::ClientCertificates, address, why);
            }
            Ok(Err(why @ (Refused::Plain | Refused::Other(_)))) => self.gate.refuse(Reason::Tls, address, why),
            Err(_) => self.gate.refuse(Reason::HeaderTimeout, address, "its handshake took too long"),
        }
    }

    /// Sends a client that comes without TLS to HTTPS, one request for each connection.
    pub(super) async fn send_on(self: Arc<Self>, mut stream: TcpStream, address: SocketAddr, port: u16) {
        let Some(tls) = &self.tls else { return };
        let arriving = self.gate.arrive(&mut stream, address, self.settings.header_timeout);
        let Some(Some(visitor)) = self.closing.run_until_cancelled(arriving).await else { return };
        let service = service_fn(|request: Request<Incoming>| {
            let response = match visitor.refusal() {
                Some(reason) => too_many(reason),
                None => redirect::answer_to(&request, &tls.identity.load().names, port),
            };
            if matches!(response.status(), StatusCode::MISDIRECTED_REQUEST | StatusCode::UPGRADE_REQUIRED) {
                let client = self.gate.client(&visitor, request.headers());
                self.gate.refuse(Reason::Redirect, client, format_args!("it got {}", response.status()));
            }
            async move { Ok::<_, Infallible>(response) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.settings.header_timeout)
            .max_header_size(usize::try_from(self.settings.header_size.as_u64()).unwrap_or(usize::MAX))
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service);
        if let Some(Err(error)) = self.closing.run_until_cancelled(connection).await {
            tracing::debug!(address = %visitor.address(), %error, "HTTP connection ended");
        }
    }
}
