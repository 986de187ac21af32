//! The real program with the guest `puppet` and an admin API, and what the system knows of it: its open files, its computing time. Its
//! books are kept by its clients, who each say that they have come and gone, and by its metrics.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::RwLockReadGuard;

use crate::books::{ALONE, until};
use crate::harness::{Client, KEEPER, Operator, PUPPET, Served, folder, holdline, within};

/// The unit of times in `/proc`, which is the same on all systems of Linux (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// Where a host is configured.
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    admin: SocketAddr,
}

impl Place {
    /// A folder with a configuration, which has this at its end, and the store where it says. `puppet` is at every path but `/keeper`.
    pub(crate) fn new(name: &str, store: &str, more: &str) -> anyhow::Result<Self> {
        let folder = folder(name)?;
        // A port that was free a moment ago.
        let admin = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        std::fs::write(folder.join("puppet.wasm"), PUPPET.component()?)?;
        std::fs::write(folder.join("keeper.wasm"), KEEPER.component()?)?;
        let config = format!(
            "[listen]\naddress = \"127.0.0.1:0\"\n[engine]\ninstances = 64\n[store]\nfolder = \"{store}\"\n\
             [admin]\naddress = \"{admin}\"\n[grants]\nkeyvalue = true\nconfig = true\n\
             [[plugin]]\nsource = \"puppet.wasm\"\nroute = \"/\"\nisolation = \"pooled\"\n\
             [[plugin]]\nsource = \"keeper.wasm\"\nroute = \"/keeper\"\nisolation = \"pooled\"\n{more}"
        );
        std::fs::write(folder.join("holdline.toml"), config)?;
        Ok(Self { folder, admin })
    }

    /// The program, as it is run here.
    pub(crate) fn command(&self) -> anyhow::Result<Command> {
        holdline(&["serve", "--config", &self.folder.join("holdline.toml").to_string_lossy()])
    }
}

/// One that runs.
pub(crate) struct Program {
    served: Served,
    pub(crate) operator: Operator,
    log: Arc<Mutex<Vec<String>>>,
    clients: AtomicU64,
    auditors: AtomicU64,
    files: usize,
    _shared: RwLockReadGuard<'static, ()>,
}

impl Program {
    /// Starts it by this command. The store is in this folder, as this process sees it.
    pub(crate) async fn start(place: &Place, mut command: Command, store: &Path) -> anyhow::Result<Self> {
        let shared = ALONE.read().await;
        let mut served = Served::spawn({
            command.stderr(Stdio::piped());
            command
        })
        .await?;
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let mut errors = served.errors()?;
        let said = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok(Some(line)) = errors.next_line().await {
                said.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        let operator = Operator::first(place.admin, store)?;
        let (clients, auditors) = (AtomicU64::new(0), AtomicU64::new(0));
        let mut this = Self { served, operator, log, clients, auditors, files: 0, _shared: shared };
        // What is made once is made now.
        let mut first = this.auditor("/").await?;
        first.get(json!({"do": "open", "channel": "events", "capacity": 10_000})).await?;
        first.close(1000, "").await?;
        this.counts_anew().await?;
        Ok(this)
    }

    /// What it has open now belongs to what it serves, and is what it is to have when all have left.
    pub(crate) async fn counts_anew(&mut self) -> anyhow::Result<()> {
        self.gone().await?;
        let mut pace = tokio::time::interval(Duration::from_millis(10));
        self.files = usize::MAX;
        // The host may not have heard yet that those who asked have gone.
        for _ in 0..20 {
            pace.tick().await;
            self.files = self.files.min(self.open_files()?);
        }
        Ok(())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.served.address()
    }

    pub(crate) fn process(&self) -> anyhow::Result<String> {
        self.served.process()
    }

    pub(crate) async fn kill(self) -> anyhow::Result<()> {
        self.served.kill().await
    }

    /// A client of `puppet`, of whom the books know.
    pub(crate) async fn client(&self) -> anyhow::Result<Client> {
        let number = self.clients.fetch_add(1, Ordering::Relaxed);
        let events = ["open", "close"].map(|event| {
            let item = format!("{event} {number}");
            json!([{"do": "open", "channel": "events", "capacity": 10_000}, {"do": "offer", "channel": "events", "item": item}])
                .to_string()
        });
        let [open, close] = &events;
        let mut client = Client::connect(self.address(), "/", &[("x-open", open), ("x-close", close)]).await?;
        client.report().await?;
        Ok(client)
    }

    /// Somebody who looks on, and is in the books only as one who was let in.
    pub(crate) async fn auditor(&self, path: &str) -> anyhow::Result<Client> {
        let client = Client::connect(self.address(), path, &[]).await?;
        self.auditors.fetch_add(1, Ordering::Relaxed);
        Ok(client)
    }

    /// So many more came who are in no books.
    pub(crate) fn were_let_in(&self, count: u64) {
        self.auditors.fetch_add(count, Ordering::Relaxed);
    }

    /// What it has computed so far.
    pub(crate) fn computed(&self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process()?))?;
        // The name of the program, which may have anything in it, ends with the last bracket.
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let ticks = |place: usize| anyhow::Ok(fields.get(place).context("a field")?.parse::<u32>()?);
        Ok(TICK * (ticks(11)? + ticks(12)?))
    }

    pub(crate) fn open_files(&self) -> anyhow::Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", self.process()?))?.count())
    }

    /// The lines of its log that have this in them.
    pub(crate) fn said(&self, text: &str) -> Vec<String> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().filter(|line| line.contains(text)).cloned().collect()
    }

    /// Waits until its log has this in it.
    pub(crate) async fn says(&self, text: &str) -> anyhow::Result<()> {
        until(text, || Ok(!self.said(text).is_empty())).await
    }

    /// A sample of its metrics, by the beginning of its line.
    pub(crate) async fn metric(&self, sample: &str) -> anyhow::Result<u64> {
        let page = self.operator.get("/metrics").await?;
        let line = page.text.lines().find(|line| line.starts_with(sample));
        let value = line.with_context(|| format!("no `{sample}` in {}", page.text))?.rsplit(' ').next();
        Ok(value.unwrap_or_default().parse()?)
    }

    async fn used(&self, limit: &str) -> anyhow::Result<u64> {
        self.metric(&format!("holdline_tenant_used{{tenant=\"default\",limit=\"{limit}\"}}")).await
    }

    async fn gone(&self) -> anyhow::Result<()> {
        let gone = async {
            while self.used("connections").await? > 0 {}
            anyhow::Ok(())
        };
        within("the end of the last connection", gone).await?
    }

    /// All have left: each has had one open and one close event, nothing is used any more, and the open files are those of the start.
    pub(crate) async fn balances(&self) -> anyhow::Result<()> {
        self.gone().await?;
        for limit in ["held-connections", "waiting-size"] {
            ensure!(self.used(limit).await? == 0, "`{limit}` is still used");
        }
        let mut auditor = self.auditor("/").await?;
        auditor.get(json!({"do": "open", "channel": "events", "capacity": 10_000})).await?;
        let mut events = Vec::new();
        while let Some(event) = auditor.get(json!({"do": "poll", "channel": "events"})).await?.as_str() {
            events.push(event.to_owned());
        }
        auditor.close(1000, "").await?;
        let clients = self.clients.swap(0, Ordering::Relaxed);
        let mut wanted: Vec<_> =
            (0..clients).flat_map(|number| ["open", "close"].map(|it| format!("{it} {number}"))).collect();
        events.sort_unstable();
        wanted.sort_unstable();
        ensure!(events == wanted, "{events:?} and not {wanted:?}");
        let accepted = self.metric("holdline_tenant_accepted_total{tenant=\"default\"}").await?;
        let known = clients + self.auditors.load(Ordering::Relaxed);
        ensure!(accepted == known, "{accepted} were accepted, and {known} came");
        self.gone().await?;
        until("the end of the last file", || Ok(self.open_files()? == self.files))
            .await
            .with_context(|| format!("{:?} open files, and there were {}", self.open_files(), self.files))?;
        ensure!(self.said("panicked").is_empty(), "it has panicked");
        Ok(())
    }
}

/// The value of a field of what the admin API has answered.
pub(crate) fn field<'a>(value: &'a Value, place: &str) -> anyhow::Result<&'a str> {
    value.pointer(place).and_then(Value::as_str).with_context(|| format!("no {place} in {value}"))
}
