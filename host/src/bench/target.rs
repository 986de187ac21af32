//! The server that is put under load: its URL, its address, and the handshake that every connection opens with.
//!
//! All handshakes of a run are the same bytes, the key included, which a server cannot tell from keys that differ.

use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::error::Error;
use super::failure::Failure;
use super::stream::Tls;

/// A longer answer to the handshake is none.
const LONGEST_ANSWER: usize = 64 * 1024;

/// More headers are not looked at.
const MOST_HEADERS: usize = 128;

/// Headers that the handshake owns: with others it would not be one, or mean what this client does not understand.
const OWN: [&str; 6] = [
    "connection",
    "upgrade",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
];

/// A server, and the handshake that opens a connection to it.
#[derive(Debug)]
pub struct Target {
    url: String,
    address: SocketAddr,
    // None for ws://.
    tls: Option<Tls>,
    request: Vec<u8>,
    // What the server makes of the request's key if it is a WebSocket server.
    accept: String,
    subprotocols: Vec<String>,
}

impl Target {
    /// Finds the server of a URL. Headers are as in `Name: value`; local addresses decide between IPv4 and IPv6 if there are any. `tls` says
    /// whom to believe with wss://.
    ///
    /// # Errors
    /// The URL or a header is wrong, or the host has no address.
    pub fn find(
        url: &str,
        subprotocols: &[String],
        headers: &[String],
        sources: &[IpAddr],
        tls: Arc<ClientConfig>,
    ) -> Result<Target, Error> {
        let uri = parse(url)?;
        let wrong = |reason: &str| Error::Url { url: url.to_owned(), reason: reason.to_owned() };
        let authority = uri.authority().ok_or_else(|| wrong("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("a name and a password cannot stand in it"));
        }
        let is_secure = uri.scheme_str() == Some("wss");
        let port = authority.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let host = format!("{}:{port}", authority.host());
        let tls = if is_secure {
            let bare = authority.host().trim_start_matches('[').trim_end_matches(']');
            let name = ServerName::try_from(bare.to_owned()).map_err(|error| wrong(&error.to_string()))?;
            Some(Tls { config: tls, name })
        } else {
            None
        };
        let address = resolve(&host, sources)?;
        let key = generate_key();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let request = request(path, authority.as_str(), &key, subprotocols, headers)?;
        Ok(Target {
            url: url.to_owned(),
            address,
            tls,
            request,
            accept: derive_accept_key(key.as_bytes()),
            subprotocols: subprotocols.to_vec(),
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How TLS is spoken with it, if it is.
    pub(super) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// What opens a connection.
    pub(super) fn request(&self) -> &[u8] {
        &self.request
    }

    /// Looks at what has come in answer: the length of the whole answer, or none while it is not whole.
    pub(super) fn check(&self, answer: &[u8]) -> Result<Option<usize>, Failure> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let length = match response.parse(answer) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if answer.len() < LONGEST_ANSWER => return Ok(None),
            Ok(httparse::Status::Partial) => return Err(Failure::NotWebSocket("its answer does not end")),
            Err(_) => return Err(Failure::NotWebSocket("its answer is not HTTP")),
        };
        let status = response.code.unwrap_or_default();
        if status != 101 {
            return Err(Failure::Status(status));
        }
        let find = |name: &str| {
            let named = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            named.map(|header| header.value.trim_ascii())
        };
        if !find("upgrade").is_some_and(|value| value.eq_ignore_ascii_case(b"websocket")) {
            return Err(Failure::NotWebSocket("it changes to another protocol"));
        }
        if find("sec-websocket-accept") != Some(self.accept.as_bytes()) {
            return Err(Failure::NotWebSocket("its Sec-WebSocket-Accept does not belong to the key"));
        }
        if find("sec-websocket-extensions").is_some_and(|value| !value.is_empty()) {
            return Err(Failure::NotWebSocket("it uses an extension that nobody offered"));
        }
        let chosen = find("sec-websocket-protocol");
        let offered = |chosen: &[u8]| self.subprotocols.iter().any(|offered| offered.as_bytes() == chosen);
        if chosen.is_some_and(|chosen| !offered(chosen)) {
            return Err(Failure::NotWebSocket("it chose a subprotocol that nobody offered"));
        }
        Ok(Some(length))
    }
}

fn parse(url: &str) -> Result<Uri, Error> {
    let scheme = |hint| Err(Error::Scheme { url: url.to_owned(), hint });
    match url.split_once("://").map(|(scheme, _)| scheme) {
        Some("ws" | "wss") => {}
        Some("http") => return scheme("write ws:// instead of http://"),
        Some("https") => return scheme("write wss:// instead of https://"),
        _ => return scheme("write it as in ws://127.0.0.1:8080/path"),
    }
    let parsed = url.split('#').next().unwrap_or(url).parse::<Uri>();
    parsed.map_err(|error| Error::Url { url: url.to_owned(), reason: error.to_string() })
}

/// The address of a host. One with several, as `localhost` often has, may listen at some of them only: then the first that takes a
/// connection is the one.
fn resolve(host: &str, sources: &[IpAddr]) -> Result<SocketAddr, Error> {
    let found = host.to_socket_addrs().map_err(|source| Error::Resolve { host: host.to_owned(), source })?;
    let fits = |address: &SocketAddr| sources.iter().all(|source| source.is_ipv4() == address.is_ipv4());
    let addresses: Vec<SocketAddr> = found.filter(fits).collect();
    let answers = |address: &&SocketAddr| TcpStream::connect_timeout(address, Duration::from_secs(3)).is_ok();
    let chosen = match addresses.as_slice() {
        [only] => Some(only),
        several => several.iter().find(answers).or(several.first()),
    };
    chosen.copied().ok_or_else(|| Error::Family { host: host.to_owned() })
}

fn request(
    path: &str,
    authority: &str,
    key: &str,
    subprotocols: &[String],
    headers: &[String],
) -> Result<Vec<u8>, Error> {
    let mut lines = vec![
        format!("GET {path} HTTP/1.1"),
        "Connection: Upgrade".to_owned(),
        "Upgrade: websocket".to_owned(),
        "Sec-WebSocket-Version: 13".to_owned(),
        format!("Sec-WebSocket-Key: {key}"),
    ];
    if !subprotocols.is_empty() {
        lines.push(checked(&format!("Sec-WebSocket-Protocol: {}", subprotocols.join(", ")))?);
    }
    for header in headers {
        let line = checked(header)?;
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if OWN.contains(&name.as_str()) {
            let reason = match name.as_str() {
                "sec-websocket-protocol" => "--subprotocol sets it",
                _ => "it is a part of every handshake",
            };
            return Err(Error::Header { header: header.clone(), reason: reason.to_owned() });
        }
        lines.push(line);
    }
    let says_host = |line: &String| line.to_ascii_lowercase().starts_with("host:");
    if !lines.iter().any(says_host) {
        lines.insert(1, format!("Host: {authority}"));
    }
    lines.push("\r\n".to_owned());
    Ok(lines.join("\r\n").into_bytes())
}

/// A header that can be sent as it is.
fn checked(header: &str) -> Result<String, Error> {
    let wrong = |reason: String| Error::Header { header: header.to_owned(), reason };
    let (name, value) = header.split_once(':').ok_or_else(|| wrong("it has no colon".to_owned()))?;
    let name = name.trim();
    HeaderName::from_bytes(name.as_bytes()).map_err(|error| wrong(error.to_string()))?;
    HeaderValue::from_str(value.trim()).map_err(|error| wrong(error.to_string()))?;
    Ok(format!("{name}: {}", value.trim()))
}

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::RootCertStore;
    use tokio_rustls::rustls::crypto::ring;

    use super::*;

    fn nobody() -> Arc<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        Arc::new(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
    }

    fn target() -> Target {
        let headers = ["Authorization: Bearer x".to_owned()];
        let subprotocols = ["one".to_owned(), "two".to_owned()];
        Target::find("ws://127.0.0.1:9/chat?room=1", &subprotocols, &headers, &[], nobody()).unwrap()
    }

    #[test]
    fn the_handshake_says_what_was_asked_for() {
        let target = target();
        let request = String::from_utf8(target.request().to_vec()).unwrap();
        assert!(request.starts_with("GET /chat?room=1 HTTP/1.1\r\nHost: 127.0.0.1:9\r\n"), "{request}");
        assert!(
            request.contains("\r\nSec-WebSocket-Protocol: one, two\r\nAuthorization: Bearer x\r\n\r\n"),
            "{request}"
        );
        assert!(request.ends_with("x\r\n\r\n"), "{request}");
        assert_eq!(target.address(), "127.0.0.1:9".parse().unwrap());
    }

    #[test]
    fn an_answer_is_taken_when_it_is_whole_and_fits_the_key() {
        let target = target();
        let good = format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nconnection: upgrade\r\n\
             sec-websocket-accept: {}\r\nsec-websocket-protocol: two\r\n\r\n",
            target.accept
        );
        assert_eq!(target.check(&good.as_bytes()[..40]), Ok(None));
        assert_eq!(target.check(format!("{good}\u{1}").as_bytes()), Ok(Some(good.len())));
        let refused = |answer: &str| target.check(answer.as_bytes()).unwrap_err().key();
        assert_eq!(refused("HTTP/1.1 404 Not Found\r\n\r\n"), "http_404");
        assert_eq!(refused("SSH-2.0-OpenSSH\r\n"), "not_websocket");
        assert_eq!(refused(&good.replace(&target.accept, "another")), "not_websocket");
        assert_eq!(refused(&good.replace(": two", ": three")), "not_websocket");
        assert_eq!(refused(&good.replace("WebSocket", "h2c")), "not_websocket");
    }

    #[test]
    fn what_is_no_url_or_no_header_is_named() {
        let refused = |url: &str, header: &str| {
            let headers: Vec<String> =
                Some(header.to_owned()).filter(|header| !header.is_empty()).into_iter().collect();
            Target::find(url, &[], &headers, &[], nobody()).unwrap_err().to_string()
        };
        assert!(refused("https://127.0.0.1/", "").contains("https://127.0.0.1/"));
        assert!(refused("127.0.0.1:80", "").contains("not a ws:// URL"));
        assert!(refused("ws:///path", "").contains("not a URL"));
        assert!(refused("ws://me:secret@127.0.0.1/", "").contains("password"));
        assert!(refused("ws://127.0.0.1/", "no colon").contains("no colon"));
        assert!(refused("ws://127.0.0.1/", "Upgrade: h2c").contains("Upgrade: h2c"));
        assert!(refused("ws://127.0.0.1/", "X: a\r\nY: b").contains("cannot be a header"));
    }
}
