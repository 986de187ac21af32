//! A line between one client and a host that does to their bytes what networks do: it cuts, delays, splits, corrupts, or falls silent,
//! at the bytes that its plan names. The same plan does the same again.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::random::Random;

/// So much is passed on at once.
const ROOM: usize = 16 << 10;

/// Where bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToHost,
    ToClient,
}

impl Way {
    pub(crate) const BOTH: [Self; 2] = [Self::ToHost, Self::ToClient];
}

/// What happens to a stream before its next byte is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Whoever it goes to sees its end, and the rest goes nowhere. The other way goes on.
    Fin,
    /// Both connections are reset.
    Reset,
    /// The byte comes so much later.
    Delay(Duration),
    /// These bits of the byte are turned over.
    Flip(u8),
    /// Nothing more goes this way, and nobody is told. The other way goes on.
    Stop,
    /// Nothing more goes either way, and neither side hears anything: the connection is half open.
    Silence,
}

/// What a line does, in the order of the bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    to_host: Course,
    to_client: Course,
}

#[derive(Clone, Debug, Default)]
struct Course {
    spells: Spelling,
    faults: Vec<(u64, Fault)>,
}

/// How many bytes go out in one piece.
#[derive(Clone, Copy, Debug, Default)]
enum Spelling {
    #[default]
    AsItCame,
    SingleBytes,
}

impl Plan {
    /// Before the byte of this number, which counts from 0, this happens.
    pub(crate) fn with(mut self, way: Way, at: u64, fault: Fault) -> Self {
        let faults = &mut self.course(way).faults;
        let place = faults.partition_point(|(other, _)| *other <= at);
        faults.insert(place, (at, fault));
        self
    }

    /// Each byte this way goes out by itself.
    pub(crate) fn spelled(mut self, way: Way) -> Self {
        self.course(way).spells = Spelling::SingleBytes;
        self
    }

    /// One of very many, with up to three faults among the first bytes.
    pub(crate) fn random(random: &mut Random) -> Self {
        let mut plan = Self::default();
        for way in Way::BOTH {
            if random.next(8) == 0 {
                plan = plan.spelled(way);
            }
        }
        for _ in 0..random.next(4) {
            let way = if random.next(2) == 0 { Way::ToHost } else { Way::ToClient };
            let fault = match random.next(100) {
                0..15 => Fault::Fin,
                15..30 => Fault::Reset,
                30..60 => Fault::Delay(Duration::from_millis(random.next(50))),
                60..90 => Fault::Flip(u8::try_from(1 + random.next(255)).unwrap_or(u8::MAX)),
                90..95 => Fault::Stop,
                _ => Fault::Silence,
            };
            plan = plan.with(way, random.next(1200), fault);
        }
        plan
    }

    /// True if all bytes arrive as they were sent, however late.
    pub(crate) fn is_harmless(&self) -> bool {
        let mut faults = self.to_host.faults.iter().chain(&self.to_client.faults);
        faults.all(|(_, fault)| matches!(fault, Fault::Delay(_)))
    }

    fn course(&mut self, way: Way) -> &mut Course {
        match way {
            Way::ToHost => &mut self.to_host,
            Way::ToClient => &mut self.to_client,
        }
    }
}

/// How often each thing was done, on all lines that share it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    lines: AtomicU64,
    bytes: AtomicU64,
    spelled: AtomicU64,
    fins: AtomicU64,
    resets: AtomicU64,
    delays: AtomicU64,
    flips: AtomicU64,
    stops: AtomicU64,
    silences: AtomicU64,
}

impl Tally {
    /// How many lines have fallen silent.
    pub(crate) fn silent(&self) -> u64 {
        self.silences.load(Ordering::Relaxed)
    }

    fn count(&self, fault: Fault) {
        let counter = match fault {
            Fault::Fin => &self.fins,
            Fault::Reset => &self.resets,
            Fault::Delay(_) => &self.delays,
            Fault::Flip(_) => &self.flips,
            Fault::Stop => &self.stops,
            Fault::Silence => &self.silences,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let cuts = of(&self.fins) + of(&self.resets);
        write!(
            f,
            "{} lines with {} bytes: {cuts} cuts ({} FIN, {} RST), {} corrupted bytes, {} delays, {} ways in single bytes, {} ways \
             stopped, {} half open",
            of(&self.lines),
            of(&self.bytes),
            of(&self.fins),
            of(&self.resets),
            of(&self.flips),
            of(&self.delays),
            of(&self.spelled),
            of(&self.stops),
            of(&self.silences)
        )
    }
}

/// A line that was laid. It ends, with both of its connections, when this is dropped, if not before.
pub(crate) struct Line {
    address: SocketAddr,
    carried: Arc<[AtomicU64; 2]>,
    task: JoinHandle<()>,
}

impl Line {
    /// A line to a host, for the one client that will connect to it.
    pub(crate) async fn lay(host: SocketAddr, plan: Plan, tally: &Arc<Tally>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (address, carried) = (listener.local_addr()?, Arc::default());
        let (counted, tally) = (Arc::clone(&carried), Arc::clone(tally));
        let task = tokio::spawn(async move {
            // That a side is not there is what the other one learns.
            let _gone = carry(listener, host, plan, &counted, &tally).await;
        });
        Ok(Self { address, carried, task })
    }

    /// Where the client connects.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many bytes have gone this way.
    pub(crate) fn carried(&self, way: Way) -> u64 {
        let [to_host, to_client] = &*self.carried;
        match way {
            Way::ToHost => to_host,
            Way::ToClient => to_client,
        }
        .load(Ordering::Acquire)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Why a line ends before both have said all that they had to say.
enum Break {
    Reset,
    Silence,
}

impl From<io::Error> for Break {
    fn from(_: io::Error) -> Self {
        // One side was reset, so the other one is.
        Self::Reset
    }
}

async fn carry(
    listener: TcpListener,
    host: SocketAddr,
    plan: Plan,
    carried: &[AtomicU64; 2],
    tally: &Tally,
) -> io::Result<()> {
    let (mut client, _) = listener.accept().await?;
    drop(listener);
    let mut host = TcpStream::connect(host).await?;
    client.set_nodelay(true)?;
    host.set_nodelay(true)?;
    tally.lines.fetch_add(1, Ordering::Relaxed);
    let ended = {
        let ((from_client, to_client), (from_host, to_host)) = (client.split(), host.split());
        let [up, down] = carried;
        tokio::try_join!(
            plan.to_host.pass(from_client, to_host, up, tally),
            plan.to_client.pass(from_host, to_client, down, tally)
        )
    };
    match ended {
        Ok(_) => Ok(()),
        Err(Break::Reset) => {
            client.set_zero_linger()?;
            host.set_zero_linger()
        }
        // Both are kept until the line is dropped.
        Err(Break::Silence) => std::future::pending().await,
    }
}

impl Course {
    async fn pass(
        self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
        carried: &AtomicU64,
        tally: &Tally,
    ) -> Result<(), Break> {
        if matches!(self.spells, Spelling::SingleBytes) {
            tally.spelled.fetch_add(1, Ordering::Relaxed);
        }
        let mut faults = self.faults.into_iter().peekable();
        let mut room = vec![0; ROOM];
        let mut at = 0;
        loop {
            let mut turned = 0;
            while let Some((_, fault)) = faults.next_if(|(place, _)| *place <= at) {
                tally.count(fault);
                match fault {
                    Fault::Fin => {
                        to.shutdown().await?;
                        while from.read(&mut room).await? > 0 {}
                        return Ok(());
                    }
                    Fault::Reset => return Err(Break::Reset),
                    Fault::Delay(time) => tokio::time::sleep(time).await,
                    Fault::Flip(bits) => turned ^= bits,
                    Fault::Stop => std::future::pending().await,
                    Fault::Silence => return Err(Break::Silence),
                }
            }
            let most = faults.peek().and_then(|(place, _)| usize::try_from(place - at).ok()).unwrap_or(ROOM).min(ROOM);
            let size = from.read(room.get_mut(..most).unwrap_or_default()).await?;
            let came = room.get_mut(..size).unwrap_or_default();
            let Some(first) = came.first_mut() else {
                to.shutdown().await?;
                return Ok(());
            };
            *first ^= turned;
            // Before anybody can know of them.
            at += size as u64;
            carried.store(at, Ordering::Release);
            tally.bytes.fetch_add(size as u64, Ordering::Relaxed);
            match self.spells {
                Spelling::AsItCame => to.write_all(came).await?,
                Spelling::SingleBytes => {
                    for byte in came.chunks(1) {
                        to.write_all(byte).await?;
                        // So that whoever shares this thread sees it alone.
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
    }
}
