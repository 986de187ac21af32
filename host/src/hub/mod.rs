//! The connections, what is held of them, and the channels between plugins. It knows nothing of wasm and nothing of sockets: the
//! door reads frames in and takes frames out, or has a way out for what is told to many, the guest's imports call the verbs.

mod broadcast;
mod channel;
mod channels;
mod connection;
mod connections;
mod cron;
mod delayed;
mod drain;
mod error;
mod handles;
mod held;
mod inbox;
mod outbox;
mod outlet;
mod retention;
mod select;
mod settings;
mod snapshot;
mod timers;
mod upgrade;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use dashmap::DashMap;
use tokio::sync::mpsc;

pub use broadcast::Audience;
pub use channel::Channel;
pub use channels::Channels;
pub use connection::{CloseInfo, Connection, EventKind, Look, NextStep};
pub use delayed::{Told, Written};
pub use drain::{Drain, DrainCode, NotADrainCode};
pub use error::{BroadcastTooLarge, ChannelError, DelayedError, ReplyError, RetainError, TimerError};
pub use held::{Expiry, RetainOptions};
pub use inbox::Inbox;
pub use outbox::{Frame, Outgoing};
pub use outlet::{Outlet, Taken};
pub use select::select;
pub use settings::Settings;
pub use snapshot::{Doing, HeldSnapshot, Snapshot};
pub use timers::{Missed, Recurrence, TimerDue, TimerInfo, Timers, unix_time};
pub use upgrade::{Headers, Upgrade};

use crate::ids::{ConnectionId, NodeId, TenantId};
use crate::schedule::Schedule;
use crate::tenant::{Counter, Lease};
use connections::Connections;
use handles::Handles;
use held::Due;

/// All connections of this host and all that plugins share about them.
pub struct Hub {
    node: NodeId,
    settings: Settings,
    // Each tenant's apart: whoever looks through its connections meets nobody else's.
    connections: DashMap<TenantId, Arc<Connections>>,
    connection_count: AtomicUsize,
    handles: Handles,
    expired: AtomicUsize,
    due: Schedule<Due>,
    channels: Channels,
    timers: Timers,
    draining: AtomicBool,
    abandoning: AtomicBool,
}

impl Hub {
    /// An empty hub, and the queue in which it says which timers of plugins are due. Whoever owns the hub runs [`Hub::run`].
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub fn new(node: NodeId, settings: Settings) -> Result<(Self, mpsc::Receiver<TimerDue>), getrandom::Error> {
        // A timer that is due waits here for a plugin to take it. While the queue is full the timers wait, and catch up as their
        // policy says.
        let (timers, due_timers) = Timers::new(1024, settings.timers);
        let hub = Self {
            node,
            handles: Handles::new(node)?,
            connections: DashMap::new(),
            connection_count: AtomicUsize::new(0),
            expired: AtomicUsize::new(0),
            due: Schedule::default(),
            channels: Channels::new(settings.channels.clone()),
            timers,
            draining: AtomicBool::new(false),
            abandoning: AtomicBool::new(false),
            settings,
        };
        Ok((hub, due_timers))
    }

    /// Delivers what is due, for as long as it is polled.
    pub async fn run(&self) {
        tokio::join!(self.run_deliveries(), self.timers.run());
    }

    /// What the hub was set up with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The channels of all tenants.
    #[must_use]
    pub fn channels(&self) -> &Channels {
        &self.channels
    }

    /// The timers of all plugins.
    #[must_use]
    pub fn timers(&self) -> &Timers {
        &self.timers
    }

    /// Takes in a connection that the plugin of this name has accepted, with its tenant's leave to have it.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub fn connect(
        &self,
        lease: Lease,
        plugin: Arc<str>,
        upgrade: Upgrade,
        subprotocol: Option<String>,
        attachment: Vec<u8>,
    ) -> Result<Arc<Connection>, getrandom::Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let id = ConnectionId::new(self.node, u128::from_le_bytes(random));
        lease.tenant().usage().count(Counter::Accepted, 1);
        let connection = Arc::new(Connection::new(id, lease, plugin, upgrade, subprotocol, attachment, &self.settings));
        let others = Arc::clone(self.connections.entry(connection.tenant()).or_default().value());
        others.insert(Arc::clone(&connection));
        self.connection_count.fetch_add(1, Ordering::AcqRel);
        Ok(connection)
    }

    /// Lets go of a connection whose close event is over. A handle that is still out goes on saying `closed` until its deadline.
    pub fn disconnect(&self, connection: &Connection) {
        connection.peer_gone();
        self.bury(connection);
        let others = self.connections_of(connection.tenant());
        if others.is_some_and(|others| others.remove(connection.id())) {
            self.connection_count.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// How many connections there are.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.connection_count.load(Ordering::Acquire)
    }

    /// How many handles are out.
    #[must_use]
    pub fn held_count(&self) -> usize {
        self.handles.live()
    }

    /// Waits until no handle is out.
    pub async fn none_held(&self) {
        self.handles.none_live().await;
    }

    /// How many retentions have ended by their deadline since the start.
    #[must_use]
    pub fn expired_count(&self) -> usize {
        self.expired.load(Ordering::Relaxed)
    }

    /// From now on retentions are refused. For a host that is stopping.
    pub fn refuse_retentions(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// From now on an event that waits is given up, so that a handler which does not return holds nobody back. For a host that is
    /// stopping and has waited long enough.
    pub fn abandon_events(&self) {
        self.abandoning.store(true, Ordering::Release);
        self.for_each(|connection| connection.wake());
    }

    /// True if events that wait are to be given up.
    #[must_use]
    pub fn is_abandoning(&self) -> bool {
        self.abandoning.load(Ordering::Acquire)
    }

    /// Calls `each` with every connection.
    pub fn for_each(&self, mut each: impl FnMut(&Arc<Connection>)) {
        let all: Vec<_> = self.connections.iter().map(|of_one| Arc::clone(of_one.value())).collect();
        for part in all.iter().flat_map(|of_one| of_one.parts()) {
            part.for_each(&mut each);
        }
    }

    /// Calls `each` with every connection of a tenant.
    pub fn for_each_of(&self, tenant: TenantId, mut each: impl FnMut(&Arc<Connection>)) {
        if let Some(connections) = self.connections_of(tenant) {
            for part in connections.parts() {
                part.for_each(&mut each);
            }
        }
    }

    /// The connection of this id, if it is this tenant's.
    #[must_use]
    pub fn connection(&self, tenant: TenantId, id: ConnectionId) -> Option<Arc<Connection>> {
        self.connections_of(tenant)?.get(id)
    }

    fn connections_of(&self, tenant: TenantId) -> Option<Arc<Connections>> {
        self.connections.get(&tenant).map(|connections| Arc::clone(connections.value()))
    }
}
