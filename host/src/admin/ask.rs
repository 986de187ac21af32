//! One request as the answers see it: who asks, whose matter it is, what it says. Nothing of it is read before the gate has let it in,
//! and its body only as far as it may be.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Query, RawPathParams};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::Api;
use super::fault::Fault;
use super::gate::Caller;
use super::ledger::Entry;
use crate::message::Message;
use crate::tenant::Tenant;

/// No JSON of a request is larger.
const JSON: usize = 64 << 10;

/// What every answer is.
pub(super) type Answer = Result<Response, Fault>;

/// One request that the gate has let in.
pub(super) struct Ask {
    pub(super) api: Arc<Api>,
    pub(super) caller: Caller,
    parameters: HashMap<String, String>,
    uri: Uri,
    headers: HeaderMap,
    // Never locked: the mutex lets a request be looked at by a task that may move to another thread.
    body: Mutex<Body>,
}

impl FromRequest<Arc<Api>> for Ask {
    type Rejection = Fault;

    async fn from_request(request: Request<Body>, api: &Arc<Api>) -> Result<Self, Fault> {
        let (mut parts, body) = request.into_parts();
        let parameters = parameters(&mut parts).await?;
        // The gate has put it there; without it nobody is let in.
        let caller = parts.extensions.remove::<Caller>().ok_or_else(Fault::no_token)?;
        Ok(Self {
            api: Arc::clone(api),
            caller,
            parameters,
            uri: parts.uri,
            headers: parts.headers,
            body: Mutex::new(body),
        })
    }
}

/// The parameters of the path.
pub(super) async fn parameters(parts: &mut http::request::Parts) -> Result<HashMap<String, String>, Fault> {
    use axum::extract::FromRequestParts;
    let raw = RawPathParams::from_request_parts(parts, &()).await;
    // A path that is no text once its escapes are read names nothing.
    let raw = raw.map_err(|_| Fault::not_found())?;
    Ok(raw.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

impl Ask {
    /// The tenant in the path.
    pub(super) fn tenant(&self) -> Result<&Arc<Tenant>, Fault> {
        self.caller.tenant.as_ref().ok_or_else(Fault::not_found)
    }

    /// A part of the path.
    pub(super) fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// A part of the path that is a number; what is none names nothing.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.parameter(name).parse().ok()
    }

    /// The query. The gate has looked whether all its keys are known.
    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let query = Query::try_from_uri(&self.uri).map_err(|error| Fault::invalid(error.body_text()))?;
        Ok(query.0)
    }

    /// An entry of the audit log about what is asked for.
    pub(super) fn entry(&self, what: &str) -> Entry {
        let entry = Entry::new(&self.caller.name, what);
        match &self.caller.tenant {
            Some(tenant) => entry.tenant(tenant.name()),
            None => entry,
        }
    }

    /// The body as JSON.
    pub(super) async fn json<T: DeserializeOwned>(self) -> Result<T, Fault> {
        if self.media_type() != "application/json" {
            return Err(Fault::media_type("application/json"));
        }
        let within = self.api.settings.body_timeout;
        let bytes = read(self.body.into_inner(), &self.headers, JSON, within).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let text = error.to_string();
            match error.classify() {
                serde_json::error::Category::Data if text.starts_with("unknown field") => Fault::unknown_field(text),
                serde_json::error::Category::Data => Fault::invalid(text),
                _ => Fault::malformed(text),
            }
        })
    }

    /// The body as a text of at most so many bytes.
    pub(super) async fn text(self, most: usize) -> Result<String, Fault> {
        let within = self.api.settings.body_timeout;
        let bytes = read(self.body.into_inner(), &self.headers, most, within).await?;
        String::from_utf8(bytes).map_err(|_| Fault::invalid("the body is not UTF-8"))
    }

    /// The body as a component of at most so many bytes.
    pub(super) async fn component(self, most: usize) -> Result<Vec<u8>, Fault> {
        if !matches!(self.media_type().as_str(), "application/wasm" | "application/octet-stream" | "") {
            return Err(Fault::media_type("application/wasm"));
        }
        let within = self.api.settings.body_timeout;
        read(self.body.into_inner(), &self.headers, most, within).await
    }

    /// The body as a message to a client: text if its media type says so, and else binary.
    pub(super) async fn message(self) -> Result<Message, Fault> {
        let is_text = matches!(self.media_type().as_str(), "text/plain" | "application/json");
        let most = self.api.registry.hub().settings().message_bytes();
        if is_text {
            return Ok(Message::Text(self.text(most).await?.into()));
        }
        let within = self.api.settings.body_timeout;
        Ok(Message::Binary(read(self.body.into_inner(), &self.headers, most, within).await?.into()))
    }

    /// The media type of the body, in lower case and without its parameters.
    fn media_type(&self) -> String {
        let value = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// The whole body, if it comes in time and is no larger than it may be.
async fn read(mut body: Body, headers: &HeaderMap, most: usize, within: Duration) -> Result<Vec<u8>, Fault> {
    let said = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if said.is_some_and(|said| said > most) {
        return Err(Fault::too_large(most));
    }
    let all = async {
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Fault::malformed(format!("the body ended too early: {error}")))?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len().saturating_add(data.len()) > most {
                return Err(Fault::too_large(most));
            }
            // What the head says is only believed as far as something has come.
            bytes.extend_from_slice(&data);
        }
        Ok(bytes)
    };
    timeout(within, all).await.unwrap_or_else(|_| Err(Fault::slow()))
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    let bytes = serde_json::to_vec(body).map_err(|error| Fault::internal(&error))?;
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// An answer in JSON that all is well.
pub(super) fn ok(body: &impl Serialize) -> Answer {
    json(StatusCode::OK, body)
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Answer {
    Ok(status.into_response())
}
