//! A host with a hostile plugin and an honest one, each of its own tenant, and somebody who times the honest one.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use holdline::config::Config;
use holdline::plugin::{Deployment, Manifest};
use holdline::tenant::Limits;
use tokio::runtime::{Builder, Runtime};

use crate::cores::Cores;
use crate::harness::{Client, HOSTILE, Host, Setup, forget_peak, logged, peak, resident};

/// How long 99 of 100 echoes may take.
pub(crate) const BOUND: Duration = Duration::from_millis(5);

/// How many are timed.
const ECHOES: usize = 2000;

/// When they take so long that this time is over before, fewer will do.
const LONGEST: Duration = Duration::from_secs(15);

/// So many messages are sent before the answer to the first of them.
const AHEAD: usize = 8;

/// The name of the threads that serve.
const SERVING: &str = "serving";

/// An echo that came.
struct Echo {
    took: Duration,
    without_a_core: Duration,
}

/// A host under attack.
pub(crate) struct Stage {
    pub(crate) host: Host,
    name: &'static str,
    // The two threads that serve, as on a machine with two cores.
    _serving: Runtime,
    attacking: Runtime,
    timing: Runtime,
    peak_is_counted: AtomicBool,
    _alone: MutexGuard<'static, ()>,
}

impl Stage {
    /// The hostile plugin has this manifest behind its name, which is the test's and that of its route.
    pub(crate) fn new(name: &'static str, manifest: &str) -> anyhow::Result<Self> {
        Self::configured(name, manifest, |_| {})
    }

    /// The same, with another configuration.
    pub(crate) fn configured(
        name: &'static str,
        manifest: &str,
        change: impl FnOnce(&mut Config),
    ) -> anyhow::Result<Self> {
        Self::with(name, Setup::new().configured(change).guest(HOSTILE, name, manifest)?)
    }

    /// The same, with a plugin that is there already.
    pub(crate) fn with(name: &'static str, setup: Setup) -> anyhow::Result<Self> {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let serving = Builder::new_multi_thread().worker_threads(2).thread_name(SERVING).enable_all().build()?;
        let attacking = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let timing = Builder::new_current_thread().enable_all().build()?;
        let setup = setup.tenant("hostile", &[], Limits::default())?.of("hostile")?.sample("echo", |_| {})?;
        let host = serving.block_on(async { tokio::spawn(setup.start()).await })??;
        let peak_is_counted = AtomicBool::new(false);
        Ok(Self { host, name, _serving: serving, attacking, timing, peak_is_counted, _alone: alone })
    }

    /// Lets another version of the hostile plugin serve, with this manifest behind its name.
    pub(crate) fn swap(&self, manifest: &str, component: Vec<u8>) -> anyhow::Result<()> {
        let manifest = Manifest::parse(&format!("name = {:?}\n{manifest}", self.name), self.name)?;
        let deployment = Deployment { manifest, component, route: None, tenant: "hostile".parse()? };
        self.attacking.block_on(self.host.registry().deploy(deployment))?;
        Ok(())
    }

    /// Connections to the hostile plugin that all send this and wait for what comes of it, again and again.
    pub(crate) fn attack(&self, connections: usize, query: &'static str, message: &'static str) {
        let (address, path) = (self.host.address(), format!("/{}{query}", self.name));
        for _ in 0..connections {
            let path = path.clone();
            self.attacking.spawn(async move {
                loop {
                    // What ends a connection is what the hostile plugin gets for it.
                    let _ended = rounds(address, &path, message).await;
                }
            });
        }
    }

    /// Connections to this path that all send this so often that some of it waits at the host at any moment; the number of answers.
    pub(crate) fn keep_busy(&self, connections: usize, path: &'static str, message: &'static str) -> Arc<AtomicU64> {
        let (address, answers) = (self.host.address(), Arc::new(AtomicU64::new(0)));
        for _ in 0..connections {
            self.attacking.spawn(busy(address, path, message, Arc::clone(&answers)));
        }
        answers
    }

    /// Echoes of the other tenant, one after the other, are within the bound. Clients are elsewhere as a rule, and so are other programs:
    /// what the host and the client that times it wait for a core behind them is taken off. What that does not find may still spoil a
    /// measurement, and nothing makes one look better than it is: when the first is spoilt, two of the next four have to be good.
    pub(crate) fn echo_is_prompt(&self) -> anyhow::Result<()> {
        let first = self.measured()?;
        if first < BOUND {
            return Ok(());
        }
        let mut good = 0;
        for _ in 0..4 {
            good += usize::from(self.measured()? < BOUND);
            if good == 2 {
                return Ok(());
            }
        }
        bail!("99 of 100 echoes took up to {first:?}, and three times more longer than {BOUND:?}")
    }

    /// How long the 99 fastest of 100 echoes take at most.
    fn measured(&self) -> anyhow::Result<Duration> {
        let echoes = self.timing.block_on(self.echoes())?;
        let whole = at(&echoes, 0.99, |echo| echo.took);
        let [half, most, worst] = [0.5, 0.99, 1.0].map(|share| at(&echoes, share, Echo::of_the_host));
        let count = echoes.len();
        eprintln!(
            "{:<18} {count} echoes: p50 {half:?}, p99 {most:?} (by the clock {whole:?}), worst {worst:?}",
            self.name
        );
        Ok(most)
    }

    /// The log of the hostile plugin has this in it, now or soon.
    pub(crate) fn says(&self, text: &str) -> anyhow::Result<()> {
        self.run(logged(self.name, text)).map(drop)
    }

    /// How many bytes of memory this process has. From now on the most that it has at any moment is counted.
    pub(crate) fn memory(&self) -> anyhow::Result<u64> {
        self.peak_is_counted.store(forget_peak().is_ok(), Ordering::Relaxed);
        Ok(resident()? << 10)
    }

    /// It has had at most this many at any moment since then. Where the system does not count the peak anew, it would be that of another
    /// test: then only what there is at the end is looked at, and what was taken and given back before is not seen.
    pub(crate) fn memory_stays_below(&self, most: u64) -> anyhow::Result<()> {
        let memory = if self.peak_is_counted.load(Ordering::Relaxed) { peak()? } else { resident()? } << 10;
        eprintln!("{:<18} {} MiB of memory at most, and {} are allowed", self.name, memory >> 20, most >> 20);
        ensure!(memory <= most, "{} MiB of memory instead of at most {}", memory >> 20, most >> 20);
        Ok(())
    }

    /// Does something as a client.
    pub(crate) fn run<T>(&self, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        self.timing.block_on(work)
    }

    async fn echoes(&self) -> anyhow::Result<Vec<Echo>> {
        let mut client = self.host.connect("/echo").await?;
        let mut echoes = Vec::with_capacity(ECHOES);
        let cores = Cores::new(&[SERVING, "epoch"]);
        let begun = Instant::now();
        for number in 0..ECHOES {
            if begun.elapsed() > LONGEST {
                break;
            }
            let (before, sent) = (cores.read(), Instant::now());
            client.send_text(number.to_string()).await?;
            ensure!(client.text().await? == number.to_string(), "another echo than that of {number}");
            let took = sent.elapsed();
            echoes.push(Echo { took, without_a_core: cores.read().since(&before) });
        }
        Ok(echoes)
    }
}

impl Echo {
    fn of_the_host(&self) -> Duration {
        self.took.saturating_sub(self.without_a_core)
    }
}

/// What this share of them does not exceed.
fn at(echoes: &[Echo], share: f64, time: impl Fn(&Echo) -> Duration) -> Duration {
    let mut times: Vec<_> = echoes.iter().map(time).collect();
    times.sort_unstable();
    times.get((times.len().saturating_sub(1) as f64 * share) as usize).copied().unwrap_or(Duration::MAX)
}

async fn rounds(address: SocketAddr, path: &str, message: &str) -> anyhow::Result<()> {
    let mut client = Client::connect(address, path, &[]).await?;
    loop {
        client.send_text(message).await?;
        client.text().await?;
    }
}

async fn busy(address: SocketAddr, path: &str, message: &str, answers: Arc<AtomicU64>) -> anyhow::Result<()> {
    let mut client = Client::connect(address, path, &[]).await?;
    for _ in 0..AHEAD {
        client.send_text(message).await?;
    }
    loop {
        client.text().await?;
        answers.fetch_add(1, Ordering::Relaxed);
        client.send_text(message).await?;
    }
}
