//! What one instance has: its owner, the event under way, its limits, and WASI with nothing granted.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::granted::Outgoing;
use super::grants::Granted;
use super::log::{Level, PluginLog, tell_left_out};
use crate::digest::Digest;
use crate::engine::{Meter, Metered, Seat, Share};
use crate::hub::{Connection, Hub};
use crate::ids::PluginId;
use crate::tenant::{Lease, Tenant, Usage};

/// The most random bytes that a guest gets at once: they are made without a look at the time, and these take a millisecond.
const MAX_RANDOM: u64 = 256 << 10;

/// Whose instance it is, and where what it asks for goes. One for all instances of a version of a plugin.
pub struct Owner {
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// The plugin.
    pub plugin: PluginId,
    /// The plugin's name, for its log.
    pub name: Arc<str>,
    /// Which version of it, for its log.
    pub digest: Digest,
    /// Its tenant's part of the computing time.
    pub share: Arc<Share>,
    /// How long a retention lasts when the handler does not say; none means the hub's default.
    pub retain_deadline: Option<Duration>,
    /// The connections and channels.
    pub hub: Arc<Hub>,
    /// Where workers are asked for. Drained by those who run plugins.
    pub workers: mpsc::Sender<WorkerStart>,
    /// What the plugin does and has, as part of what its tenant does and has.
    pub usage: Arc<Usage>,
    /// Whether the plugin can be called by timers.
    pub has_timer_handler: bool,
    /// Whether the plugin can run workers.
    pub has_worker: bool,
    /// What its tenant grants it.
    pub granted: Arc<Granted>,
    /// How many lines that it has printed were left out of its log and not told yet.
    pub left_out: AtomicU64,
}

impl Drop for Owner {
    fn drop(&mut self) {
        tell_left_out(self);
    }
}

/// A worker that a plugin has asked for.
#[derive(Debug)]
pub struct WorkerStart {
    /// Its number.
    pub id: u64,
    /// Whose it is.
    pub plugin: PluginId,
    /// What its `run` is given.
    pub name: String,
    /// What its `run` is given.
    pub argument: Vec<u8>,
    /// The channel that is told how it ended.
    pub exit_channel: Option<String>,
    /// Its tenant's leave to have it.
    pub lease: Lease,
}

/// The data of an instance's store.
pub(super) struct State {
    pub(super) owner: Arc<Owner>,
    pub(super) event: Option<UnderWay>,
    pub(super) table: ResourceTable,
    // Set for a worker that ends when its plugin has a newer version.
    pub(super) retired: Option<CancellationToken>,
    meter: Meter,
    seat: Seat,
    // Made when a guest first asks for it: many never do, and a fresh instance for every event must cost little.
    wasi: Option<Box<WasiCtx>>,
    // The same with HTTP.
    pub(super) http: Option<Box<Outgoing>>,
}

/// The event that a request number stands for.
pub(super) struct UnderWay {
    pub(super) request: u64,
    pub(super) connection: Arc<Connection>,
}

impl State {
    pub(super) fn new(owner: Arc<Owner>, memory_limit: usize) -> Self {
        let (event, table, retired) = (None, ResourceTable::new(), None);
        let meter = Meter::new(memory_limit, owner.share.tick(), Arc::clone(&owner.tenant), Arc::clone(&owner.usage));
        let seat = Seat::new(Arc::clone(&owner.share));
        Self { owner, event, table, retired, meter, seat, wasi: None, http: None }
    }
}

impl State {
    /// Waits in an import. What does not have to wait pays for no look at the clock.
    pub(super) async fn waiting<T>(&mut self, wait: impl Future<Output = T>) -> T {
        let mut wait = pin!(wait);
        if let Poll::Ready(outcome) = poll_fn(|cx| Poll::Ready(wait.as_mut().poll(cx))).await {
            return outcome;
        }
        self.meter.pause();
        let outcome = wait.await;
        self.meter.resume();
        outcome
    }
}

impl State {
    /// Waits for an item. A worker whose plugin has a newer version ends here if it would wait without limit: then it has nothing else
    /// to do. One that has something in hand for later waits for so long.
    pub(super) async fn receiving<T>(
        &mut self,
        limit: Option<Duration>,
        wait: impl Future<Output = T>,
    ) -> wasmtime::Result<T> {
        let Some(retired) = self.retired.clone().filter(|_| limit.is_none()) else {
            return Ok(self.waiting(wait).await);
        };
        // In this order: an item that comes at the same moment goes back, and to the new version.
        tokio::select! {
            biased;
            () = retired.cancelled() => Err(Retired.into()),
            item = self.waiting(wait) => Ok(item),
        }
    }
}

/// A worker ends, because its plugin has a newer version.
#[derive(Debug, thiserror::Error)]
#[error("the plugin has a newer version")]
pub(super) struct Retired;

impl Metered for State {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }

    fn seat(&self) -> &Seat {
        &self.seat
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let owner = &self.owner;
        let ctx = self.wasi.get_or_insert_with(|| {
            let mut builder = WasiCtxBuilder::new();
            builder.max_random_size(MAX_RANDOM);
            builder.stdout(PluginLog::new(Arc::clone(owner), Level::Info));
            builder.stderr(PluginLog::new(Arc::clone(owner), Level::Warn));
            Box::new(builder.build())
        });
        WasiCtxView { ctx, table: &mut self.table }
    }
}
