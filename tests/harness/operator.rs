//! A client of the admin API, as whoever operates a host would write one: hyper, a token, JSON.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::within;

/// Somebody who has a token, or has none.
#[derive(Clone)]
pub(crate) struct Operator {
    address: SocketAddr,
    token: Option<String>,
}

/// What the API has answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) text: String,
}

/// A body and its media type.
pub(crate) struct Payload {
    kind: Option<&'static str>,
    bytes: Bytes,
}

impl Payload {
    pub(crate) fn none() -> Self {
        Self { kind: None, bytes: Bytes::new() }
    }

    pub(crate) fn json(value: &Value) -> Self {
        Self { kind: Some("application/json"), bytes: value.to_string().into() }
    }

    pub(crate) fn of(kind: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self { kind: Some(kind), bytes: bytes.into() }
    }

    pub(crate) fn wasm(bytes: impl Into<Bytes>) -> Self {
        Self::of("application/wasm", bytes)
    }
}

impl Reply {
    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.text).with_context(|| format!("{} `{}` is no JSON", self.status, self.text))
    }

    /// The code of an error; empty if it is none.
    pub(crate) fn code(&self) -> String {
        let code =
            self.json().ok().and_then(|body| body.pointer("/error/code").and_then(Value::as_str).map(str::to_owned));
        code.unwrap_or_default()
    }

    /// The body of an answer with this status.
    pub(crate) fn with(&self, status: u16) -> anyhow::Result<Value> {
        ensure!(self.status == status, "{} instead of {status}: {}", self.status, self.text);
        if self.text.is_empty() { Ok(Value::Null) } else { self.json() }
    }
}

impl Operator {
    /// Who has the token of the first start.
    pub(crate) fn first(address: SocketAddr, store: &Path) -> anyhow::Result<Self> {
        let token = std::fs::read_to_string(store.join("admin-token")).context("there is no first token")?;
        Ok(Self { address, token: Some(token.trim().to_owned()) })
    }

    /// The same client with another token.
    pub(crate) fn with(&self, token: Option<&str>) -> Self {
        Self { address: self.address, token: token.map(str::to_owned) }
    }

    /// Where it asks.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// Makes a token and becomes who has it.
    pub(crate) async fn made(&self, role: &str, tenant: Option<&str>) -> anyhow::Result<Self> {
        let body = serde_json::json!({ "name": format!("a {role}"), "role": role, "tenant": tenant });
        let made = self.post("/v1/tokens", &body).await?.with(201)?;
        let token = made.get("token").and_then(Value::as_str).context("no token in the answer")?;
        Ok(self.with(Some(token)))
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Reply> {
        self.ask("GET", path, Payload::none()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Reply> {
        self.ask("POST", path, Payload::json(body)).await
    }

    pub(crate) async fn put(&self, path: &str, payload: Payload) -> anyhow::Result<Reply> {
        self.ask("PUT", path, payload).await
    }

    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<Reply> {
        self.ask("DELETE", path, Payload::none()).await
    }

    /// One request on a connection of its own, and its whole answer.
    pub(crate) async fn ask(&self, method: &str, path: &str, payload: Payload) -> anyhow::Result<Reply> {
        let response = within("an answer of the admin API", self.exchange(method, path, payload)).await??;
        let status = response.status().as_u16();
        let body = within("the whole answer", response.into_body().collect()).await??.to_bytes();
        Ok(Reply { status, text: String::from_utf8(body.to_vec())? })
    }

    /// The answer's head, and its body as it comes.
    pub(crate) async fn exchange(
        &self,
        method: &str,
        path: &str,
        payload: Payload,
    ) -> anyhow::Result<Response<Incoming>> {
        let stream = TcpStream::connect(self.address).await.context("nobody listens")?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the body of the answer.
        tokio::spawn(connection);
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes())?).uri(path);
        request = request.header("host", self.address.to_string());
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(kind) = payload.kind {
            request = request.header("content-type", kind);
        }
        Ok(sender.send_request(request.body(Full::new(payload.bytes))?).await?)
    }
}
