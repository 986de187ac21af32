//! Who may ask a plugin for a connection: what is looked at between the handshake and the plugin, the cheapest first.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::handshake::Handshake;
use super::listener::{Body, Door, answer, too_many};
use crate::gate::jwt::TokenError;
use crate::gate::{Asked, CLAIMS, Entrance, Place, Reason, Refusal, Visitor};
use crate::hub::Connection;
use crate::message::CloseFrame;
use crate::plugin::Plugin;
use crate::tenant::{Lease, Limit};

/// Leave to have a connection.
pub(super) struct Leave {
    /// From the tenant.
    pub(super) lease: Lease,
    /// For how long, and in which place.
    pub(super) terms: Terms,
    /// The subprotocol that the client has offered beside its token, to be agreed on if the plugin wants no other.
    pub(super) subprotocol: Option<&'static str>,
}

/// What a connection has its leave on.
pub(super) struct Terms {
    place: Option<Arc<Place>>,
    ends: Option<Instant>,
}

/// What a connection keeps for as long as its socket is there.
pub(super) struct Stay {
    _place: Option<Arc<Place>>,
    _end: Option<AbortOnDropHandle<()>>,
}

/// Leave for a client that asks with this request, or the answer that it has none. What its token claims is in the request then.
pub(super) async fn admit(
    door: &Door,
    plugin: &Plugin,
    request: &mut Request<Incoming>,
    handshake: &mut Handshake,
    visitor: &Visitor,
    client: SocketAddr,
) -> Result<Leave, Box<Response<Body>>> {
    let unavailable = |text: &'static str| Box::new(answer(StatusCode::SERVICE_UNAVAILABLE, text));
    if door.is_closing() {
        return Err(unavailable("the host is stopping\n"));
    }
    if door.hub.connection_count() >= door.settings.connections {
        door.gate.refuse(Reason::Connections, client, "as many connections are open as may be");
        return Err(unavailable("too many connections\n"));
    }
    let place = door.gate.place(visitor, client).map_err(|reason| Box::new(too_many(reason)))?;
    // That of the version that serves: whether a canary is to have the client is not known yet.
    let entrance = Arc::clone(plugin.serving().version.entrance());
    if let Err(error) = entrance.check_origin(request.headers()) {
        refuse(door, plugin, &entrance, Reason::Origins, client, &error);
        return Err(Box::new(answer(StatusCode::FORBIDDEN, "this page may not connect\n")));
    }
    let (means, query) = (plugin.means(entrance.secret()), request.uri().query().unwrap_or_default());
    let claims = match entrance.check_token(request.headers(), query, &means).await {
        Ok(claims) => claims,
        Err(error) => {
            refuse(door, plugin, &entrance, Reason::Jwt, client, &error);
            return Err(Box::new(unauthorized(&error)));
        }
    };
    let mut ends = None;
    if let Some(claims) = claims {
        let value = HeaderValue::try_from(claims.json).map_err(|_| Box::new(unauthorized(&TokenError::Missing)))?;
        request.headers_mut().insert(CLAIMS, value);
        ends = claims.lasts.map(|lasts| Instant::now() + lasts);
    }
    let subprotocol = entrance.clear(&mut handshake.subprotocols);
    // Last, so that nobody takes the tenant's places who may not have one.
    let Some(lease) = plugin.owner().lease(Limit::Connections) else {
        let why = "as many connections of its tenant are open as may be";
        refuse(door, plugin, &entrance, Reason::TenantConnections, client, &why);
        return Err(unavailable("too many connections\n"));
    };
    Ok(Leave { lease, terms: Terms { place, ends }, subprotocol })
}

fn refuse(
    door: &Door,
    plugin: &Plugin,
    entrance: &Entrance,
    reason: Reason,
    address: SocketAddr,
    why: &dyn std::fmt::Display,
) {
    let asked = Asked { tenant: plugin.owner().name(), plugin: plugin.name() };
    door.gate.refuse_at(entrance, Refusal { reason, address, plugin: Some(asked), why });
}

/// What is wrong with a token is nobody's business but that of whoever reads the log.
fn unauthorized(error: &TokenError) -> Response<Body> {
    let challenge = match error {
        TokenError::Unavailable(_) => {
            return answer(StatusCode::SERVICE_UNAVAILABLE, "tokens cannot be checked now\n");
        }
        TokenError::Missing => "Bearer",
        _ => "Bearer error=\"invalid_token\"",
    };
    let mut response = answer(StatusCode::UNAUTHORIZED, "not authorized\n");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

impl Terms {
    /// For a connection that is there now.
    pub(super) fn begin(self, door: &Arc<Door>, connection: &Arc<Connection>) -> Stay {
        let ending = |at| {
            let (door, connection) = (Arc::clone(door), Arc::downgrade(connection));
            AbortOnDropHandle::new(tokio::spawn(end(at, door, connection)))
        };
        Stay { _place: self.place, _end: self.ends.map(ending) }
    }
}

/// Closes a connection whose token expires. A task of its own, because few connections have one, and those that have none pay nothing for it.
async fn end(at: Instant, door: Arc<Door>, connection: Weak<Connection>) {
    tokio::time::sleep_until(at).await;
    if let Some(connection) = connection.upgrade() {
        door.gate.refuse(Reason::AtExpiry, connection.upgrade().remote_address, "its token has expired");
        connection.close(CloseFrame::EXPIRED);
    }
}
