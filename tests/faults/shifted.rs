//! A clock on the wall that a test can set, for one program: a library that is loaded before the system's.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, ensure};
use tokio::process::Command;

/// The clock of one program.
pub(crate) struct Clock {
    file: File,
    shift: i64,
}

impl Clock {
    /// Compiles the library into this folder and gives the program that clock. It goes right at first.
    pub(crate) async fn of(command: &mut Command, folder: &Path) -> anyhow::Result<Self> {
        let [source, library, shift] = ["clock.c", "clock.so", "shift"].map(|name| folder.join(name));
        std::fs::write(&source, include_str!("clock.c"))?;
        let compiled = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).args([&library, &source]).status();
        ensure!(compiled.await.context("there is no C compiler `cc`")?.success(), "the clock was not compiled");
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&shift)?;
        file.write_all_at(&0_i64.to_ne_bytes(), 0)?;
        command.env("LD_PRELOAD", library).env("HOLDLINE_TEST_CLOCK", shift);
        Ok(Self { file, shift: 0 })
    }

    /// Sets it by so many seconds.
    pub(crate) fn jump(&mut self, seconds: i64) -> anyhow::Result<()> {
        self.shift += seconds;
        Ok(self.file.write_all_at(&self.shift.to_ne_bytes(), 0)?)
    }

    /// The seconds since 1970 on it.
    pub(crate) fn now(&self) -> anyhow::Result<i64> {
        Ok(i64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_secs())? + self.shift)
    }
}
