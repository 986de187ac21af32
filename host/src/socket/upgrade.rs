//! From an HTTP request on a route to a WebSocket: the handshake is checked, the plugin is asked, and the socket is handed to its
//! own task.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response;

use super::connection::ConnectionTask;
use super::listener::{Body, Door, answer};
use crate::guest::v1::{Acceptance, Refusal};
use crate::hub::Upgrade;
use crate::message::CloseFrame;
use crate::plugin::{Decision, Dispatch, Plugin};
use crate::tenant::{Lease, Limit};

/// Answers a request on a plugin's route.
pub(super) async fn respond(
    door: &Arc<Door>,
    plugin: Arc<Plugin>,
    mut request: Request<Incoming>,
    remote_address: SocketAddr,
) -> Response<Body> {
    if !has_token(request.headers(), header::UPGRADE, "websocket") {
        return upgrade_required();
    }
    let mut response = match handshake(&request) {
        Ok(response) => response,
        Err(response) => return *response,
    };
    if door.is_closing() {
        return answer(StatusCode::SERVICE_UNAVAILABLE, "the host is stopping\n");
    }
    if door.hub.connection_count() >= door.settings.connections {
        tracing::warn!(%remote_address, "refused: as many connections are open as may be");
        return answer(StatusCode::SERVICE_UNAVAILABLE, "too many connections\n");
    }
    let Some(lease) = plugin.owner().lease(Limit::Connections) else {
        return answer(StatusCode::SERVICE_UNAVAILABLE, "too many connections\n");
    };
    let upgrade = Upgrade {
        path: request.uri().path().into(),
        query: request.uri().query().unwrap_or_default().into(),
        headers: request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect(),
        remote_address,
    };
    let subprotocols = subprotocols(request.headers());
    let mut events = Dispatch::new(Arc::clone(&plugin), &upgrade);
    let acceptance = match events.connect(&upgrade, &subprotocols).await {
        Decision::Accept(acceptance) => acceptance,
        Decision::Refuse(refusal) => return refused(&plugin, refusal),
        Decision::Failed => return answer(StatusCode::INTERNAL_SERVER_ERROR, ""),
        Decision::Full => return answer(StatusCode::SERVICE_UNAVAILABLE, "too many connections\n"),
    };
    let (size, limit) = (acceptance.attachment.len(), door.hub.settings().attachment_size);
    if u64::try_from(size).unwrap_or(u64::MAX) > limit.as_u64() {
        let (tenant, plugin) = (plugin.owner().name(), plugin.name());
        tracing::error!(target: "plugin", tenant, plugin, size, %limit, "the first attachment is over the limit");
        return answer(StatusCode::INTERNAL_SERVER_ERROR, "");
    }
    if let Some(subprotocol) = &acceptance.subprotocol {
        let value = HeaderValue::from_str(subprotocol).ok().filter(|_| subprotocols.contains(subprotocol));
        let Some(value) = value else {
            let (tenant, plugin) = (plugin.owner().name(), plugin.name());
            tracing::error!(target: "plugin", tenant, plugin, subprotocol, "it picked a subprotocol that the client did not offer");
            return answer(StatusCode::INTERNAL_SERVER_ERROR, "");
        };
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, value);
    }
    let upgraded = hyper::upgrade::on(&mut request);
    let task = Arc::clone(door);
    door.tasks.spawn(async move {
        match upgraded.await {
            Ok(upgraded) => task.connected(upgraded, events, lease, upgrade, acceptance).await,
            Err(error) => tracing::debug!(%remote_address, %error, "the client left before it was upgraded"),
        }
    });
    response
}

impl Door {
    async fn connected(
        self: Arc<Self>,
        upgraded: hyper::upgrade::Upgraded,
        events: Dispatch,
        lease: Lease,
        upgrade: Upgrade,
        acceptance: Acceptance,
    ) {
        let parts = match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => parts,
            Err(_) => return tracing::error!("an upgraded connection is not the TCP stream that it came on"),
        };
        let name = events.plugin().shared_name();
        match self.hub.connect(lease, name, upgrade, acceptance.subprotocol, acceptance.attachment) {
            // A task of its own: what the handshake needed is not kept for as long as the connection lives.
            Ok(connection) => {
                if self.is_closing() {
                    // The stop may have looked for connections to close before this one was among them.
                    connection.close(CloseFrame::GOING_AWAY);
                }
                // Copied, because what has come is part of the buffer of the request, which is large.
                let (stream, unread) = (parts.io.into_inner(), Bytes::copy_from_slice(&parts.read_buf));
                self.tasks.spawn(ConnectionTask::new(&self, stream, unread, connection, events).run());
            }
            Err(error) => tracing::error!(%error, "a connection could not be given an id"),
        }
    }
}

/// The response that accepts the handshake, or the one that says what is wrong with it.
fn handshake(request: &Request<Incoming>) -> Result<Response<Body>, Box<Response<Body>>> {
    // The library checks a request without its body.
    let mut head = Request::new(());
    *head.method_mut() = request.method().clone();
    *head.version_mut() = request.version();
    *head.headers_mut() = request.headers().clone();
    match create_response(&head) {
        Ok(response) => Ok(response.map(|()| empty())),
        Err(error) => {
            let version = request.headers().get(header::SEC_WEBSOCKET_VERSION);
            if version.is_some_and(|version| version != "13") {
                return Err(Box::new(upgrade_required()));
            }
            Err(Box::new(answer(StatusCode::BAD_REQUEST, format!("not a WebSocket handshake: {error}\n"))))
        }
    }
}

fn upgrade_required() -> Response<Body> {
    let mut response = answer(StatusCode::UPGRADE_REQUIRED, "this is a WebSocket: connect with ws://\n");
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}

/// The plugin's own response.
fn refused(plugin: &Plugin, refusal: Refusal) -> Response<Body> {
    let (tenant, plugin) = (plugin.owner().name(), plugin.name());
    let status = StatusCode::from_u16(refusal.status).ok().filter(|it| it.is_client_error() || it.is_server_error());
    let Some(status) = status else {
        let status = refusal.status;
        tracing::error!(target: "plugin", tenant, plugin, status, "it refused with a status that is not from 400 to 599");
        return answer(StatusCode::INTERNAL_SERVER_ERROR, "");
    };
    let body = Full::new(refusal.body.into()).map_err(|never: Infallible| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in refusal.headers {
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(&value)) {
            (Ok(name), Ok(value)) if !is_of_the_transfer(&name) => {
                response.headers_mut().append(name, value);
            }
            (Ok(_), Ok(_)) => {}
            _ => {
                tracing::warn!(target: "plugin", tenant, plugin, header = name, "a header of its refusal is not valid")
            }
        }
    }
    response
}

/// Headers that say how the body is carried, which is the host's part.
fn is_of_the_transfer(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONTENT_LENGTH | header::TRANSFER_ENCODING | header::CONNECTION | header::UPGRADE | header::TRAILER
    )
}

fn empty() -> Body {
    Empty::new().map_err(|never: Infallible| match never {}).boxed_unsync()
}

fn subprotocols(headers: &HeaderMap) -> Vec<String> {
    tokens(headers, header::SEC_WEBSOCKET_PROTOCOL).map(str::to_owned).collect()
}

fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|it| it.eq_ignore_ascii_case(token))
}

/// The elements of a header that is a list (RFC 9110, section 5.6.1).
fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|token| !token.is_empty())
}
