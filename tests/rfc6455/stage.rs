//! Where the cases are played: hosts with the plugins `echo`, `puppet` and `gate`, and on each of them a client that no case is to
//! disturb.

use std::net::SocketAddr;
use std::time::Duration;

use bytesize::ByteSize;
use holdline::socket::Compression;
use tokio::sync::Mutex;

use crate::case::{TEXT, hears, message};
use crate::harness::{GATE, Host, PUPPET, Setup};
use crate::peer::Peer;

/// Which host a case is played on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// With its defaults.
    Plain,
    /// One that allows little.
    Narrow,
    /// One that compresses.
    Deflating,
}

/// What the narrow host allows.
pub(crate) const NARROW_MESSAGE: usize = 100;
pub(crate) const NARROW_FRAGMENTS: usize = 4;
pub(crate) const NARROW_HEAD: usize = 4096;
pub(crate) const NARROW_CLOSE: Duration = Duration::from_secs(1);

/// What the compressing host allows, and the smallest message that it compresses.
pub(crate) const DEFLATING_MESSAGE: usize = 100 << 10;
pub(crate) const DEFLATING_FROM: usize = 64;

pub(crate) struct Stage {
    plain: Place,
    narrow: Place,
    deflating: Place,
}

struct Place {
    host: Host,
    bystander: Mutex<Peer>,
}

impl Stage {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Ok(Self {
            plain: Place::start("rfc", Setup::new()).await?,
            narrow: Place::start(
                "rfc-narrow",
                Setup::new().configured(|config| {
                    config.hub.message_size = ByteSize::b(NARROW_MESSAGE as u64);
                    config.listen.fragments = NARROW_FRAGMENTS as u32;
                    config.listen.header_size = ByteSize::b(NARROW_HEAD as u64);
                    config.listen.close_timeout = NARROW_CLOSE;
                }),
            )
            .await?,
            deflating: Place::start(
                "rfc-deflating",
                Setup::new().configured(|config| {
                    config.hub.message_size = ByteSize::b(DEFLATING_MESSAGE as u64);
                    config.listen.compression = Compression::Deflate;
                    config.listen.compress_from = ByteSize::b(DEFLATING_FROM as u64);
                }),
            )
            .await?,
        })
    }

    fn place(&self, door: Door) -> &Place {
        match door {
            Door::Plain => &self.plain,
            Door::Narrow => &self.narrow,
            Door::Deflating => &self.deflating,
        }
    }

    pub(crate) fn host(&self, door: Door) -> &Host {
        &self.place(door).host
    }

    pub(crate) fn address(&self, door: Door) -> SocketAddr {
        self.host(door).address()
    }

    /// A client of the echo.
    pub(crate) async fn connect(&self, door: Door) -> anyhow::Result<Peer> {
        Peer::connect(self.address(door), "/echo", &[]).await
    }

    /// A client of the puppet.
    pub(crate) async fn puppet(&self, door: Door) -> anyhow::Result<Peer> {
        Peer::connect(self.address(door), "/puppet", &[]).await
    }

    /// The client that has been there all the time is still served.
    pub(crate) async fn undisturbed(&self, door: Door) -> anyhow::Result<()> {
        let mut bystander = self.place(door).bystander.lock().await;
        bystander.say(&message(TEXT, b"still here")).await?;
        hears(&mut bystander, TEXT, b"still here").await
    }

    /// Nobody is left on any host when the last client has gone.
    pub(crate) async fn empties(self) -> anyhow::Result<()> {
        for Place { host, bystander } in [self.plain, self.narrow, self.deflating] {
            drop(bystander);
            host.until("the end of all connections", |hub| hub.connection_count() == 0).await?;
        }
        Ok(())
    }
}

impl Place {
    async fn start(name: &str, setup: Setup) -> anyhow::Result<Self> {
        let setup = setup.sample("echo", |_| {})?;
        let setup = setup.guest(PUPPET, name, "")?.at(Some("/puppet"));
        let setup = setup.guest(GATE, &format!("{name}-gate"), "")?.at(Some("/gate"));
        let host = setup.start().await?;
        let bystander = Mutex::new(Peer::connect(host.address(), "/echo", &[]).await?);
        Ok(Self { host, bystander })
    }
}
