//! A host's admin API that only stands in for one: it judges every request by the document, remembers it, and answers with what it was
//! told to say, which is judged as well.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

use super::answers;
use super::document::Document;

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) operation: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) token: Option<String>,
    pub(super) body: Vec<u8>,
}

/// What is to be said.
#[derive(Clone, Debug)]
pub(super) enum Say {
    /// A status and a document.
    Json(u16, Value),
    /// Whatever a stranger says: it is not judged.
    Raw(u16, &'static str, String),
}

#[derive(Default)]
struct Memory {
    seen: Vec<Seen>,
    told: HashMap<String, VecDeque<Say>>,
    wrong: Vec<String>,
}

/// The stand-in. It ends with the test's runtime.
pub(super) struct StandIn {
    address: SocketAddr,
    memory: Arc<Mutex<Memory>>,
}

impl StandIn {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let memory = Arc::new(Mutex::new(Memory::default()));
        let document = Arc::new(Document::new()?);
        let shared = Arc::clone(&memory);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (memory, document) = (Arc::clone(&shared), Arc::clone(&document));
                let serve = service_fn(move |request| answer(Arc::clone(&memory), Arc::clone(&document), request));
                let connection =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), serve);
                tokio::spawn(async move {
                    // A client that goes away is no one's fault.
                    let _gone = connection.await;
                });
            }
        });
        Ok(Self { address, memory })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Has it say this the next time that it is asked for the operation.
    pub(super) fn tell(&self, operation: &str, say: Say) {
        lock(&self.memory).told.entry(operation.to_owned()).or_default().push_back(say);
    }

    /// What came since the last time.
    ///
    /// # Panics
    /// Something came that the document does not know, or was said that it does not promise.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let mut memory = lock(&self.memory);
        assert!(memory.wrong.is_empty(), "{:#?}", memory.wrong);
        std::mem::take(&mut memory.seen)
    }
}

fn lock(memory: &Mutex<Memory>) -> std::sync::MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(
    memory: Arc<Mutex<Memory>>,
    document: Arc<Document>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let query = pairs(head.uri.query().unwrap_or_default());
    let mut memory = lock(&memory);
    let asked = format!("{} {}", head.method, head.uri);
    let operation = match document.operation(head.method.as_str(), head.uri.path()) {
        Ok(operation) => operation,
        Err(error) => {
            memory.wrong.push(format!("{asked}: {error:#}"));
            return Ok(response(404, None, String::new()));
        }
    };
    if let Err(error) = document.check_request(&operation, &query, header(CONTENT_TYPE).as_deref(), &body) {
        memory.wrong.push(format!("{asked}: {error:#}"));
    }
    memory.seen.push(Seen {
        operation: operation.id.to_owned(),
        path: head.uri.path().to_owned(),
        query,
        token: header(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned)),
        body: body.to_vec(),
    });
    let told = memory.told.get_mut(operation.id).and_then(VecDeque::pop_front);
    let (status, content) = match told {
        Some(Say::Raw(status, kind, text)) => return Ok(response(status, Some(kind), text)),
        Some(Say::Json(status, content)) => (status, Some(content)),
        None => (Document::success(&operation).unwrap_or(500), answers::of(operation.id)),
    };
    if let Err(error) = document.check_answer(&operation, status, content.as_ref()) {
        memory.wrong.push(format!("{asked} was answered wrongly: {error:#}"));
    }
    Ok(response(status, Some("application/json"), content.map(|content| content.to_string()).unwrap_or_default()))
}

fn response(status: u16, kind: Option<&str>, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status.try_into().unwrap_or_default();
    if let Some(kind) = kind.and_then(|kind| kind.parse().ok()) {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(key, value)| (decoded(key), decoded(value)))
        .collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex: String = if byte == b'%' { rest.by_ref().take(2).map(char::from).collect() } else { String::new() };
        bytes.push(u8::from_str_radix(&hex, 16).unwrap_or(byte));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
