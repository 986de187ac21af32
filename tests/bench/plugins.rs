//! Holdline as it is in this checkout, and the plugins that it is measured with, built before anything is measured.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use holdline::plugin::embed;

use crate::cargo;
use crate::harness::{self, AT_ONCE, CRIER, HOLDER, RELAY};

/// A plugin that a Holdline of the benchmark runs.
#[derive(Clone, Copy)]
pub(crate) enum Plugin {
    /// Sends a message back.
    Echo,
    /// Has a worker send it back.
    Relay,
    /// Has the host's schedule send it back.
    AtOnce,
    /// Sends it to everybody.
    Crier,
    /// Holds every connection.
    Holder,
}

impl Plugin {
    /// The name of its component.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Echo => "echo.wasm",
            Self::Relay => "relay.wasm",
            Self::AtOnce => "at-once.wasm",
            Self::Crier => "crier.wasm",
            Self::Holder => "holder.wasm",
        }
    }

    fn component(self) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Echo => Ok(harness::sample("echo")?.1),
            Self::Relay => RELAY.component(),
            Self::AtOnce => AT_ONCE.component(),
            Self::Crier => CRIER.component(),
            Self::Holder => HOLDER.component(),
        }
    }

    /// Only the relay needs more than a name; the isolation is said when a server starts.
    fn manifest(self) -> &'static str {
        match self {
            Self::Echo => "name = \"echo\"",
            Self::Relay => "name = \"relay\"\n[[worker]]\nname = \"relay\"",
            Self::AtOnce => "name = \"at-once\"",
            Self::Crier => "name = \"crier\"",
            Self::Holder => "name = \"holder\"",
        }
    }
}

/// Builds all of them into the folder, each with its manifest in it.
pub(crate) fn build(folder: &Path) -> anyhow::Result<()> {
    for plugin in [Plugin::Echo, Plugin::Relay, Plugin::AtOnce, Plugin::Crier, Plugin::Holder] {
        let file = folder.join(plugin.file());
        let component = embed(&plugin.component()?, plugin.manifest());
        std::fs::write(&file, component).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(())
}

/// Builds the program, which cargo does not do for a benchmark of another package, and returns where it is. It has the profile of this
/// benchmark, so that the native echo in it is compiled as the host is.
pub(crate) fn build_holdline() -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe()?;
    // Cargo puts it into `target/PROFILE/deps`.
    let profile = this.ancestors().nth(2).and_then(Path::file_name).context("it was not started by cargo")?;
    let mut build = cargo::command();
    build.args(["build", "--package", "holdline", "--profile"]).arg(profile).current_dir(env!("CARGO_MANIFEST_DIR"));
    ensure!(build.status().context("cargo does not run")?.success(), "holdline was not built");
    Ok(harness::holdline(&[])?.as_std().get_program().into())
}
