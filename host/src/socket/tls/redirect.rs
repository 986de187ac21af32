//! HTTP without TLS, at a listener of its own: who comes here is sent to HTTPS, at a host that the certificates are for, and at no
//! other: else anybody could make links that begin with a name that is trusted and lead elsewhere.
//!
//! A WebSocket is not sent on but refused with 426. Browsers follow no redirect there; other clients do, and would send what is in
//! their request, tokens and cookies, in the clear each time, and nobody would notice.

use http::header::{self, HeaderValue};
use http::uri::Authority;
use http::{Request, Response, StatusCode};

use super::names::Names;
use crate::socket::handshake::is_for_web_socket;
use crate::socket::listener::{Body, answer};

/// The port that a URL need not name.
const HTTPS: u16 = 443;

/// What a request gets.
pub(super) fn answer_to<B>(request: &Request<B>, names: &Names, port: u16) -> Response<Body> {
    // A URL in the first line counts more than the header (RFC 9112, section 3.2.2).
    let authority = request.uri().authority().cloned().or_else(|| host(request));
    let Some(authority) = authority.filter(|it| names.has(it.host())) else {
        return answer(StatusCode::MISDIRECTED_REQUEST, "there is nothing for this host name here\n");
    };
    if is_for_web_socket(request.headers()) {
        let mut response = answer(StatusCode::UPGRADE_REQUIRED, "WebSockets need TLS here: connect with wss://\n");
        // A response of this status has to say what is required (RFC 9110, section 15.5.22).
        response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("TLS/1.2, HTTP/1.1"));
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        return response;
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let port = if port == HTTPS { String::new() } else { format!(":{port}") };
    let target = format!("https://{}{port}{path}", authority.host());
    match HeaderValue::from_str(&target) {
        Ok(target) if path.starts_with('/') => {
            let mut response = answer(StatusCode::PERMANENT_REDIRECT, "this is at https:// only\n");
            response.headers_mut().insert(header::LOCATION, target);
            response
        }
        _ => answer(StatusCode::BAD_REQUEST, "not a path\n"),
    }
}

/// The host that a request names, once.
fn host<B>(request: &Request<B>) -> Option<Authority> {
    let mut hosts = request.headers().get_all(header::HOST).into_iter();
    let host = hosts.next().filter(|_| hosts.next().is_none())?;
    Authority::try_from(host.as_bytes()).ok()
}
