//! Small writes to clients wait until the other connections that are ready have been handled, and go out one after the other.
//!
//! Waking a client that sleeps is the dearest part of sending to it, where it is on the same machine: one that is given its answers
//! one by one, with a handler's time between two of them, sleeps before each. It knows no frames, only bytes.

use std::io;
use std::mem::{MaybeUninit, swap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker, ready};

use parking_lot::Mutex;
use tokio::net::TcpStream;

use super::tcp::Tcp;
use super::waiting::{self, Writes};
use super::writer::{FULL, KEPT};
use crate::tenant::Usage;

/// A TCP stream, shared by the connection's task, by others who write past it, and by the thread on which a write waits.
#[derive(Debug)]
pub(super) struct Cork {
    tcp: Tcp,
    way_out: Mutex<WayOut>,
    // What waited could not be written, and is the task's again.
    came_back: AtomicBool,
    /// Of what went past the task.
    pub(super) past: Past,
}

/// What is to be known of that which others than the task had written.
#[derive(Debug)]
pub(super) struct Past {
    /// Where it is counted.
    pub(super) usage: Arc<Usage>,
    /// There was something since the task last asked.
    pub(super) spoken: AtomicBool,
}

#[derive(Debug)]
struct WayOut {
    // What goes out before anything else.
    waiting: Vec<u8>,
    // A thread knows that something waits.
    is_listed: bool,
    // The task has begun to write something itself, which nothing may come between.
    is_tasks: bool,
    task: Waker,
}

/// What becomes of bytes that are to wait.
pub(super) enum Put {
    NoRoom,
    /// They go with others that wait already.
    Listed,
    ToBeListed,
}

impl Cork {
    pub(super) fn new(stream: TcpStream, usage: Arc<Usage>) -> Arc<Self> {
        let task = Waker::noop().clone();
        let way_out = WayOut { waiting: Vec::new(), is_listed: false, is_tasks: false, task };
        Arc::new(Self {
            tcp: stream.into(),
            way_out: Mutex::new(way_out),
            came_back: AtomicBool::new(false),
            past: Past { usage, spoken: AtomicBool::new(false) },
        })
    }

    /// Has these bytes wait to be written, and leaves an empty buffer in their place; or leaves them as they are, to be written now.
    /// If they cannot be written later, the task is woken and has to take them back.
    pub(super) fn wait(self: &Arc<Self>, bytes: &mut Vec<u8>, cx: &Context<'_>) -> bool {
        if waiting::goes_at_once() {
            return false;
        }
        let put = self.put(bytes.len(), cx.waker(), |waiting| {
            if waiting.is_empty() { swap(waiting, bytes) } else { waiting.append(bytes) }
        });
        match put {
            Put::NoRoom => false,
            Put::Listed => true,
            Put::ToBeListed => {
                waiting::list(Arc::clone(self), Writes::This);
                true
            }
        }
    }

    /// Puts what could not be written before these bytes. True if there was something.
    pub(super) fn take_back(&self, bytes: &mut Vec<u8>) -> bool {
        if !self.came_back.load(Ordering::Acquire) {
            return false;
        }
        let mut way_out = self.way_out.lock();
        self.came_back.store(false, Ordering::Relaxed);
        way_out.is_tasks |= !way_out.waiting.is_empty();
        bytes.splice(..0, way_out.waiting.drain(..));
        true
    }

    /// Reads as much as there is room for. Nothing means that the peer has said all.
    pub(super) fn poll_read<'a>(
        &self,
        cx: &mut Context<'_>,
        room: &'a mut [MaybeUninit<u8>],
    ) -> Poll<io::Result<&'a [u8]>> {
        self.tcp.poll_read(cx, room)
    }

    /// Writes these bytes, after what waits. Until all of the task's are, and are flushed, nobody else's come between.
    pub(super) fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let way_out = &mut *self.way_out.lock();
        way_out.is_tasks = true;
        ready!(way_out.poll_write(&self.tcp, cx))?;
        self.tcp.poll_send(cx, bytes)
    }

    /// Writes what waits. The task has nothing more to write.
    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let way_out = &mut *self.way_out.lock();
        ready!(way_out.poll_write(&self.tcp, cx))?;
        way_out.is_tasks = false;
        Poll::Ready(Ok(()))
    }

    /// Says that nothing follows what waits.
    pub(super) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flush(cx))?;
        Poll::Ready(self.tcp.shutdown())
    }

    /// Puts bytes behind what waits, unless there is no room for so many, or the task is to write first.
    pub(super) fn put(&self, size: usize, task: &Waker, put: impl FnOnce(&mut Vec<u8>)) -> Put {
        let mut way_out = self.way_out.lock();
        if way_out.waiting.len().saturating_add(size) > FULL
            || way_out.is_tasks
            || self.came_back.load(Ordering::Relaxed)
        {
            return Put::NoRoom;
        }
        put(&mut way_out.waiting);
        if !way_out.task.will_wake(task) {
            way_out.task.clone_from(task);
        }
        if std::mem::replace(&mut way_out.is_listed, true) { Put::Listed } else { Put::ToBeListed }
    }

    /// Writes what waits, as far as the stream takes it.
    pub(super) fn write(&self) {
        let way_out = &mut *self.way_out.lock();
        way_out.is_listed = false;
        while !way_out.waiting.is_empty() {
            match self.tcp.try_send(&way_out.waiting) {
                Ok(size) if size > 0 => way_out.sent(size),
                // Whatever it is, the task meets it again when it writes the rest.
                Ok(_) | Err(_) => {
                    self.came_back.store(true, Ordering::Release);
                    way_out.task.wake_by_ref();
                    return;
                }
            }
        }
    }
}

impl WayOut {
    /// Writes what waits.
    fn poll_write(&mut self, tcp: &Tcp, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            match ready!(tcp.poll_send(cx, &self.waiting))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                size => self.sent(size),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// So much of what waited is written.
    fn sent(&mut self, size: usize) {
        self.waiting.drain(..size);
        if self.waiting.is_empty() && self.waiting.capacity() > KEPT {
            self.waiting = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::waiting::{AT_ONCE, MOST};
    use super::*;

    /// A corked stream and its peer.
    async fn pair() -> (Arc<Cork>, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bound");
        let peer = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let (stream, _) = listener.accept().await.expect("accepted");
        stream.writable().await.expect("writable");
        (Cork::new(stream, Arc::default()), peer)
    }

    async fn wait(stream: &Arc<Cork>, bytes: &[u8]) -> bool {
        let mut bytes = bytes.to_vec();
        poll_fn(|cx| Poll::Ready(stream.wait(&mut bytes, cx) && bytes.is_empty())).await
    }

    fn unwritten(stream: &Cork) -> usize {
        stream.way_out.lock().waiting.len()
    }

    async fn write(stream: &Cork, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let size = poll_fn(|cx| stream.poll_write(cx, bytes)).await.expect("written");
            bytes = &bytes[size..];
        }
    }

    async fn shut_down(stream: &Cork) {
        poll_fn(|cx| stream.poll_shutdown(cx)).await.expect("shut down");
    }

    async fn read(peer: &mut TcpStream, count: usize) -> Vec<u8> {
        let mut read = vec![0; count];
        peer.read_exact(&mut read).await.expect("read");
        read
    }

    #[tokio::test]
    async fn what_waits_is_written_in_order_when_the_runtime_has_nothing_else_to_do() {
        let (one, mut its_peer) = pair().await;
        let (other, mut others_peer) = pair().await;
        assert!(wait(&one, b"a").await && wait(&other, b"x").await && wait(&one, b"b").await);
        assert_eq!((waiting::count(), unwritten(&one), unwritten(&other)), (2, 2, 1));
        assert_eq!((read(&mut its_peer, 2).await, read(&mut others_peer, 1).await), (b"ab".to_vec(), b"x".to_vec()));
        assert_eq!((waiting::count(), unwritten(&one), unwritten(&other)), (0, 0, 0));
    }

    #[tokio::test]
    async fn what_is_written_now_comes_after_what_waits() {
        let (stream, mut peer) = pair().await;
        assert!(wait(&stream, b"first ").await);
        write(&stream, b"second").await;
        shut_down(&stream).await;
        let mut read = Vec::new();
        peer.read_to_end(&mut read).await.expect("read");
        assert_eq!(read, b"first second");
    }

    #[tokio::test]
    async fn nothing_comes_between_what_the_task_has_begun_and_its_rest() {
        let (stream, mut peer) = pair().await;
        let past = |bytes: &[u8]| stream.put(bytes.len(), Waker::noop(), |waiting| waiting.extend_from_slice(bytes));
        write(&stream, b"be").await;
        assert!(matches!(past(b"between"), Put::NoRoom));
        write(&stream, b"gun").await;
        poll_fn(|cx| stream.poll_flush(cx)).await.expect("flushed");
        assert!(matches!(past(b" past"), Put::ToBeListed));
        assert!(matches!(past(b" the task"), Put::Listed));
        waiting::list(Arc::clone(&stream), Writes::Any);
        assert_eq!(read(&mut peer, 19).await, b"begun past the task");
    }

    #[tokio::test]
    async fn a_thread_on_which_much_waits_writes_it() {
        let mut pairs = Vec::new();
        for _ in 0..MOST {
            pairs.push(pair().await);
        }
        for (count, (stream, _)) in pairs.iter().enumerate() {
            assert!(waiting::count() <= count);
            assert!(wait(stream, b"x").await);
        }
        assert_eq!(waiting::count(), 0);
        assert!(pairs.iter().all(|(stream, _)| unwritten(stream) == 0));
    }

    #[tokio::test]
    async fn who_is_alone_does_not_wait_again_for_a_while() {
        let (stream, mut peer) = pair().await;
        assert!(wait(&stream, b"x").await);
        read(&mut peer, 1).await;
        for _ in 0..AT_ONCE {
            assert!(!wait(&stream, b"x").await);
        }
        assert!(wait(&stream, b"x").await);
    }

    #[tokio::test]
    async fn what_cannot_be_written_goes_back_to_the_task() {
        let (stream, mut peer) = pair().await;
        let all: Vec<u8> = (0..16_u32 << 20).map(|it| it.to_le_bytes()[1]).collect();
        let (mut rest, mut was_back) = (all.clone(), 0);
        let sent = async {
            // More than the system takes: what waits is in its way then.
            while !rest.is_empty() {
                let mut next: Vec<u8> = rest.drain(..rest.len().min(FULL)).collect();
                was_back += u32::from(stream.take_back(&mut next));
                if !wait(&stream, &next).await {
                    write(&stream, &next).await;
                }
                waiting::write_all();
            }
            shut_down(&stream).await;
        };
        let taken = async {
            let mut taken = Vec::new();
            peer.read_to_end(&mut taken).await.expect("read");
            taken
        };
        let ((), taken) = tokio::join!(sent, taken);
        assert!(taken == all && was_back > 0);
    }
}
