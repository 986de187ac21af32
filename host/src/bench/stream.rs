//! What a connection is made of: TCP alone, or TLS on it. Both are read and written in the same way, and neither ever waits.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use mio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection};

/// Whom a client believes, and whom it asks for.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
}

/// A stream of bytes to a server.
#[derive(Debug)]
pub(super) enum Stream {
    /// TCP alone.
    Plain(TcpStream),
    /// TLS. Boxed, so that who has none has no room for it.
    Tls(Box<(ClientConnection, TcpStream)>),
}

impl Stream {
    pub(super) fn new(socket: TcpStream, tls: Option<&Tls>) -> io::Result<Self> {
        let Some(Tls { config, name }) = tls else { return Ok(Self::Plain(socket)) };
        let session = ClientConnection::new(Arc::clone(config), name.clone()).map_err(io::Error::other)?;
        Ok(Self::Tls(Box::new((session, socket))))
    }

    /// What is registered with the system.
    pub(super) fn socket(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(both) => &mut both.1,
        }
    }

    /// Whether a read that comes short has read all that had come: what is left of a record says nothing of the next one.
    pub(super) fn comes_short_at_the_end(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Whether the system has all that was written.
    pub(super) fn is_flushed(&self) -> bool {
        match self {
            Self::Plain(_) => true,
            Self::Tls(both) => !both.0.wants_write(),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (session, socket) = match self {
            Self::Plain(socket) => return socket.read(buffer),
            Self::Tls(both) => (&mut both.0, &mut both.1),
        };
        loop {
            match session.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            let read = session.read_tls(socket)?;
            let understood = session.process_new_packets();
            // What it says to that, an alert among it.
            let told = send(session, socket);
            understood.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            told?;
            if read == 0 {
                return Ok(0);
            }
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (session, socket) = match self {
            Self::Plain(socket) => return socket.write(bytes),
            Self::Tls(both) => (&mut both.0, &mut both.1),
        };
        send(session, socket)?;
        // What is written in the handshake would be kept, however much it is.
        let taken = if session.is_handshaking() { 0 } else { session.writer().write(bytes)? };
        if taken == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        send(session, socket)?;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(both) => send(&mut both.0, &mut both.1),
        }
    }
}

/// Writes what the session has to say, as far as the system takes it.
fn send(session: &mut ClientConnection, socket: &mut TcpStream) -> io::Result<()> {
    while session.wants_write() {
        match session.write_tls(socket) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
