//! The opening handshake (RFC 6455, section 4.2): what a client asks for is checked to the letter before anything else is done for
//! it. What a plugin says to it comes later, in the upgrade.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::extension::{self, Agreed};
use super::listener::{Body, answer};
use super::settings::Compression;

/// A handshake that is as it should be.
pub(super) struct Handshake {
    accept: HeaderValue,
    /// The subprotocols that the client offers, in its order.
    pub(super) subprotocols: Vec<String>,
    /// The extension that the host agrees to.
    pub(super) extension: Option<Agreed>,
}

/// What is wrong with a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("its method is not GET")]
    Method,
    #[error("its version of HTTP is older than 1.1")]
    Http,
    #[error("it has a body")]
    Body,
    #[error("it has not one `Host`")]
    Host,
    #[error("`Connection` does not have `upgrade`")]
    Connection,
    #[error("it has not one `Sec-WebSocket-Version`")]
    Version,
    #[error("it has not one `Sec-WebSocket-Key` of 16 bytes in base64")]
    Key,
}

impl Handshake {
    /// Reads it out of a request, or answers what is wrong with that.
    pub(super) fn read<B: hyper::body::Body>(
        request: &Request<B>,
        compression: Compression,
    ) -> Result<Self, Box<Response<Body>>> {
        let headers = request.headers();
        if !is_for_web_socket(headers) {
            return Err(Box::new(upgrade_required()));
        }
        let fault =
            |fault: Fault| Box::new(answer(StatusCode::BAD_REQUEST, format!("not a WebSocket handshake: {fault}\n")));
        let key = check(request).map_err(fault)?;
        let version = only(headers, header::SEC_WEBSOCKET_VERSION).ok_or_else(|| fault(Fault::Version))?;
        if version != "13" {
            return Err(Box::new(upgrade_required()));
        }
        let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(|_| fault(Fault::Key))?;
        Ok(Self {
            accept,
            subprotocols: tokens(headers, header::SEC_WEBSOCKET_PROTOCOL).map(str::to_owned).collect(),
            extension: match compression {
                Compression::Off => None,
                Compression::Deflate => extension::agree(headers),
            },
        })
    }

    /// The response that accepts it.
    pub(super) fn response(self) -> Response<Body> {
        let body =
            http_body_util::Empty::new().map_err(|never: std::convert::Infallible| match never {}).boxed_unsync();
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept);
        if let Some(value) = self.extension.and_then(Agreed::header) {
            headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, value);
        }
        response
    }
}

/// Section 4.2.1, but for the version of the protocol, which has an answer of its own. The key, if nothing is wrong.
fn check<B: hyper::body::Body>(request: &Request<B>) -> Result<&HeaderValue, Fault> {
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(Fault::Method);
    }
    if request.version() < Version::HTTP_11 {
        return Err(Fault::Http);
    }
    // Its bytes could be taken for frames.
    if !request.body().is_end_stream() {
        return Err(Fault::Body);
    }
    only(headers, header::HOST).filter(|host| !host.is_empty()).ok_or(Fault::Host)?;
    if !has_token(headers, header::CONNECTION, "upgrade") {
        return Err(Fault::Connection);
    }
    only(headers, header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes())).ok_or(Fault::Key)
}

/// 16 bytes in base64: 21 characters have 126 bits, the 22nd the last two.
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    matches!(key, [digits @ .., b'A' | b'Q' | b'g' | b'w', b'=', b'='] if digits.len() == 21 && digits.iter().all(is_digit))
}

/// Says which protocol is spoken here, and in which version (section 4.4).
fn upgrade_required() -> Response<Body> {
    let mut response =
        answer(StatusCode::UPGRADE_REQUIRED, "this is a WebSocket: connect with ws://, or wss:// where there is TLS\n");
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}

/// True if a WebSocket is asked for, in whatever way.
pub(super) fn is_for_web_socket(headers: &HeaderMap) -> bool {
    has_token(headers, header::UPGRADE, "websocket")
}

/// The header, if it is there once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).into_iter();
    values.next().filter(|_| values.next().is_none())
}

fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|it| it.eq_ignore_ascii_case(token))
}

/// The elements of a header that is a list (RFC 9110, section 5.6.1).
pub(super) fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|token| !token.is_empty())
}
