//! From an HTTP request on a route to a WebSocket: the handshake is read, the plugin is asked, and the socket is handed to its
//! own task.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;

use super::connection::ConnectionTask;
use super::entry::{self, Leave};
use super::extension::Agreed;
use super::handshake::Handshake;
use super::listener::{Body, Door, answer};
use super::stream::Stream;
use crate::gate::{Reason, Visitor};
use crate::guest::v1::{Acceptance, Refusal};
use crate::hub::Upgrade;
use crate::message::CloseFrame;
use crate::plugin::{Decision, Dispatch, Plugin};

/// Answers a request on a plugin's route.
pub(super) async fn respond(
    door: &Arc<Door>,
    plugin: Arc<Plugin>,
    mut request: Request<Incoming>,
    visitor: &Visitor,
    remote_address: SocketAddr,
) -> Response<Body> {
    let mut handshake = match Handshake::read(&request, door.settings.compression) {
        Ok(handshake) => handshake,
        Err(response) => {
            let why = format!("its handshake was answered with {}", response.status().as_u16());
            door.gate.refuse(Reason::Handshake, remote_address, why);
            return *response;
        }
    };
    let leave = match entry::admit(door, &plugin, &mut request, &mut handshake, visitor, remote_address).await {
        Ok(leave) => leave,
        Err(response) => return *response,
    };
    let upgrade = Upgrade {
        path: request.uri().path().into(),
        query: request.uri().query().unwrap_or_default().into(),
        headers: request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect(),
        remote_address,
    };
    let mut events = Dispatch::new(Arc::clone(&plugin), &upgrade);
    let mut acceptance = match events.connect(&upgrade, &handshake.subprotocols).await {
        Decision::Accept(acceptance) => acceptance,
        Decision::Refuse(refusal) => return refused(&events, refusal),
        Decision::Failed => return answer(StatusCode::INTERNAL_SERVER_ERROR, ""),
        Decision::Full => return answer(StatusCode::SERVICE_UNAVAILABLE, "too many connections\n"),
    };
    let (size, limit) = (acceptance.attachment.len(), door.hub.settings().attachment_size);
    if u64::try_from(size).unwrap_or(u64::MAX) > limit.as_u64() {
        let (tenant, plugin, version) = (plugin.owner().name(), plugin.name(), events.version());
        tracing::error!(target: "plugin", tenant, plugin, %version, size, %limit, "the first attachment is over the limit");
        return answer(StatusCode::INTERNAL_SERVER_ERROR, "");
    }
    if acceptance.subprotocol.is_none() {
        acceptance.subprotocol = leave.subprotocol.map(str::to_owned);
    }
    let mut subprotocol = None;
    if let Some(picked) = &acceptance.subprotocol {
        subprotocol = HeaderValue::from_str(picked).ok().filter(|_| handshake.subprotocols.contains(picked));
        if subprotocol.is_none() {
            let (tenant, plugin, version) = (plugin.owner().name(), plugin.name(), events.version());
            tracing::error!(target: "plugin", tenant, plugin, %version, subprotocol = picked, "it picked a subprotocol that the client did not offer");
            return answer(StatusCode::INTERNAL_SERVER_ERROR, "");
        }
    }
    let extension = handshake.extension;
    let mut response = handshake.response();
    if let Some(subprotocol) = subprotocol {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    let upgraded = hyper::upgrade::on(&mut request);
    let task = Arc::clone(door);
    door.tasks.spawn(async move {
        match upgraded.await {
            Ok(upgraded) => task.connected(upgraded, extension, events, leave, upgrade, acceptance).await,
            Err(error) => tracing::debug!(%remote_address, %error, "the client left before it was upgraded"),
        }
    });
    response
}

impl Door {
    async fn connected(
        self: Arc<Self>,
        upgraded: hyper::upgrade::Upgraded,
        extension: Option<Agreed>,
        events: Dispatch,
        leave: Leave,
        upgrade: Upgrade,
        acceptance: Acceptance,
    ) {
        let parts = match upgraded.downcast::<TokioIo<Stream>>() {
            Ok(parts) => parts,
            Err(_) => return tracing::error!("an upgraded connection is not the stream that it came on"),
        };
        let name = events.plugin().shared_name();
        match self.hub.connect(leave.lease, name, upgrade, acceptance.subprotocol, acceptance.attachment) {
            // A task of its own: what the handshake needed is not kept for as long as the connection lives.
            Ok(connection) => {
                if self.is_closing() {
                    // The stop may have looked for connections to close before this one was among them.
                    connection.close(CloseFrame::GOING_AWAY);
                }
                let stay = leave.terms.begin(&self, &connection);
                // Copied, because what has come is part of the buffer of the request, which is large.
                let (stream, unread) = (parts.io.into_inner(), Bytes::copy_from_slice(&parts.read_buf));
                self.tasks.spawn(ConnectionTask::new(&self, stream, unread, extension, connection, events, stay).run());
            }
            Err(error) => tracing::error!(%error, "a connection could not be given an id"),
        }
    }
}

/// The plugin's own response.
fn refused(events: &Dispatch, refusal: Refusal) -> Response<Body> {
    let plugin = events.plugin();
    let (tenant, plugin, version) = (plugin.owner().name(), plugin.name(), events.version());
    let status = StatusCode::from_u16(refusal.status).ok().filter(|it| it.is_client_error() || it.is_server_error());
    let Some(status) = status else {
        let status = refusal.status;
        tracing::error!(target: "plugin", tenant, plugin, %version, status, "it refused with a status that is not from 400 to 599");
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
                tracing::warn!(target: "plugin", tenant, plugin, %version, header = name, "a header of its refusal is not valid")
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
