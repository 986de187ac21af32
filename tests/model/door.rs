//! Stands in for the door: connects clients to a hub and drives the events of their connections as the task of a connection does.

use std::ops::Deref;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use holdline::hub::{
    Channel, Connection, DelayedError, EventKind, Expiry, Frame, Hub, Inbox, Look, NextStep, Outgoing, RetainOptions,
    Settings, TimerDue, Upgrade,
};
use holdline::ids::{NodeId, PluginId, TenantId};
use holdline::message::{CloseFrame, Message};
use holdline::tenant::{Limit, Limits, Tenant, TenantName};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Whose the clients are.
pub(crate) const TENANT: TenantId = TenantId(1);

/// Somebody else.
pub(crate) const NEIGHBOUR: TenantId = TenantId(2);

/// Whose the timers are.
pub(crate) const PLUGIN: PluginId = PluginId(1);

/// Another one that can have timers.
pub(crate) const OTHER: PluginId = PluginId(2);

/// Who they are, with no limits but the hub's.
pub(crate) fn tenant(id: TenantId) -> &'static Arc<Tenant> {
    static TENANTS: LazyLock<[Arc<Tenant>; 2]> = LazyLock::new(|| {
        [TENANT, NEIGHBOUR].map(|id| Tenant::new(id, TenantName::default(), Vec::new(), Limits::unlimited()))
    });
    TENANTS.iter().find(|tenant| tenant.id() == id).expect("one of the two")
}

/// A hub whose deliveries and timers run.
pub(crate) struct Host {
    hub: Arc<Hub>,
    /// The timers that are due.
    pub(crate) due: mpsc::Receiver<TimerDue>,
    running: JoinHandle<()>,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let (hub, due) = Hub::new(NodeId::default(), settings).expect("random numbers");
        let hub = Arc::new(hub);
        for plugin in [PLUGIN, OTHER] {
            hub.timers().admit(plugin);
        }
        let running = tokio::spawn({
            let hub = Arc::clone(&hub);
            async move { hub.run().await }
        });
        Self { hub, due, running }
    }

    /// The hub for a task of its own.
    pub(crate) fn share(&self) -> Arc<Hub> {
        Arc::clone(&self.hub)
    }

    pub(crate) fn client(&self) -> Client {
        self.client_of(TENANT, "/")
    }

    pub(crate) fn client_of(&self, owner: TenantId, path: &str) -> Client {
        let connection = connect(&self.hub, owner, path);
        Client {
            hub: Arc::clone(&self.hub),
            connection,
            inbox: Inbox::new(self.hub.settings(), Arc::clone(tenant(TENANT))),
        }
    }
}

impl Deref for Host {
    type Target = Hub;

    fn deref(&self) -> &Hub {
        &self.hub
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Settings with an outbox of this many bytes.
pub(crate) fn narrow(outbox: u64) -> Settings {
    let mut settings = Settings::default();
    settings.outbox_size.0 = outbox;
    settings
}

/// A connection that was accepted.
pub(crate) fn connect(hub: &Hub, owner: TenantId, path: &str) -> Arc<Connection> {
    let upgrade = Upgrade {
        path: path.into(),
        query: "colour=blue".into(),
        headers: [("x-kind", &b"test"[..])].into_iter().collect(),
        remote_address: ([192, 0, 2, 7], 50123).into(),
    };
    let lease = tenant(owner).lease(Limit::Connections).expect("no limit");
    hub.connect(lease, "test".into(), upgrade, None, b"attached".to_vec()).expect("random numbers")
}

/// A client and the task of its connection.
pub(crate) struct Client {
    hub: Arc<Hub>,
    pub(crate) connection: Arc<Connection>,
    pub(crate) inbox: Inbox,
}

impl Client {
    /// The client sends a message; it waits for its turn.
    pub(crate) fn says(&mut self, message: &'static str) {
        self.inbox.push(text(message));
    }

    /// The next message is handled, if there is one and its turn has come.
    pub(crate) fn next_event(&mut self) -> Option<Message> {
        if self.connection.next_step() != NextStep::Proceed {
            return None;
        }
        let message = self.inbox.pop()?;
        self.connection.begin_event(EventKind::Message);
        Some(message)
    }

    pub(crate) fn begin(&self, kind: EventKind) {
        self.connection.begin_event(kind);
    }

    pub(crate) fn returns(&self) {
        self.hub.finish_event(&self.connection, Ok(()));
    }

    pub(crate) fn fails(&self) {
        self.hub.finish_event(&self.connection, Err(()));
    }

    /// Holds the connection in an event of its own.
    pub(crate) fn held(&self) -> u64 {
        self.held_with(RetainOptions::default())
    }

    pub(crate) fn held_for(&self, deadline: Duration, expiry: Expiry) -> u64 {
        self.held_with(RetainOptions { deadline: Some(deadline), expiry })
    }

    fn held_with(&self, options: RetainOptions) -> u64 {
        self.begin(EventKind::Message);
        let handle = self.hub.retain(&self.connection, options).expect("a handle");
        self.returns();
        handle.get()
    }

    /// What the task of the connection does when its clock strikes.
    pub(crate) fn looks_at_the_clock(&self) {
        self.hub.expire(&self.connection);
    }

    /// The client goes away; the door has noticed.
    pub(crate) fn leaves(&self) {
        self.connection.peer_gone();
    }

    /// The close event has come and gone.
    pub(crate) fn ends(&self) {
        self.begin(EventKind::Close);
        self.hub.disconnect(&self.connection);
    }

    /// What is written to the client now, and who waits for it is told.
    pub(crate) fn reads(&self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(outgoing) = pop(&self.connection) {
            if let Some(told) = outgoing.written {
                // Whoever asked may not wait any more.
                let _nobody_waits = told.send(());
            }
            frames.push(outgoing.frame);
        }
        frames
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.connection.next_step() == NextStep::Wait
    }

    pub(crate) fn is_free(&self) -> bool {
        self.connection.next_step() == NextStep::Proceed
    }
}

pub(crate) fn text(text: &'static str) -> Message {
    Message::Text(text.into())
}

/// A message of this many bytes.
pub(crate) fn bytes(size: usize) -> Message {
    Message::Binary(vec![0; size].into())
}

/// What a client reads when these messages were sent.
pub(crate) fn frames<const N: usize>(messages: [&'static str; N]) -> Vec<Frame> {
    messages.into_iter().map(|message| Frame::Message(text(message))).collect()
}

pub(crate) fn close_frame(code: u16, reason: &'static str) -> CloseFrame {
    CloseFrame::new(code, reason).expect("a code that may be sent")
}

/// What every operation says of a handle: pushing nothing is the one that changes least.
pub(crate) fn state_of(hub: &Hub, handle: u64) -> Result<(), DelayedError> {
    hub.push(TENANT, handle, bytes(0), None)
}

/// Time passes on the paused clock, and everything that was due has been done.
pub(crate) async fn passes(time: Duration) {
    tokio::time::sleep(time).await;
    settle().await;
}

/// Every other task of a runtime with one thread runs until it waits.
pub(crate) async fn settle() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

/// What travels through a channel.
pub(crate) fn item(item: &'static str) -> Bytes {
    Bytes::from_static(item.as_bytes())
}

/// A channel of the tenant's.
pub(crate) fn channel(hub: &Hub, name: &str, capacity: u32) -> Arc<Channel> {
    hub.channels().open(tenant(TENANT), name, capacity).expect("a channel")
}

/// The next frame to write.
pub(crate) fn pop(connection: &Connection) -> Option<Outgoing> {
    let mut next = None;
    connection.look(&Context::from_waker(Waker::noop()), 1, |outgoing| next = Some(outgoing));
    next
}

/// What the task of the connection sees.
pub(crate) fn look(connection: &Connection) -> Look {
    connection.look(&Context::from_waker(Waker::noop()), 0, |_| {})
}
