//! Why a connection was not made, or broke: the kinds that a report counts.

use std::io;

use tokio_rustls::rustls;

use super::frame::Violation;

/// Why a connection was not made, or broke.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Failure {
    /// Nobody listens there.
    #[error("refused: nobody listens at the address")]
    Refused,
    /// The server does not speak TLS, or is not believed.
    #[error("there is no TLS with the server: {0}")]
    Tls(String),
    /// The handshake was answered with another status than 101.
    #[error("the handshake was answered with HTTP status {0}")]
    Status(u16),
    /// The handshake was answered with something that is no answer to a WebSocket handshake.
    #[error("the server does not speak WebSocket: {0}")]
    NotWebSocket(&'static str),
    /// The server closed the connection with this code, which nobody had asked for.
    #[error("closed by the server with code {0}")]
    Closed(u16),
    /// The server's end of the stream came without a Close frame.
    #[error("ended by the server without a Close frame")]
    Ended,
    /// The connection was reset.
    #[error("reset by the server")]
    Reset,
    /// Connecting, or the reply to a message, took longer than the timeout.
    #[error("timed out")]
    TimedOut,
    /// The server broke the protocol.
    #[error("the server broke the protocol: {0}")]
    Protocol(String),
    /// This machine has no port left for one more connection to the server.
    #[error("no local port is free")]
    NoFreePort,
    /// What else the system may say.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// Its name in a report for programs.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Failure::Refused => "refused".into(),
            Failure::Tls(_) => "tls".into(),
            Failure::Status(status) => format!("http_{status}"),
            Failure::NotWebSocket(_) => "not_websocket".into(),
            Failure::Closed(code) => format!("closed_{code}"),
            Failure::Ended => "ended".into(),
            Failure::Reset => "reset".into(),
            Failure::TimedOut => "timed_out".into(),
            Failure::Protocol(_) => "protocol".into(),
            Failure::NoFreePort => "no_free_port".into(),
            Failure::Other(_) => "other".into(),
        }
    }

    /// What to do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Failure::Refused => "start the server, or check host and port of the URL",
            Failure::Tls(_) => {
                "--ca FILE names an authority that is believed; a server without TLS is at ws:// instead of wss://"
            }
            Failure::Status(404) => "check the path of the URL",
            Failure::Status(401 | 403) => "the server may want credentials: --header 'Authorization: …'",
            Failure::Status(503 | 429) => "the server takes no more connections: ask for fewer with --connections",
            Failure::Status(_) | Failure::NotWebSocket(_) => {
                "check that the URL leads to a WebSocket server, and whether it wants a --subprotocol or a --header"
            }
            Failure::Closed(1009) => "the message is larger than the server allows: ask for less with --size",
            Failure::Closed(_) | Failure::Ended | Failure::Reset => "the log of the server may say why",
            Failure::TimedOut => {
                "the server did not answer in time: look whether it does at all, or allow more with --timeout"
            }
            Failure::Protocol(_) => "this is a defect of the server",
            Failure::NoFreePort => {
                "one local address has some 28,000 ports: give several with --source, on loopback 127.0.0.2, 127.0.0.3 …"
            }
            Failure::Other(_) => "check the network to the server",
        }
    }
}

impl From<Violation> for Failure {
    fn from(violation: Violation) -> Failure {
        Failure::Protocol(violation.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
            return Failure::Tls(error.to_string());
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Failure::Refused,
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                Failure::Reset
            }
            io::ErrorKind::TimedOut => Failure::TimedOut,
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse => Failure::NoFreePort,
            _ => Failure::Other(error.to_string()),
        }
    }
}
