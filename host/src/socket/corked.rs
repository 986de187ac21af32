//! A client's stream from its upgrade on: TCP whose small writes can wait, or TLS.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::cork::Cork;
use super::stream::Stream;
use crate::hub::Outlet;
use crate::tenant::Usage;

/// The stream.
#[derive(Debug)]
pub(super) enum Corked {
    /// TCP alone.
    Plain(Arc<Cork>),
    /// TLS, whose writes never wait: its state is in one piece with what is read.
    Tls(Box<TlsStream<TcpStream>>),
}

/// What has been read.
pub(super) enum Came<'a> {
    Plain(&'a [u8]),
    Tls(ReadBuf<'a>),
}

impl Corked {
    /// What goes out past the connection's task is counted here.
    pub(super) fn new(stream: Stream, usage: Arc<Usage>) -> Self {
        match stream {
            Stream::Plain(stream) => Self::Plain(Cork::new(stream, usage)),
            Stream::Tls(stream) => Self::Tls(stream),
        }
    }

    /// The way out past the task, where what goes out needs nothing that is the task's.
    pub(super) fn outlet(&self) -> Option<Arc<dyn Outlet>> {
        match self {
            Self::Plain(cork) => Some(Arc::clone(cork) as _),
            Self::Tls(_) => None,
        }
    }

    /// Whether a message has gone out past the task since this was last asked.
    pub(super) fn has_spoken(&self) -> bool {
        match self {
            Self::Plain(cork) => cork.past.spoken.swap(false, Ordering::Relaxed),
            Self::Tls(_) => false,
        }
    }

    /// Reads as much as there is room for. Nothing means that the peer has said all.
    pub(super) fn poll_read<'a>(
        &mut self,
        cx: &mut Context<'_>,
        room: &'a mut [MaybeUninit<u8>],
    ) -> Poll<io::Result<Came<'a>>> {
        match self {
            Self::Plain(cork) => cork.poll_read(cx, room).map_ok(Came::Plain),
            Self::Tls(stream) => {
                let mut buffer = ReadBuf::uninit(room);
                ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
                Poll::Ready(Ok(Came::Tls(buffer)))
            }
        }
    }

    /// Says that nothing more comes, and throws away what does, until the peer says the same.
    pub(super) async fn throw_away(&mut self) {
        let mut room = vec![MaybeUninit::uninit(); 4096];
        let mut goes_on = self.shutdown().await.is_ok();
        while goes_on {
            goes_on =
                poll_fn(|cx| self.poll_read(cx, &mut room).map_ok(|came| !came.is_empty())).await.unwrap_or(false);
        }
    }

    /// Has these bytes wait to be written, and leaves an empty buffer in their place; or leaves them as they are, to be written now.
    /// If they cannot be written later, the task is woken and has to take them back.
    pub(super) fn wait(&self, bytes: &mut Vec<u8>, cx: &Context<'_>) -> bool {
        match self {
            Self::Plain(cork) => cork.wait(bytes, cx),
            Self::Tls(_) => false,
        }
    }

    /// Puts what could not be written before these bytes. True if there was something.
    pub(super) fn take_back(&self, bytes: &mut Vec<u8>) -> bool {
        match self {
            Self::Plain(cork) => cork.take_back(bytes),
            Self::Tls(_) => false,
        }
    }
}

impl AsyncWrite for Corked {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(cork) => cork.poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(cork) => cork.poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(cork) => cork.poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl Deref for Came<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Tls(buffer) => buffer.filled(),
        }
    }
}
