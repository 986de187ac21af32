//! The servers that are measured, and how each is started: one process for each measurement, on the core of servers.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

use crate::native::NATIVE;
use crate::peers::Peers;
use crate::plugins::{self, Plugin};
use crate::process::{Core, Process};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Server {
    /// tokio-tungstenite without wasm, the yardstick
    Native,
    /// Holdline, a few instances for all connections
    Pooled,
    /// Holdline, a fresh instance for every event
    Event,
    /// Holdline, an instance for each connection
    Connection,
    /// Holdline: retain, channel, worker, send
    Worker,
    /// Holdline: retain, send-after 0
    SendAfter,
    /// Holdline, every connection held
    Held,
    /// Node with ws
    Node,
    /// Bun
    Bun,
    /// workerd, a Durable Object that can hibernate
    Workerd,
}

/// What a server does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Service {
    /// Sends it back.
    Echo,
    /// Sends it to all clients.
    Broadcast,
}

impl Service {
    /// The argument that says so.
    fn word(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Broadcast => "broadcast",
        }
    }
}

impl Server {
    /// What a table calls it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Native => "native echo, no wasm",
            Self::Pooled => "Holdline, pooled",
            Self::Event => "Holdline, event",
            Self::Connection => "Holdline, connection",
            Self::Worker => "Holdline, worker answers",
            Self::SendAfter => "Holdline, send-after 0",
            Self::Held => "Holdline, held",
            Self::Node => "Node, ws",
            Self::Bun => "Bun",
            Self::Workerd => "workerd, hibernation",
        }
    }

    /// True if it is one of those that npm installs.
    pub(crate) fn is_peer(self) -> bool {
        matches!(self, Self::Node | Self::Bun | Self::Workerd)
    }
}

/// A server that listens.
pub(crate) struct Running {
    pub(crate) process: Process,
    pub(crate) url: String,
}

/// Everything that is needed to start any of the servers.
pub(crate) struct Stage {
    /// Where components, peers and logs are.
    folder: PathBuf,
    holdline: PathBuf,
    peers: Option<Peers>,
}

impl Stage {
    /// Builds Holdline and its plugins, and installs the peers if one of the servers is a peer.
    pub(crate) fn prepare(servers: &[Server]) -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
        std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let holdline = plugins::build_holdline()?;
        plugins::build(&folder)?;
        let peers =
            servers.iter().any(|server| server.is_peer()).then(|| Peers::install(&folder.join("npm"))).transpose()?;
        Ok(Self { folder, holdline, peers })
    }

    /// The program that serves and that measures.
    pub(crate) fn holdline(&self) -> &Path {
        &self.holdline
    }

    pub(crate) fn peers(&self) -> Option<&Peers> {
        self.peers.as_ref()
    }

    /// The component of a plugin.
    pub(crate) fn component(&self, plugin: Plugin) -> PathBuf {
        self.folder.join(plugin.file())
    }

    /// A file or a folder of this name for what a measurement leaves behind.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Starts a server and waits until it says where it listens.
    pub(crate) fn start(&self, server: Server, service: Service) -> anyhow::Result<Running> {
        let command = self.command(server, service)?;
        let mut process = Process::start(server.title(), command, self.scratch("server.log"))?;
        let url = process.hear(url)?;
        Ok(Running { process, url })
    }

    fn command(&self, server: Server, service: Service) -> anyhow::Result<Command> {
        let plugin = match service {
            Service::Echo => Plugin::Echo,
            Service::Broadcast => Plugin::Crier,
        };
        let peers = || self.peers.as_ref().context("the peers are not installed");
        Ok(match server {
            Server::Native => {
                let mut command = Core::Server.command(std::env::current_exe()?);
                command.args([NATIVE, service.word()]);
                command
            }
            Server::Pooled => self.run(plugin, "pooled"),
            Server::Event => self.run(plugin, "event"),
            Server::Connection => self.run(plugin, "connection"),
            Server::Worker => self.run(Plugin::Relay, "pooled"),
            Server::SendAfter => self.run(Plugin::AtOnce, "pooled"),
            Server::Held => self.run(Plugin::Holder, "pooled"),
            Server::Node => peers()?.node(service.word()),
            Server::Bun => peers()?.bun(service.word()),
            Server::Workerd => peers()?.workerd(),
        })
    }

    fn run(&self, plugin: Plugin, isolation: &str) -> Command {
        let mut command = Core::Server.command(&self.holdline);
        command.arg("run").arg(self.component(plugin));
        command.args(["--isolation", isolation, "--listen", "127.0.0.1:0"]);
        // What it keeps between starts is not to be among the user's own.
        command.env("XDG_CACHE_HOME", self.scratch("kept"));
        command
    }
}

/// The address in the line with which a server says that it listens: a URL, or a port as workerd says it.
fn url(line: &str) -> Option<String> {
    let said = line.split_whitespace().find(|word| word.starts_with("ws://")).map(str::to_owned);
    said.or_else(|| {
        let event: Value = serde_json::from_str(line).ok()?;
        Some(format!("ws://127.0.0.1:{}/", event.get("port")?.as_u64()?))
    })
}
