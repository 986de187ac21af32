//! One plugin: who it is, for as long as the host runs, and which versions of it serve now.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arc_swap::{ArcSwap, Cache, Guard};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::canary::{Canary, CanaryRules, Lot, Named, TakenBack};
use super::error::LoadError;
use super::manifest::Manifest;
use super::version::Version;
use crate::engine::{Digest, Engine, Share};
use crate::gate::jwt::Means;
use crate::guest::v1::{Exports, Failure, Granted, Owner, WorkerStart};
use crate::hub::Hub;
use crate::ids::{PluginId, TenantId};
use crate::tenant::{Counter, Lease, Tenant, Usage};

/// So many versions that served are kept for a rollback.
pub const KEPT: usize = 5;

/// A plugin that was taken in.
pub struct Plugin {
    identity: Identity,
    // Read by every event of every connection: readers write nothing that they share.
    serving: Arc<ArcSwap<Serving>>,
    // Those that served before, the latest first.
    kept: Mutex<VecDeque<Arc<Version>>>,
    // Held for as long as a change takes: two of them at once could leave the older version serving.
    pub(super) changing: tokio::sync::Mutex<()>,
}

/// What serves now.
pub struct Serving {
    /// The version of all connections, timers, workers and channels.
    pub version: Arc<Version>,
    /// The one that some connections get.
    pub canary: Option<Arc<Canary>>,
}

/// What serves now, as one connection follows it.
pub(super) type Followed = Cache<Arc<ArcSwap<Serving>>, Arc<Serving>>;

/// What stays the same in all its versions.
pub(super) struct Identity {
    // Its tenant's leave to have it.
    pub(super) lease: Lease,
    pub(super) id: PluginId,
    pub(super) name: Arc<str>,
    pub(super) share: Arc<Share>,
    pub(super) engine: Engine,
    pub(super) hub: Arc<Hub>,
    pub(super) workers: mpsc::Sender<WorkerStart>,
    pub(super) taken_back: mpsc::Sender<TakenBack>,
    // What it does and has, as part of what its tenant does and has.
    pub(super) usage: Arc<Usage>,
    pub(super) granted: Arc<Granted>,
}

impl Identity {
    pub(super) fn tenant(&self) -> &Arc<Tenant> {
        self.lease.tenant()
    }

    /// Whose the instances of a version are.
    pub(super) fn owner(&self, manifest: &Manifest, digest: Digest, exports: Exports) -> Owner {
        Owner {
            tenant: Arc::clone(self.tenant()),
            plugin: self.id,
            name: Arc::clone(&self.name),
            digest,
            share: Arc::clone(&self.share),
            retain_deadline: manifest.retain.deadline,
            hub: Arc::clone(&self.hub),
            workers: self.workers.clone(),
            usage: Arc::clone(&self.usage),
            has_timer_handler: exports.timer_handler,
            has_worker: exports.worker,
            granted: Arc::clone(&self.granted),
            left_out: AtomicU64::new(0),
        }
    }
}

impl Plugin {
    pub(super) fn load(identity: Identity, manifest: Manifest, component: &[u8]) -> Result<Self, LoadError> {
        let version = Version::load(&identity, manifest, component)?;
        version.open_channels()?;
        let serving = Arc::new(ArcSwap::from_pointee(Serving { version: Arc::new(version), canary: None }));
        Ok(Self { identity, serving, kept: Mutex::default(), changing: tokio::sync::Mutex::new(()) })
    }

    /// Another version of it, which does not serve yet.
    pub(super) fn prepare(&self, manifest: Manifest, component: &[u8]) -> Result<Version, LoadError> {
        Version::load(&self.identity, manifest, component)
    }

    /// Lets another version serve from each connection's next event on, or as its manifest says. Events that are under way end in
    /// the one before. A canary ends: it is the one that serves now, or it was one of the version before.
    pub(super) fn swap(&self, version: Arc<Version>) {
        let before = self.serving.swap(Arc::new(Serving { version: Arc::clone(&version), canary: None }));
        if let Some(canary) = before.canary.as_ref().filter(|canary| !Arc::ptr_eq(&canary.version, &version)) {
            canary.version.take_back();
        }
        before.version.retire(version.manifest());
        let mut kept = self.kept.lock();
        kept.retain(|other| other.digest() != version.digest() && other.digest() != before.version.digest());
        if before.version.digest() != version.digest() {
            kept.push_front(Arc::clone(&before.version));
        }
        kept.truncate(KEPT);
    }

    /// Gives some connections another version. One that was on trial before is taken back.
    pub(super) fn try_out(&self, version: Arc<Version>, rules: CanaryRules) {
        let current = Arc::clone(&self.serving.load().version);
        let canary = Some(Arc::new(Canary::new(version, rules)));
        let before = self.serving.swap(Arc::new(Serving { version: current, canary }));
        if let Some(canary) = &before.canary {
            canary.version.take_back();
        }
    }

    /// Takes the canary back, if it is still this one: its connections go on with the version of the others.
    pub(super) fn take_back(&self, canary: &Arc<Canary>) -> bool {
        let serving = self.serving.load();
        if !serving.canary.as_ref().is_some_and(|it| Arc::ptr_eq(it, canary)) {
            return false;
        }
        let without = Arc::new(Serving { version: Arc::clone(&serving.version), canary: None });
        let before = self.serving.compare_and_swap(&*serving, without);
        let is_done = Arc::ptr_eq(&before, &serving);
        if is_done {
            canary.version.take_back();
        }
        is_done
    }

    /// Ends what it does beside connections: nothing serves after it. Its connections go on as long as they like.
    pub(super) fn end(&self) {
        let serving = self.serving();
        serving.version.end();
        if let Some(canary) = &serving.canary {
            self.take_back(canary);
        }
    }

    /// Takes the canary back, and the log says why.
    pub(super) fn take_back_because(&self, canary: &Arc<Canary>, why: &str) {
        if self.take_back(canary) {
            let told = TakenBack {
                tenant: self.owner().name().to_owned(),
                plugin: self.name().to_owned(),
                digest: canary.version.digest(),
                why: why.to_owned(),
                record: canary.record(),
            };
            // When nobody drains the queue, the log is what is left of it.
            let _full = self.identity.taken_back.try_send(told);
            let (tenant, plugin, version) = (self.owner().name(), self.name(), canary.version.digest());
            tracing::warn!(tenant, plugin, %version, why, "the canary was taken back");
        }
    }

    /// Gives the canary other rules. It is the same one to its connections, and what it has done so far counts on.
    ///
    /// Nothing comes of it if the canary has ended.
    pub(super) fn set_rules(&self, rules: CanaryRules) -> Option<Arc<Canary>> {
        let serving = self.serving.load();
        let changed = Arc::new(serving.canary.as_ref()?.with_rules(rules));
        let with = Arc::new(Serving { version: Arc::clone(&serving.version), canary: Some(Arc::clone(&changed)) });
        let before = self.serving.compare_and_swap(&*serving, with);
        Arc::ptr_eq(&before, &serving).then_some(changed)
    }

    /// The version that a connection gets its next event with, by the number with which its last one is labelled.
    #[must_use]
    pub fn version_of(&self, label: u32) -> Arc<Version> {
        let serving = self.serving.load();
        if let Some(canary) = serving.canary.as_ref().filter(|canary| canary.version.number() == label) {
            return Arc::clone(&canary.version);
        }
        let kept = self.kept.lock();
        let mut its = kept.iter().filter(|version| version.number() == label);
        its.find(|version| version.keeps_from(&serving.version)).unwrap_or(&serving.version).clone()
    }

    /// What its tenant has that tokens are checked with: the secret of this name, if there is to be one.
    #[must_use]
    pub fn means(&self, secret: Option<&str>) -> Means {
        let granted = self.identity.granted.now();
        Means { secret: secret.and_then(|name| granted.key(name)), trust: granted.trust().clone() }
    }

    /// What it does and has, as part of what its tenant does and has.
    #[must_use]
    pub fn usage(&self) -> &Arc<Usage> {
        &self.identity.usage
    }

    /// The version with this digest, or the latest one, of those that served before.
    #[must_use]
    pub fn kept(&self, digest: Option<Digest>) -> Option<Arc<Version>> {
        let kept = self.kept.lock();
        kept.iter().find(|version| digest.is_none_or(|digest| version.digest() == digest)).cloned()
    }

    /// Keeps a version no longer.
    pub fn forget(&self, digest: Digest) {
        self.kept.lock().retain(|version| version.digest() != digest);
    }

    /// All that served before and are kept, the latest first.
    #[must_use]
    pub fn all_kept(&self) -> Vec<Arc<Version>> {
        self.kept.lock().iter().cloned().collect()
    }

    /// What serves, for one who asks often: it is looked up again only when it has changed.
    pub(super) fn followed(&self) -> Followed {
        Followed::new(Arc::clone(&self.serving))
    }

    /// What serves now.
    #[must_use]
    pub fn serving(&self) -> Guard<Arc<Serving>> {
        self.serving.load()
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> PluginId {
        self.identity.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// Its name, to be kept without a copy.
    #[must_use]
    pub fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.identity.name)
    }

    /// The hub of its connections.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.identity.hub
    }

    /// Whose it is.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.owner().id()
    }

    /// Whose it is, and what that one may use.
    #[must_use]
    pub fn owner(&self) -> &Arc<Tenant> {
        self.identity.tenant()
    }

    /// Writes a failure of one of its versions into the plugin's log, whole.
    pub(super) fn log(&self, version: &Version, event: &str, failure: &Failure) {
        let (tenant, plugin, version) = (self.owner().name(), self.name(), version.brief());
        self.usage().count(Counter::Failures, 1);
        match failure {
            Failure::Returned(text) => {
                tracing::warn!(target: "plugin", tenant, plugin, %version, event, "returned an error: {text}");
            }
            Failure::Trapped { source, .. } => {
                tracing::error!(target: "plugin", tenant, plugin, %version, event, trap = format!("{source:?}"), "{failure}");
            }
            Failure::NotStarted(source) => {
                tracing::error!(target: "plugin", tenant, plugin, %version, event, cause = format!("{source:?}"), "{failure}");
            }
            Failure::NotExported(_) | Failure::LargeAttachment(_) => {
                tracing::error!(target: "plugin", tenant, plugin, %version, event, "{failure}");
            }
        }
    }
}

impl Serving {
    /// The version of a connection, and the canary if it is that one's.
    pub(super) fn of(
        &self,
        lot: Lot,
        is_named: impl Fn(&CanaryRules) -> Named,
    ) -> (&Arc<Version>, Option<&Arc<Canary>>) {
        match &self.canary {
            Some(canary) if canary.takes(lot, is_named(&canary.rules)) => (&canary.version, Some(canary)),
            _ => (&self.version, None),
        }
    }
}
