//! Running WebAssembly components: compiling them, limits on what they use, and instances kept warm. It knows nothing of
//! WebSockets, nor of what the components import.

mod cache;
mod component;
mod digest;
mod limits;
mod pool;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, Store, UpdateDeadline};

pub use component::{LoadError, Loaded};
pub use digest::Digest;
pub use limits::{Budget, Exceeded, Limits, Meter, Metered};
pub use pool::Pool;
pub use settings::{CachePlace, Settings};

/// How often a running guest lets others run and is looked at whether it has used up its time. A guest that loops for ever
/// delays whatever shares its thread by this much.
pub const TICK: Duration = Duration::from_millis(5);

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
    // One for each instance that may be alive. Whoever wants one more waits here instead of failing in the allocator.
    slots: Arc<Semaphore>,
    instances: usize,
    component_size: usize,
    memory: bytesize::ByteSize,
    // None if it is switched off or cannot be used.
    cache: Option<Arc<cache::Cache>>,
}

/// The right to have one instance alive.
#[derive(Debug)]
pub struct Slot(#[allow(dead_code, reason = "it is given back when it is dropped")] OwnedSemaphorePermit);

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
        let weak = inner.weak();
        std::thread::Builder::new()
            .name("epoch".to_owned())
            .spawn(move || keep_time(&weak))
            .map_err(EngineError::Ticker)?;
        let instances = usize::try_from(settings.instances).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Ok(Self {
            inner,
            slots: Arc::new(Semaphore::new(instances)),
            instances,
            component_size: usize::try_from(settings.component_size.as_u64()).unwrap_or(usize::MAX),
            memory: settings.memory,
            cache,
        })
    }

    /// The most memory that an instance can be given.
    #[must_use]
    pub fn memory(&self) -> bytesize::ByteSize {
        self.memory
    }

    /// The right to have one instance alive; waits while there are as many as may be.
    pub async fn slot(&self) -> Slot {
        loop {
            // The semaphore is never closed.
            if let Ok(permit) = Arc::clone(&self.slots).acquire_owned().await {
                return Slot(permit);
            }
        }
    }

    /// The right to have one instance alive, if it can be had at once.
    #[must_use]
    pub fn slot_now(&self) -> Option<Slot> {
        Arc::clone(&self.slots).try_acquire_owned().ok().map(Slot)
    }

    /// How many instances may be alive at once.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.instances
    }

    /// True if less than a tenth of the instances that may be alive are left.
    #[must_use]
    pub fn is_scarce(&self) -> bool {
        self.slots.available_permits() <= self.instances / 10
    }

    /// A store whose guest gives way every [`TICK`] and is held to its limits.
    #[must_use]
    pub fn store<T: Metered>(&self, data: T) -> Store<T> {
        let mut store = Store::new(&self.inner, data);
        store.limiter(|data| data.meter());
        store.epoch_deadline_callback(|mut context| {
            context.data_mut().meter().tick()?;
            // Tokio's own way to give way: a task that merely wakes itself is run again before sockets and timers are looked at,
            // sixty times in a row.
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
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

/// Moves the epoch on, on a thread of its own: the threads that serve may all be busy with the guests that it is to interrupt.
#[allow(clippy::disallowed_methods, reason = "this thread serves nobody else")]
fn keep_time(engine: &wasmtime::EngineWeak) {
    while let Some(engine) = engine.upgrade() {
        engine.increment_epoch();
        drop(engine);
        std::thread::sleep(TICK);
    }
}

fn config(settings: &Settings) -> Config {
    let instances = settings.instances;
    let memory = usize::try_from(settings.memory.as_u64()).unwrap_or(usize::MAX);
    // A component of a compiled language has one memory, one table and three or four core instances (its module, the shims of
    // its adapters); one with an interpreter inside has a few more of each.
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        .total_memories(instances.saturating_mul(2))
        .total_tables(instances.saturating_mul(4))
        .total_core_instances(instances.saturating_mul(16))
        .max_memory_size(memory)
        .table_elements(50_000)
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
