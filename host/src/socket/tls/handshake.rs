//! The handshake of TLS with one client, and what becomes of those with whom there is none.

use std::io;
use std::time::Duration;

use http::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::Error;
use tokio_rustls::server::TlsStream;

use super::identity::Identity;
use super::subject;

/// So long a client may go on sending what nobody reads, until it has seen why.
const LINGER: Duration = Duration::from_secs(1);

/// What a client gets that speaks HTTP where TLS is spoken.
const SPEAK_TLS: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n\
    content-length: 53\r\n\r\nTLS is spoken here: connect with wss:// or https://.\n";

/// A client with whom there is TLS.
pub(super) struct Secured {
    pub(super) stream: Box<TlsStream<TcpStream>>,
    /// Who it is, if it has shown a certificate.
    pub(super) subject: Option<HeaderValue>,
}

/// Why there is no TLS with a client.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("it speaks HTTP without TLS")]
    Plain,
    #[error("it shows no certificate")]
    NoCertificate,
    #[error("its certificate is not believed: {0}")]
    Certificate(Error),
    #[error("{0}")]
    Other(io::Error),
}

/// Speaks it. Whoever is refused has been told so.
pub(super) async fn accept(identity: &Identity, mut stream: TcpStream) -> Result<Secured, Refused> {
    let mut first = [0];
    let seen = stream.peek(&mut first).await.map_err(Refused::Other)?;
    // TLS begins with a number that is no letter, a method of HTTP with a letter.
    if seen > 0 && first.iter().all(u8::is_ascii_uppercase) {
        // Whether it is heard does not matter: this is a courtesy.
        let _courtesy = stream.write_all(SPEAK_TLS).await;
        part(stream).await;
        return Err(Refused::Plain);
    }
    let accepted = TlsAcceptor::from(identity.config.clone()).accept(stream).into_fallible().await;
    match accepted {
        Ok(stream) => {
            let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let subject = shown.map(|it| subject::of(it).ok_or(Refused::Other(io::ErrorKind::InvalidData.into())));
            let subject = subject.transpose()?;
            Ok(Secured { stream: Box::new(stream), subject })
        }
        Err((error, stream)) => {
            part(stream).await;
            Err(refused(error))
        }
    }
}

fn refused(error: io::Error) -> Refused {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::NoCertificatesPresented) => Refused::NoCertificate,
        Some(inner @ Error::InvalidCertificate(_)) => Refused::Certificate(inner.clone()),
        _ => Refused::Other(error),
    }
}

/// Reads on, and throws away, until the client has seen why there is no TLS: if the socket were closed while what it sends lies
/// unread, the system would reset the connection, and the alert might be lost.
async fn part(mut stream: TcpStream) {
    let drained = async {
        let mut thrown_away = [0; 1024];
        let closed = stream.shutdown().await;
        while closed.is_ok() && stream.read(&mut thrown_away).await.is_ok_and(|size| size > 0) {}
    };
    // Whoever sends for longer than that is not waited for.
    let _in_time = tokio::time::timeout(LINGER, drained).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_courtesy_is_as_long_as_it_says() {
        let text = String::from_utf8_lossy(SPEAK_TLS);
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{}", body.len());
    }
}
