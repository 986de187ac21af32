//! The real program under valgrind's callgrind, which counts what it executes between two moments. It knows nothing of what is sent
//! to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::cargo;
use crate::harness::{Served, holdline, within};

/// A host that is counted.
pub(crate) struct Counted {
    host: Served,
    folder: PathBuf,
    // How often the count has been written down: the number is a part of the file's name.
    counts: u32,
}

/// Builds the program: what is measured is what the sources say.
pub(crate) fn build() -> anyhow::Result<()> {
    let status = cargo::command().args(["build", "--release", "--package", "holdline"]).status()?;
    ensure!(status.success(), "the program was not built");
    Ok(())
}

impl Counted {
    /// Starts a host with this configuration. Files go into the folder.
    pub(crate) async fn start(folder: &Path, configuration: &str) -> anyhow::Result<Self> {
        let file = folder.join("holdline.toml");
        std::fs::write(&file, configuration)?;
        let plain = holdline(&["serve", "--config", &file.to_string_lossy()])?;
        let mut command = Command::new("valgrind");
        command
            // Its start is not counted, and compiling the components takes a fraction of the time so.
            .args(["--tool=callgrind", "--instr-atstart=no", "--quiet"])
            // It looks for what it is told as often as it can: a host without work executes little.
            .args(["--vgdb=yes", "--vgdb-poll=100"])
            .arg(format!("--vgdb-prefix={}", prefix(folder)))
            .arg(format!("--callgrind-out-file={}", folder.join("profile").display()))
            .arg(plain.as_std().get_program())
            .args(plain.as_std().get_args())
            // One thread serves, so that no thread looks for another one's work.
            .env("TOKIO_WORKER_THREADS", "1")
            // An instruction that repeats itself is counted as often as it does, so that glibc would seem to clear and copy byte by byte.
            .env(
                "GLIBC_TUNABLES",
                "glibc.cpu.x86_rep_stosb_threshold=1000000000:glibc.cpu.x86_rep_movsb_threshold=1000000000",
            )
            // What was compiled outside was compiled for another processor than the one that valgrind shows.
            .env("XDG_CACHE_HOME", folder)
            .env("XDG_STATE_HOME", folder.join("state"))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let host = Served::spawn(command).await.context("the host does not run under valgrind")?;
        let counted = Self { host, folder: folder.to_owned(), counts: 0 };
        counted.tell(&["instrumentation", "on"]).await?;
        Ok(counted)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.host.address()
    }

    /// How many instructions the host executes while this goes on. The profile is left in the folder under this name.
    pub(crate) async fn during(
        &mut self,
        name: &str,
        work: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<u64> {
        self.tell(&["zero"]).await?;
        work.await?;
        self.tell(&["dump", name]).await?;
        self.counts += 1;
        let profile = self.folder.join(format!("{name}.profile"));
        std::fs::rename(self.folder.join(format!("profile.{}", self.counts)), &profile)?;
        let text = std::fs::read_to_string(&profile)?;
        let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
        let total = total.with_context(|| format!("there is no total in {}", profile.display()))?;
        Ok(total.trim().parse()?)
    }

    /// Stops the host.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let code = self.host.terminate().await?;
        ensure!(code == Some(0), "the host ended with {code:?}");
        Ok(())
    }

    /// Tells callgrind something, and waits until it is done.
    async fn tell(&self, words: &[&str]) -> anyhow::Result<()> {
        let mut vgdb = Command::new("vgdb");
        vgdb.arg(format!("--vgdb-prefix={}", prefix(&self.folder))).arg(format!("--pid={}", self.host.process()?));
        let told = within("callgrind's answer", vgdb.args(words).stdin(Stdio::null()).output()).await??;
        ensure!(told.status.success(), "callgrind does not {words:?}: {}", String::from_utf8_lossy(&told.stderr));
        Ok(())
    }
}

/// Where the two programs of valgrind meet.
fn prefix(folder: &Path) -> String {
    folder.join("vgdb").display().to_string()
}
