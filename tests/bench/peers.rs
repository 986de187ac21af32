//! The peers, as npm has them: installed from the lock file into a folder below `target`, and started from there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::process::Core;

/// What is installed, and what is run with it.
const FILES: [(&str, &str); 6] = [
    ("package.json", include_str!("peers/package.json")),
    ("package-lock.json", include_str!("peers/package-lock.json")),
    ("node.mjs", include_str!("peers/node.mjs")),
    ("bun.js", include_str!("peers/bun.js")),
    ("workerd.js", include_str!("peers/workerd.js")),
    ("workerd.capnp", include_str!("peers/workerd.capnp")),
];

/// The packages with the programs of this machine: npm installs no other.
#[cfg(target_arch = "aarch64")]
pub(crate) const PACKAGES: Packages =
    Packages { bun: "@oven/bun-linux-aarch64", workerd: "@cloudflare/workerd-linux-arm64" };
#[cfg(not(target_arch = "aarch64"))]
pub(crate) const PACKAGES: Packages = Packages { bun: "@oven/bun-linux-x64", workerd: "@cloudflare/workerd-linux-64" };

const HINT: &str =
    "install Node 20 or newer, which npm comes with, or leave the peers out: --servers native,pooled,event";

/// The names of packages that differ from machine to machine.
pub(crate) struct Packages {
    pub(crate) bun: &'static str,
    pub(crate) workerd: &'static str,
}

/// The installed peers.
pub(crate) struct Peers {
    folder: PathBuf,
}

impl Peers {
    /// Installs them into the folder, unless they are there.
    pub(crate) fn install(folder: &Path) -> anyhow::Result<Self> {
        for program in ["node", "npm"] {
            let there = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            ensure!(there.is_ok_and(|status| status.success()), "{program} does not run\nhint: {HINT}");
        }
        std::fs::create_dir_all(folder)?;
        let lock = folder.join("package-lock.json");
        let installed = std::fs::read_to_string(&lock).is_ok_and(|text| FILES.iter().any(|(_, file)| *file == text));
        for (name, text) in FILES {
            std::fs::write(folder.join(name), text)?;
        }
        let peers = Self { folder: folder.to_owned() };
        if !(installed && folder.join("node_modules/.package-lock.json").exists()) {
            eprintln!("installing the peers");
            let mut npm = Command::new("npm");
            // No package needs to run anything for its installation.
            npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder).stdout(Stdio::null());
            ensure!(npm.status()?.success(), "npm could not install the peers\nhint: {HINT}");
        }
        for program in [peers.program(PACKAGES.bun, "bun"), peers.program(PACKAGES.workerd, "workerd")] {
            ensure!(program.exists(), "{} was not installed\nhint: {HINT}", program.display());
        }
        Ok(peers)
    }

    pub(crate) fn node(&self, service: &str) -> Command {
        let mut command = Core::Server.command("node");
        command.args(["node.mjs", service]).current_dir(&self.folder);
        command
    }

    pub(crate) fn bun(&self, service: &str) -> Command {
        let mut command = Core::Server.command(self.program(PACKAGES.bun, "bun"));
        command.args(["bun.js", service]).current_dir(&self.folder);
        command
    }

    pub(crate) fn workerd(&self) -> Command {
        let mut command = Core::Server.command(self.program(PACKAGES.workerd, "workerd"));
        command.args(["serve", "workerd.capnp", "--control-fd=1"]).current_dir(&self.folder);
        command
    }

    fn program(&self, package: &str, name: &str) -> PathBuf {
        self.folder.join("node_modules").join(package).join("bin").join(name)
    }

    /// The version of an installed package.
    pub(crate) fn version(&self, package: &str) -> anyhow::Result<String> {
        let file = self.folder.join("node_modules").join(package).join("package.json");
        let text = std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        let package: Value = serde_json::from_str(&text)?;
        Ok(package.get("version").and_then(Value::as_str).context("a package without a version")?.to_owned())
    }
}
