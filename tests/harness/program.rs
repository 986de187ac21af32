//! The real program, as it was built, in a process of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use super::within;

/// How long a plugin may take to be built, its dependencies included.
const COMPILING: Duration = Duration::from_secs(300);

/// The checkout that is tested.
pub(crate) fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// A fresh folder of this name.
pub(crate) fn folder(name: &str) -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Where the hosts of the tests keep what they can make again, apart from those of a person.
pub(super) fn caches() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// Where one host keeps what outlives it: no other has that folder.
fn state() -> PathBuf {
    static HOSTS: AtomicUsize = AtomicUsize::new(0);
    let host = format!("{}-{}", std::process::id(), HOSTS.fetch_add(1, Ordering::Relaxed));
    caches().join("state").join(host)
}

/// Lets this process have so many files open at once, of which a test with many clients needs two for each. Many systems allow
/// a thousand unless asked. The standard library cannot ask, so a tool of the system does; where there is none, the test may still
/// have enough.
pub(crate) async fn allow_open_files(count: usize) {
    let process = std::process::id().to_string();
    let asked = Command::new("prlimit").args(["--pid", &process, &format!("--nofile={count}:")]).status();
    let _without_the_tool = asked.await;
}

/// The program with these arguments, to be run in the checkout.
pub(crate) fn holdline(arguments: &[&str]) -> anyhow::Result<Command> {
    let test = std::env::current_exe()?;
    let profile = test.ancestors().nth(2).context("the test is in no folder of a profile")?;
    let program = profile.join(format!("holdline{}", std::env::consts::EXE_SUFFIX));
    let how = "build it first: cargo build --package holdline, with --release if the tests have it";
    ensure!(program.exists(), "{} does not exist; {how}", program.display());
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("XDG_CACHE_HOME", caches())
        .env("XDG_STATE_HOME", state())
        .current_dir(root())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}

/// A program that serves.
pub(crate) struct Served {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
}

impl Served {
    /// Starts the program with these arguments and waits until it says where it listens.
    pub(crate) async fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        Self::spawn(holdline(arguments)?).await
    }

    /// The same, with the program as this command runs it.
    pub(crate) async fn spawn(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("the program has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        // What it builds first takes as long as its compiler.
        let line = tokio::time::timeout(COMPILING, lines.next_line()).await.context("the address did not come")?;
        let line = line?.context("it ended and said no address")?;
        let address = line.split("ws://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.with_context(|| format!("`{line}` has no address"))?.parse()?;
        Ok(Self { child, lines, address })
    }

    /// What it says on standard error, if its command has that piped.
    #[allow(dead_code, reason = "it is for the tests of languages, which are a program of their own")]
    pub(crate) fn errors(&mut self) -> anyhow::Result<Lines<BufReader<ChildStderr>>> {
        let stderr = self.child.stderr.take().context("nobody listens to its standard error")?;
        Ok(BufReader::new(stderr).lines())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> anyhow::Result<String> {
        Ok(self.child.id().context("the program has ended before")?.to_string())
    }

    /// Ends it at once, with SIGKILL.
    #[allow(dead_code, reason = "it is the suite's")]
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Sends it SIGTERM.
    pub(crate) async fn signal(&self) -> anyhow::Result<()> {
        // The standard library sends no other signal than the one that cannot be caught.
        let sent = Command::new("kill").args(["-TERM", &self.process()?]).status().await?;
        ensure!(sent.success(), "the signal was not sent");
        Ok(())
    }

    /// Sends it SIGTERM and waits for its end: the exit code.
    pub(crate) async fn terminate(mut self) -> anyhow::Result<Option<i32>> {
        self.signal().await?;
        let ended = within("the end of the program", self.child.wait()).await??;
        while self.lines.next_line().await?.is_some() {}
        Ok(ended.code())
    }
}

/// What this process has in memory, in KiB.
#[allow(
    dead_code,
    reason = "it is that of the soak, of the hosting and of the hostile guests, which are programs of their own"
)]
pub(crate) fn resident() -> anyhow::Result<u64> {
    memory("VmRSS:")
}

/// The most that this process has had in memory since it was told to [`forget_peak`], in KiB.
#[allow(dead_code, reason = "it is that of the hostile guests")]
pub(crate) fn peak() -> anyhow::Result<u64> {
    memory("VmHWM:")
}

/// From now on the peak is counted anew (proc_pid_clear_refs(5)).
///
/// # Errors
/// The system does not allow it: the peak stays that of the whole life of the process.
#[allow(dead_code, reason = "it is that of the hostile guests")]
pub(crate) fn forget_peak() -> std::io::Result<()> {
    std::fs::write("/proc/self/clear_refs", "5")
}

fn memory(field: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(field)).context("the system does not say")?;
    Ok(line.split_whitespace().nth(1).context("no number")?.parse()?)
}
