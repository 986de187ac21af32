//! One version of a plugin: its component, ready to be instantiated, and the instances that are kept warm.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};

use tokio_util::sync::CancellationToken;

use super::error::LoadError;
use super::loaded::Identity;
use super::manifest::{Isolation, Manifest, Swap};
use crate::digest::Brief;
use crate::engine::{Digest, Limits, Made, Pool, Turn};
use crate::gate::Entrance;
use crate::guest::v1::{Exports, Failure, Instance, Owner, Template};
use crate::tenant::Limit;

/// One version of a plugin.
pub struct Version {
    number: u32,
    digest: Digest,
    made: Made,
    size: usize,
    since: SystemTime,
    manifest: Manifest,
    entrance: Arc<Entrance>,
    template: Arc<Template>,
    owner: Arc<Owner>,
    limits: Limits,
    warm: Pool<Box<Instance>>,
    // Cancelled when another one has taken its place.
    retired: CancellationToken,
    // The same for those who ask at each event: the token would take a lock to answer.
    is_retired: AtomicBool,
    // Until when its connections stay with it after that; empty if they do not.
    stays_until: OnceLock<Instant>,
}

/// Versions are numbered as they come, so that a connection can say with little which one it is with.
fn next_number() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

impl Version {
    /// Compiles, checks and links a component. Keep it off the threads that serve.
    pub(super) fn load(plugin: &Identity, manifest: Manifest, component: &[u8]) -> Result<Self, LoadError> {
        let name = || manifest.name.clone();
        let engine = &plugin.engine;
        if manifest.limits.memory > engine.memory() {
            return Err(LoadError::Memory { name: name(), asked: manifest.limits.memory, most: engine.memory() });
        }
        let size = plugin.tenant().limits().most(Limit::ComponentSize);
        if component.len() > size {
            plugin.tenant().refuse(Limit::ComponentSize);
            return Err(LoadError::Quota { name: name(), limit: Limit::ComponentSize.name(), most: size });
        }
        let loaded = engine.load(component).map_err(|source| LoadError::Component { name: name(), source })?;
        let template = Template::prepare(engine, &loaded.component, plugin.granted.now().grants())
            .map_err(|source| LoadError::Prepare { name: name(), source })?;
        let entrance = Entrance::new(manifest.origins.clone(), manifest.jwt.clone())
            .map_err(|source| LoadError::Jwt { name: name(), source })?;
        let owner = plugin.owner(&manifest, loaded.digest, template.exports());
        let most = plugin.tenant().limits();
        let memory = manifest.limits.memory.min(most.instance_memory);
        let limits = Limits {
            memory: usize::try_from(memory.as_u64()).unwrap_or(usize::MAX),
            cpu: manifest.limits.cpu.min(most.cpu),
            timeout: manifest.limits.timeout,
        };
        Ok(Self {
            number: next_number(),
            digest: loaded.digest,
            made: loaded.made,
            size: component.len(),
            since: SystemTime::now(),
            warm: Pool::new(manifest.limits.warm),
            entrance,
            manifest,
            template,
            owner: Arc::new(owner),
            limits,
            retired: CancellationToken::new(),
            is_retired: AtomicBool::new(false),
            stays_until: OnceLock::new(),
        })
    }

    /// The same once more, to serve again after it was retired.
    pub(super) fn again(&self) -> Self {
        Self {
            number: next_number(),
            digest: self.digest,
            made: Made::Before,
            size: self.size,
            since: SystemTime::now(),
            warm: Pool::new(self.manifest.limits.warm),
            manifest: self.manifest.clone(),
            entrance: Arc::clone(&self.entrance),
            template: Arc::clone(&self.template),
            owner: Arc::clone(&self.owner),
            limits: self.limits,
            retired: CancellationToken::new(),
            is_retired: AtomicBool::new(false),
            stays_until: OnceLock::new(),
        }
    }

    /// Opens the channels of its manifest.
    pub(super) fn open_channels(&self) -> Result<(), LoadError> {
        let channels = self.owner.hub.channels();
        for channel in &self.manifest.channels {
            channels.open(&self.owner.tenant, &channel.name, channel.capacity).map_err(|source| {
                LoadError::Channel { name: self.manifest.name.clone(), channel: channel.name.clone(), source }
            })?;
        }
        Ok(())
    }

    /// Its number among all versions of all plugins since the host started.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// What its component is known by.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The same, for a line of the log.
    pub(super) fn brief(&self) -> Brief {
        Brief(self.digest)
    }

    /// Where its machine code comes from.
    #[must_use]
    pub fn compiled(&self) -> Made {
        self.made
    }

    /// How many bytes its component has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// When it was taken in, or taken up again.
    #[must_use]
    pub fn since(&self) -> SystemTime {
        self.since
    }

    /// What it says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Who may connect.
    #[must_use]
    pub fn entrance(&self) -> &Arc<Entrance> {
        &self.entrance
    }

    /// Which of the contract's exports it has.
    #[must_use]
    pub fn exports(&self) -> Exports {
        self.template.exports()
    }

    /// Cancelled when another one has taken its place.
    pub(super) fn retired(&self) -> &CancellationToken {
        &self.retired
    }

    fn is_retired(&self) -> bool {
        self.is_retired.load(Ordering::Acquire)
    }

    /// Another one takes its place, and says in its manifest what becomes of the connections.
    pub(super) fn retire(&self, successor: &Manifest) {
        match successor.swap {
            Swap::NextEvent => self.warm.clear(),
            Swap::NewConnections => {
                // A drain time beyond what the clock can tell is for ever.
                if let Some(until) = Instant::now().checked_add(successor.swap_drain) {
                    let _was_set_before = self.stays_until.set(until);
                }
            }
        }
        self.end();
    }

    /// The host stops, or another one takes its place: its workers end.
    pub(super) fn end(&self) {
        self.is_retired.store(true, Ordering::Release);
        self.retired.cancel();
    }

    /// It was on trial and has not stood the test, or the trial has ended: nobody stays with it.
    pub(super) fn take_back(&self) {
        self.end();
        self.warm.clear();
    }

    /// True if a connection that is with this one stays, though it would get the other one if it came now.
    pub(super) fn keeps_from(&self, other: &Self) -> bool {
        match self.stays_until.get() {
            Some(until) => Instant::now() < *until,
            None => !self.is_retired() && other.manifest.swap == Swap::NewConnections,
        }
    }

    /// True if attachments of the other one are not for this one as they are.
    pub(super) fn migrates_from(&self, other: &Self) -> bool {
        self.exports().migration && self.digest != other.digest
    }

    /// Ends the instances that are kept warm.
    pub(super) fn cool(&self) {
        self.warm.clear();
    }

    /// True if the instance is one of this version's.
    pub(super) fn made(&self, instance: &Instance) -> bool {
        instance.is_of(&self.template)
    }

    /// A new instance.
    pub(super) async fn instantiate(&self) -> Result<Box<Instance>, Failure> {
        let turn = self.turn_to_begin().await;
        self.instantiate_in(turn).await
    }

    /// A new instance, unless the host has as many as it may.
    pub(super) async fn instantiate_now(&self) -> Result<Box<Instance>, Failure> {
        let turn = self.turn_to_begin().await;
        let owner = Arc::clone(&self.owner);
        self.template.instantiate_now(owner, self.limits, turn).await.map_err(Failure::NotStarted)
    }

    /// An instance for one event that belongs to no connection.
    pub(super) async fn lend(&self) -> Result<Box<Instance>, Failure> {
        let turn = self.turn_to_begin().await;
        self.lend_in(turn).await
    }

    /// The same, in this turn.
    pub(super) async fn lend_in(&self, turn: Option<Turn>) -> Result<Box<Instance>, Failure> {
        if self.manifest.isolation == Isolation::Pooled
            && let Some(instance) = self.warm.take()
        {
            instance.sit(turn);
            return Ok(instance);
        }
        self.instantiate_in(turn).await
    }

    /// A turn, if an event needs one to begin. It comes before the instance, so that what waits for it holds none.
    pub(super) async fn turn_to_begin(&self) -> Option<Turn> {
        self.owner.share.turn_to_begin().await
    }

    async fn instantiate_in(&self, turn: Option<Turn>) -> Result<Box<Instance>, Failure> {
        let owner = Arc::clone(&self.owner);
        self.template.instantiate(owner, self.limits, turn).await.map_err(Failure::NotStarted)
    }

    /// Takes back what was lent. An instance that is broken, or was for one event, ends here, and so does one that others need the
    /// place of.
    pub(super) fn give_back(&self, instance: Box<Instance>) {
        let serves = !self.is_retired() || self.stays_until.get().is_some_and(|until| Instant::now() < *until);
        let is_kept = self.manifest.isolation == Isolation::Pooled && serves;
        if is_kept && !instance.is_broken() && !self.template.is_scarce() {
            self.warm.put(instance);
        }
    }
}
