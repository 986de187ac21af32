//! A host with the guest `soak`, and its books: what has to come out even when all clients have left, whatever was done to them.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use holdline::config::Config;
use holdline::hub::Channel;
use holdline::tenant::{Counter, Limit, Tenant};
use tokio::runtime::Handle;
use tokio::sync::{RwLock, RwLockWriteGuard};

use crate::harness::{Host, SOAK, SOAK_MANIFEST, Setup, allow_open_files, within};
use crate::talk;

/// Books are kept of the whole process, so that one test at a time keeps them. Tests of the real program share the process.
pub(crate) static ALONE: RwLock<()> = RwLock::const_new(());

/// How often a count is looked at that tells nobody that it has changed.
const LOOK: Duration = Duration::from_millis(2);

/// For every client of a test: its own end, the two of its line, and the host's.
const OPEN_FILES: usize = 16_384;

/// Of all tenants these have nothing when nobody is there.
const RETURNED: [Limit; 5] =
    [Limit::Connections, Limit::HeldConnections, Limit::WaitingBytes, Limit::ChannelBytes, Limit::Timers];

/// How often something has panicked in this process.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// A host whose books are kept.
pub(crate) struct Books {
    pub(crate) host: Host,
    tenant: Arc<Tenant>,
    events: Arc<Channel>,
    // What there was when nobody had come yet.
    files: usize,
    tasks: usize,
    seen: Seen,
    _alone: RwLockWriteGuard<'static, ()>,
}

/// What the host had counted when the books were balanced last.
#[derive(Clone, Copy, Default)]
struct Seen {
    accepted: u64,
    messages: u64,
    events: u64,
    panics: u64,
}

/// What has come out even.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Balance {
    /// Connections, each of which has had one open and one close event.
    pub(crate) connections: u64,
    /// Messages that were handled.
    pub(crate) messages: u64,
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, messages } = self;
        write!(f, "{connections} connections with one open and one close event each, {messages} messages handled")
    }
}

impl Books {
    /// Starts a host, with `soak` at the path `/soak`, and opens its books when one client has come and gone: what is made once is made.
    pub(crate) async fn open(change: impl FnOnce(&mut Config)) -> anyhow::Result<Self> {
        let alone = ALONE.write().await;
        count_panics();
        allow_open_files(OPEN_FILES).await;
        let setup = Setup::new().configured(|config| config.engine.instances = 256).configured(change);
        let host = setup.guest(SOAK, "soak", SOAK_MANIFEST)?.start().await?;
        let tenant = host.registry().tenants().get("default").context("the host itself")?;
        let events = host.hub().channels().open(&tenant, "events", 1 << 20)?;
        talk::converse(host.address()).await.context("nothing is wrong yet")?;
        host.until("the end of the first connection", |hub| hub.connection_count() == 0).await?;
        while events.poll()?.is_some() {}
        let mut books =
            Self { host, tenant, events, files: open_files()?, tasks: tasks(), seen: Seen::default(), _alone: alone };
        books.seen = books.look();
        Ok(books)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.host.address()
    }

    /// Waits until the process has so many more open files than at first.
    pub(crate) async fn has_files(&self, more: usize) -> anyhow::Result<()> {
        let wanted = self.files + more;
        let what = format!("{wanted} open files");
        until(&what, || Ok(open_files()? == wanted)).await.with_context(|| format!("there are {:?}", open_files()))
    }

    /// Waits until all that clients and their faults have left behind is gone, and checks the books since the last time.
    pub(crate) async fn balance(&mut self) -> anyhow::Result<Balance> {
        self.host.until("the end of the last connection", |hub| hub.connection_count() == 0).await?;
        self.host.holds(0).await?;
        self.has_files(0).await?;
        until("the end of the last task", || Ok(tasks() <= self.tasks))
            .await
            .with_context(|| format!("{} tasks, and there were {}", tasks(), self.tasks))?;
        let lives = self.lives()?;
        let odd = lives.iter().find(|(_, life)| **life != (1, 1));
        ensure!(odd.is_none(), "a connection with another number of open and close events: {odd:?}");

        let (before, now) = (self.seen, self.look());
        self.seen = now;
        let (connections, messages) = (now.accepted - before.accepted, now.messages - before.messages);
        ensure!(u64::try_from(lives.len())? == connections, "{} had events, {connections} were accepted", lives.len());
        let events = now.events - before.events;
        ensure!(
            events == 2 * connections + messages,
            "{events} events of {connections} connections with {messages} messages"
        );
        for limit in RETURNED {
            // What is in a channel waits for a worker, which may just be starting again.
            until(limit.name(), || Ok(self.tenant.usage().used(limit) == 0))
                .await
                .with_context(|| format!("`{}` is {} and not 0", limit.name(), self.tenant.usage().used(limit)))?;
        }
        ensure!(now.panics == before.panics, "something has panicked");
        Ok(Balance { connections, messages })
    }

    /// How many open and close events each connection has had.
    fn lives(&self) -> anyhow::Result<HashMap<String, (u64, u64)>> {
        let mut lives: HashMap<String, (u64, u64)> = HashMap::new();
        while let Some(event) = self.events.poll()? {
            let event = String::from_utf8(event.to_vec())?;
            let (what, id) = event.split_once(' ').context("an event without a connection")?;
            let life = lives.entry(id.to_owned()).or_default();
            match what {
                "open" => life.0 += 1,
                "close" => life.1 += 1,
                other => anyhow::bail!("`{other}` is no event"),
            }
        }
        Ok(lives)
    }

    fn look(&self) -> Seen {
        let of = |counter| self.tenant.usage().counted(counter);
        let panics = PANICS.load(Ordering::Relaxed);
        Seen { accepted: of(Counter::Accepted), messages: of(Counter::MessagesIn), events: of(Counter::Events), panics }
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, wanted: impl Fn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let mut look = tokio::time::interval(LOOK);
    let seen = async {
        while !wanted()? {
            look.tick().await;
        }
        anyhow::Ok(())
    };
    within(what, seen).await?
}

/// All of the process, but for what each runtime has for itself: those of other tests come and go.
fn open_files() -> anyhow::Result<usize> {
    let tcp = std::fs::read_to_string("/proc/self/net/tcp")?;
    let tcp: HashSet<&str> = tcp.lines().skip(1).filter_map(|line| line.split_whitespace().nth(9)).collect();
    let is_of_runtime = |link: &str| match link.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')) {
        // What wakes it at signals is no TCP.
        Some(number) => !tcp.contains(number),
        None => link.starts_with("anon_inode:[event"),
    };
    let links = std::fs::read_dir("/proc/self/fd")?.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    // One that is closed meanwhile has no link any more; the folder that is read is always among them.
    Ok(links.filter(|link| link.to_str().is_none_or(|link| !is_of_runtime(link))).count())
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::Relaxed);
            usual(panic);
        }));
    });
}
