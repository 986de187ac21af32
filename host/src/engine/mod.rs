//! Running WebAssembly components: compiling them, limits on what they use, and instances kept warm. It knows nothing of
//! WebSockets, nor of what the components import.

mod cache;
mod clock;
mod compiler;
mod component;
mod fuse;
mod limits;
mod pool;
mod seat;
mod settings;
mod share;
mod slots;
mod turns;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, Store, UpdateDeadline};

pub use compiler::CompileError;
pub(crate) use compiler::compile_here;
pub use component::{LoadError, Loaded, Made};
pub use limits::{Budget, Exceeded, Limits, Meter, Metered, goes_on};
pub use pool::Pool;
pub use seat::Seat;
pub use settings::{CachePlace, Settings};
pub use share::Share;
pub use slots::Slot;
pub use turns::Turn;

use clock::Clock;
use compiler::Compiler;
use slots::Slots;
use turns::Turns;

pub use crate::digest::Digest;

/// What one component may have inside. One of a compiled language has one memory, one table and three or four core instances (its
/// module, the shims of its adapters); one with an interpreter inside has a few more of each.
const CORE_INSTANCES: u32 = 16;
const MEMORIES: u32 = 2;
const TABLES: u32 = 4;

/// The elements of a table.
const TABLE_ELEMENTS: usize = 50_000;

/// How much a guest can hand to the host in one call, unless messages are larger: it is copied without a look at the time.
const CALL_BYTES: usize = 16 << 20;

/// The engine could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The settings ask for what this machine does not give.
    #[error("the wasm engine could not be set up for {instances} instances of at most {memory}")]
    Setup {
        /// How many instances were asked for.
        instances: u32,
        /// How much memory each.
        memory: bytesize::ByteSize,
        /// What the engine said.
        source: wasmtime::Error,
    },
    /// No thread could be started.
    #[error("the thread that keeps the guests' time could not be started")]
    Ticker(#[source] std::io::Error),
}

/// Compiles components and makes stores for their instances.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    // One for each instance that may be alive. Whoever wants one more waits there instead of failing in the allocator.
    slots: Arc<Slots>,
    instances: usize,
    component_size: usize,
    memory: bytesize::ByteSize,
    tick: Duration,
    // None if it is switched off or cannot be used.
    cache: Option<Arc<cache::Cache>>,
    // None if this process compiles.
    compiler: Option<Arc<Compiler>>,
    call_bytes: usize,
    clock: Arc<Clock>,
    // To begin, and to go on after a tick.
    turns: [Arc<Turns>; 2],
    shares: Arc<AtomicU64>,
}

impl Engine {
    /// An engine and the thread that keeps its time; the thread ends with it.
    ///
    /// # Errors
    /// The settings ask for more address space than there is.
    pub fn new(settings: &Settings) -> Result<Self, EngineError> {
        let inner = wasmtime::Engine::new(&config(settings)).map_err(|source| EngineError::Setup {
            instances: settings.instances,
            memory: settings.memory,
            source,
        })?;
        let cache = cache::Cache::open(settings, &inner).map(Arc::new);
        let clock = Clock::start(inner.weak(), settings.tick).map_err(EngineError::Ticker)?;
        let instances = usize::try_from(settings.instances).unwrap_or(usize::MAX);
        Ok(Self {
            inner,
            slots: Slots::new(instances),
            instances,
            component_size: usize::try_from(settings.component_size.as_u64()).unwrap_or(usize::MAX),
            memory: settings.memory,
            tick: settings.tick,
            cache,
            compiler: Compiler::of(settings).map(Arc::new),
            call_bytes: CALL_BYTES,
            clock: Arc::new(clock),
            turns: [Turns::new(serving_threads(), settings.tick), Turns::new(serving_threads(), settings.tick)],
            shares: Arc::default(),
        })
    }

    /// The same engine, whose guests can hand over messages of this size.
    #[must_use]
    pub fn with_messages_of(self, size: bytesize::ByteSize) -> Self {
        let size = usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
        // What surrounds the message in memory is counted, too.
        Self { call_bytes: CALL_BYTES.max(size.saturating_mul(2)), ..self }
    }

    /// The most memory that an instance can be given.
    #[must_use]
    pub fn memory(&self) -> bytesize::ByteSize {
        self.memory
    }

    /// How many instances may be alive at once.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.instances
    }

    /// True if less than a tenth of the instances that may be alive are left.
    #[must_use]
    pub fn is_scarce(&self) -> bool {
        self.slots.free() <= self.instances / 10
    }

    /// A new share of the computing time and of the places for instances, of this weight.
    #[must_use]
    pub fn share(&self, weight: NonZeroU32) -> Arc<Share> {
        let number = self.shares.fetch_add(1, Ordering::Relaxed);
        Share::new(number, weight, self.tick, &self.clock, &self.turns, &self.slots)
    }

    /// A store whose guest gives way at every tick and is held to its limits.
    #[must_use]
    pub fn store<T: Metered>(&self, data: T) -> Store<T> {
        let mut store = Store::new(&self.inner, data);
        store.limiter(|data| data.meter());
        store.set_hostcall_fuel(self.call_bytes);
        let clock = Arc::clone(&self.clock);
        store.epoch_deadline_callback(move |mut context| {
            clock.stir();
            let data = context.data_mut();
            data.meter().tick()?;
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(data.seat().next())))
        });
        store.set_epoch_deadline(1);
        store
    }

    /// The engine below.
    #[must_use]
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }
}

/// The threads of the runtime that this is called in.
fn serving_threads() -> usize {
    tokio::runtime::Handle::try_current().map_or(1, |runtime| runtime.metrics().num_workers())
}

fn config(settings: &Settings) -> Config {
    let instances = settings.instances;
    let memory = usize::try_from(settings.memory.as_u64()).unwrap_or(usize::MAX);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        .total_memories(instances.saturating_mul(MEMORIES))
        .total_tables(instances.saturating_mul(TABLES))
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES))
        // One component takes no more of each than its part, so that there is always enough for all.
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_memory_size(memory)
        .table_elements(TABLE_ELEMENTS)
        // What follows was measured to make a fresh instance three times as fast: memory that an instance has touched is
        // found by the kernel's page map and set back, and not unmapped.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(64 << 10)
        .table_keep_resident(64 << 10);
    let mut config = Config::new();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool)).epoch_interruption(true);
    // Only guests of WASI 0.3 need it, and it makes every call of the others three times as long.
    config.concurrency_support(false);
    config
}
