//! One connection: its socket, how far its handshake and its frames have come, and which messages are under way on it.
//!
//! A connection that waits for nothing is a few hundred bytes: what is to be written is a count, because all messages are the same.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use mio::net::TcpStream;
use socket2::{Domain, Socket, Type};

use super::failure::Failure;
use super::frame::{self, Heard, Incoming, Outgoing};
use super::stream::Stream;
use super::target::Target;

/// What all connections of a thread write.
#[derive(Debug)]
pub(super) struct Wire<'a> {
    pub(super) target: &'a Target,
    pub(super) outgoing: Outgoing,
    /// The key that all frames are masked with.
    pub(super) mask: [u8; 4],
}

/// How far a connection has come.
#[derive(Debug)]
pub(super) enum Stage {
    /// The handshake: what has come of the server's answer.
    Upgrading(Vec<u8>),
    /// It can send and receive.
    Open,
    /// It has said Close and waits for the server to end it.
    Leaving,
}

/// When a read is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// When less comes than there is room for: then there is no more.
    Short,
    /// At the end of the stream, which has been seen.
    End,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: Stream,
    pub(super) stage: Stage,
    incoming: Incoming,
    // Bytes that are to be written: of the handshake before it is made, of messages after.
    unsent: usize,
    // Frames that are to be written where a message ends.
    control: Vec<u8>,
    /// Messages that were sent or are to be written.
    pub(super) asked: u64,
    /// Messages whose reply has come.
    pub(super) answered: u64,
    /// When those under way were sent, if that is not known from their number.
    pub(super) sent: VecDeque<Instant>,
    /// When it was to be opened.
    pub(super) begun: Instant,
    /// When something came that was waited for; its patience counts from here.
    pub(super) since: Instant,
}

impl Connection {
    /// Begins to connect.
    pub(super) fn open(target: &Target, source: Option<IpAddr>, begun: Instant, now: Instant) -> io::Result<Self> {
        let address = target.address();
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        // Else a message that follows another one waits until the server's system has acknowledged that one.
        socket.set_tcp_nodelay(true)?;
        if let Some(source) = source {
            socket.bind(&SocketAddr::new(source, 0).into())?;
        }
        match socket.connect(&address.into()) {
            Err(error) if rustix::io::Errno::from_io_error(&error) != Some(rustix::io::Errno::INPROGRESS) => {
                return Err(error);
            }
            _ => {}
        }
        Ok(Self {
            stream: Stream::new(TcpStream::from_std(socket.into()), target.tls())?,
            stage: Stage::Upgrading(Vec::new()),
            incoming: Incoming::default(),
            unsent: target.request().len(),
            control: Vec::new(),
            asked: 0,
            answered: 0,
            sent: VecDeque::new(),
            begun,
            since: now,
        })
    }

    /// Messages that wait for a reply.
    pub(super) fn under_way(&self) -> u64 {
        self.asked - self.answered
    }

    /// Whether the system has taken all that was to be sent.
    pub(super) fn is_flushed(&self) -> bool {
        self.unsent == 0 && self.stream.is_flushed()
    }

    /// Has so many messages written at the next flush.
    pub(super) fn ask(&mut self, count: u64, wire: &Wire<'_>) {
        self.asked += count;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.unsent = self.unsent.saturating_add(count.saturating_mul(wire.outgoing.frame()));
    }

    /// Answers the server's pings.
    pub(super) fn pong(&mut self, pings: &[Vec<u8>], wire: &Wire<'_>) {
        for ping in pings {
            self.control.extend(frame::pong(ping, wire.mask));
        }
    }

    /// Says Close at the next flush, after the message that is being written.
    pub(super) fn say_close(&mut self, wire: &Wire<'_>) {
        self.unsent %= wire.outgoing.frame();
        self.control.extend(frame::close(wire.mask));
    }

    /// Reads and understands all that there is. What was heard before a failure counts.
    pub(super) fn read(
        &mut self,
        wire: &Wire<'_>,
        buffer: &mut [u8],
        until: Until,
        heard: &mut Heard,
    ) -> Result<(), Failure> {
        let room = buffer.len();
        loop {
            let bytes = match self.stream.read(buffer) {
                Ok(0) => return Err(Failure::Ended),
                Ok(count) => buffer.get(..count).unwrap_or_default(),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected => return Ok(()),
                    io::ErrorKind::Interrupted => continue,
                    _ => return Err(error.into()),
                },
            };
            if let Stage::Upgrading(answer) = &mut self.stage {
                answer.extend_from_slice(bytes);
                if let Some(length) = wire.target.check(answer)? {
                    // The first frames may follow on its heels.
                    let rest = answer.split_off(length);
                    self.stage = Stage::Open;
                    self.incoming.take(&rest, heard)?;
                }
            } else {
                self.incoming.take(bytes, heard)?;
            }
            if bytes.len() < room && until == Until::Short && self.stream.comes_short_at_the_end() {
                return Ok(());
            }
        }
    }

    /// Writes what there is to write, as far as the system takes it.
    pub(super) fn flush(&mut self, wire: &Wire<'_>) -> Result<(), Failure> {
        loop {
            let is_upgrading = matches!(self.stage, Stage::Upgrading(_));
            let between = !is_upgrading && self.unsent.is_multiple_of(wire.outgoing.frame());
            let next = if !self.control.is_empty() && between {
                &self.control
            } else if is_upgrading {
                let request = wire.target.request();
                request.get(request.len() - self.unsent..).unwrap_or_default()
            } else {
                wire.outgoing.next(self.unsent)
            };
            if next.is_empty() {
                return Ok(self.stream.flush()?);
            }
            match self.stream.write(next) {
                Ok(count) if !self.control.is_empty() && between => drop(self.control.drain(..count)),
                Ok(count) => self.unsent -= count,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected => return Ok(()),
                    io::ErrorKind::Interrupted => {}
                    _ => return Err(error.into()),
                },
            }
        }
    }
}
