//! A TCP stream that is read and written by system calls of its own: what the C library does around each of them, to let threads be
//! cancelled, is for nobody here. Readiness is tokio's.

use std::io;
use std::mem::MaybeUninit;
use std::task::{Context, Poll, ready};

use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// The stream.
#[derive(Debug)]
pub(super) struct Tcp(TcpStream);

impl From<TcpStream> for Tcp {
    fn from(stream: TcpStream) -> Self {
        Self(stream)
    }
}

impl Tcp {
    /// Reads as much as there is room for. Nothing means that the peer has said all.
    pub(super) fn poll_read<'a>(
        &self,
        cx: &mut Context<'_>,
        room: &'a mut [MaybeUninit<u8>],
    ) -> Poll<io::Result<&'a [u8]>> {
        ready!(self.0.poll_read_ready(cx))?;
        let most = room.len();
        let read = self.transfer(Interest::READABLE, most, || {
            let ((bytes, _), size) = recv(&self.0, room, RecvFlags::empty())?;
            Ok((&*bytes, size))
        });
        match read {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                ready!(self.0.poll_read_ready(cx))?;
                // Something has come in this moment.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            read => Poll::Ready(read),
        }
    }

    /// Writes as much of it as the system takes.
    pub(super) fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match self.try_send(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return Poll::Ready(sent),
            }
        }
    }

    /// The same for nobody who could be woken.
    pub(super) fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.transfer(Interest::WRITABLE, bytes.len(), || {
            // A peer that is gone is an error of this call, and no signal that ends a process which does not ignore it.
            let size = send(&self.0, bytes, SendFlags::NOSIGNAL)?;
            Ok((size, size))
        })
    }

    /// The peer hears that nothing more comes.
    pub(super) fn shutdown(&self) -> io::Result<()> {
        Ok(shutdown(&self.0, Shutdown::Write)?)
    }

    /// A stream that has not taken or given as much as it could is not asked again until the system says that it is ready: asking would
    /// be a call for nothing.
    fn transfer<T>(
        &self,
        interest: Interest,
        most: usize,
        call: impl FnOnce() -> io::Result<(T, usize)>,
    ) -> io::Result<T> {
        let mut done = None;
        let tried = self.0.try_io(interest, || {
            let (value, size) = call()?;
            done = Some(value);
            if 0 < size && size < most { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        });
        done.ok_or_else(|| tried.err().unwrap_or_else(|| io::ErrorKind::WouldBlock.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn who_waits_to_read_hears_of_what_comes_later_until_the_end() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
        let mut peer = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let stream = Tcp::from(listener.accept().await.expect("accepted").0);
        let mut room = [MaybeUninit::uninit(); 4];
        let mut heard = Vec::new();
        for said in ["one", "four", "longer", ""] {
            let speaks = async {
                tokio::task::yield_now().await;
                peer.write_all(said.as_bytes()).await.expect("written");
                if said.is_empty() {
                    peer.shutdown().await.expect("shut down");
                }
            };
            let hears = async {
                heard.clear();
                while heard.len() < said.len() || said.is_empty() {
                    let came = poll_fn(|cx| stream.poll_read(cx, &mut room).map_ok(<[u8]>::to_vec)).await;
                    let came = came.expect("read");
                    if came.is_empty() {
                        return;
                    }
                    heard.extend(came);
                }
            };
            tokio::join!(hears, speaks);
            assert_eq!(heard, said.as_bytes());
        }
    }
}
