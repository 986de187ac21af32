//! One connection as everyone but its socket sees it: who it is, whether it is being handled or held, what goes out. The task at
//! the door drives it (`begin_event`, `finish_event`, `pop`); guests act on it through the hub's verbs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Waker};

use tokio::time::Instant;

use super::error::ReplyError;
use super::held::Retention;
use super::outbox::{Outbox, Outgoing, Overloaded};
use super::outlet::Outlet;
use super::settings::{self, Settings};
use super::snapshot;
use super::upgrade::Upgrade;
use crate::ids::{ConnectionId, TenantId};
use crate::message::{CloseFrame, Message};
use crate::sync::{Mutex, MutexGuard};
use crate::tenant::{Lease, Tenant};

/// Which of its events a connection is handling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// It was opened.
    Open,
    /// A message came.
    Message,
    /// It has ended.
    Close,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseInfo {
    /// The Close frame of the peer, else the host's, if there was one.
    pub frame: Option<CloseFrame>,
    /// Both sides have said Close.
    pub clean: bool,
}

/// What the task of a connection may do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Handle the next message.
    Proceed,
    /// Wait: the connection is held.
    Wait,
    /// Finish the close handshake; messages that waited are not for anyone any more.
    Close,
}

/// One accepted WebSocket.
pub struct Connection {
    id: ConnectionId,
    lease: Lease,
    plugin: Arc<str>,
    upgrade: Upgrade,
    subprotocol: Option<Box<str>>,
    message_size: usize,
    attachment_size: usize,
    // What whoever handles its events has put here, for those who ask about it.
    label: AtomicU32,
    // In seconds since 1970: who asks wants no more, and every connection pays for it.
    pub(super) opened: u32,
    // How long the client took to answer the last ping, in microseconds; 0 before the first answer.
    pub(super) round_trip: AtomicU32,
    // Messages that wait in the inbox, which its task owns.
    pub(super) waiting: AtomicU32,
    // The task has frames that it has taken and not written. It is set under the lock of the state.
    pub(super) has_frames: AtomicBool,
    pub(super) state: Mutex<State>,
}

/// What the task of a connection sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// What it may do next.
    pub step: NextStep,
    /// No frame waits to be taken.
    pub is_drained: bool,
    /// When the retention expires, if the connection is held and no timer has the handle. It does not expire while the event lasts
    /// that began it.
    pub deadline: Option<Instant>,
}

pub(super) struct State {
    pub(super) event: Option<EventKind>,
    // Whether the event under way has retained, used since then or not.
    retained: bool,
    pub(super) retention: Option<Box<Retention>>,
    // The host has said Close, or will as soon as the outbox is written.
    closing: bool,
    // The peer has gone; what it sent before is still handled.
    peer_gone: bool,
    pub(super) outbox: Outbox,
    pub(super) attachment: Vec<u8>,
    // The task of the connection, while it waits for a change that comes from outside its own events.
    pub(super) task: Option<Waker>,
    // The way out past the task.
    pub(super) outlet: Option<Arc<dyn Outlet>>,
}

impl Connection {
    pub(super) fn new(
        id: ConnectionId,
        lease: Lease,
        plugin: Arc<str>,
        upgrade: Upgrade,
        subprotocol: Option<String>,
        attachment: Vec<u8>,
        limits: &Settings,
    ) -> Self {
        let outbox = Outbox::new(settings::bytes(limits.outbox_size), Arc::clone(lease.tenant()));
        Self {
            id,
            lease,
            plugin,
            upgrade,
            subprotocol: subprotocol.map(String::into_boxed_str),
            message_size: limits.message_bytes(),
            attachment_size: settings::bytes(limits.attachment_size),
            label: AtomicU32::new(0),
            opened: snapshot::seconds_now(),
            round_trip: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            has_frames: AtomicBool::new(false),
            state: Mutex::new(State {
                event: None,
                retained: false,
                retention: None,
                closing: false,
                peer_gone: false,
                outbox,
                attachment,
                task: None,
                outlet: None,
            }),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// Whose it is.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.owner().id()
    }

    /// Whose it is, and what that one may use.
    #[must_use]
    pub fn owner(&self) -> &Arc<Tenant> {
        self.lease.tenant()
    }

    /// Puts a number here, for those who ask about the connection: the hub does not know what it means.
    pub fn label(&self, label: u32) {
        self.label.store(label, Ordering::Relaxed);
    }

    /// The number that was put here last, or 0.
    #[must_use]
    pub fn labelled(&self) -> u32 {
        self.label.load(Ordering::Relaxed)
    }

    /// The name of the plugin that handles it.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    /// The HTTP request that asked for it.
    #[must_use]
    pub fn upgrade(&self) -> &Upgrade {
        &self.upgrade
    }

    /// The subprotocol that was agreed on.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// The plugin's own bytes.
    #[must_use]
    pub fn attachment(&self) -> Vec<u8> {
        self.state.lock().attachment.clone()
    }

    /// Replaces the plugin's own bytes.
    ///
    /// # Errors
    /// `TooLarge` over the limit.
    pub fn set_attachment(&self, bytes: Vec<u8>) -> Result<(), ReplyError> {
        if bytes.len() > self.attachment_size {
            return Err(ReplyError::TooLarge);
        }
        self.state.lock().attachment = bytes;
        Ok(())
    }

    /// Answers in the event under way. The task of the connection looks at the outbox after each step of its event, so this wakes
    /// nobody.
    ///
    /// # Errors
    /// `Retained`, `Closed`, `TooLarge`, `Overloaded`.
    pub fn reply(&self, message: Message) -> Result<(), ReplyError> {
        if message.len() > self.message_size {
            return Err(ReplyError::TooLarge);
        }
        let mut state = self.state.lock();
        state.check_reply()?;
        state.outbox.push(message, None).map_err(|Overloaded| ReplyError::Overloaded)
    }

    /// Closes the connection in the event under way.
    ///
    /// # Errors
    /// `Retained`, `Closed`.
    pub fn reply_close(&self, frame: CloseFrame) -> Result<(), ReplyError> {
        let mut state = self.state.lock();
        state.check_reply()?;
        state.close(frame);
        Ok(())
    }

    /// Closes the connection from outside of its events. A handle that is out becomes `closed`.
    pub fn close(&self, frame: CloseFrame) {
        let mut state = self.state.lock();
        state.close(frame);
        wake(state);
    }

    /// Closes the connection and forgets the messages that wait to be written: the peer does not take them.
    pub fn abort(&self, frame: CloseFrame) {
        let mut state = self.state.lock();
        state.outbox.clear_messages();
        state.close(frame);
        wake(state);
    }

    /// An event begins. Until it is finished no other one may.
    pub fn begin_event(&self, kind: EventKind) {
        let mut state = self.state.lock();
        state.event = Some(kind);
        state.retained = false;
        if kind == EventKind::Close {
            state.closing = true;
        }
    }

    /// What the task of the connection may do between two events.
    #[must_use]
    pub fn next_step(&self) -> NextStep {
        self.state.lock().next_step()
    }

    /// The peer has gone: nothing more can be sent, and a handle that is out is `closed` from now on.
    pub fn peer_gone(&self) {
        let mut state = self.state.lock();
        state.peer_gone = true;
        state.outbox.clear();
    }

    /// True once the host has said Close or will as soon as the outbox is written.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.state.lock().closing
    }

    /// True while the connection is held, its handle unused.
    #[must_use]
    pub fn is_held(&self) -> bool {
        let state = self.state.lock();
        state.is_open() && state.retention.is_some()
    }

    /// True if nothing goes on: no event lasts, nothing holds it, and it is not at its end.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let state = self.state.lock();
        state.is_open() && state.event.is_none() && state.retention.is_none()
    }

    /// Takes frames out to be written, in order, until they have this many bytes or none is left, and tells what there is to do
    /// after that. The task that asks is woken by the next change from outside its own events. When it has written what it has taken it
    /// says so, with [`Connection::has_written`].
    pub fn look(&self, cx: &Context<'_>, room: usize, mut each: impl FnMut(Outgoing)) -> Look {
        let mut state = self.state.lock();
        let mut taken = 0;
        while taken < room
            && let Some(outgoing) = state.outbox.pop()
        {
            taken = taken.saturating_add(outgoing.size());
            each(outgoing);
        }
        if taken > 0 {
            self.has_frames.store(true, Ordering::Relaxed);
        }
        state.outbox.settle();
        match &mut state.task {
            Some(task) => task.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        let deadline = state.retention.as_deref().filter(|_| state.may_expire()).map(|retention| retention.deadline);
        Look { step: state.next_step(), is_drained: state.outbox.is_empty(), deadline }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(super) fn wake(&self) {
        wake(self.state.lock());
    }

    pub(super) fn message_size(&self) -> usize {
        self.message_size
    }
}

/// Wakes the task of the connection after the lock is free: it may run at once, and looks.
pub(super) fn wake(mut state: MutexGuard<'_, State>) {
    let task = state.task.take();
    drop(state);
    if let Some(task) = task {
        task.wake();
    }
}

impl State {
    pub(super) fn next_step(&self) -> NextStep {
        if self.closing {
            NextStep::Close
        } else if self.peer_gone || self.retention.is_none() {
            NextStep::Proceed
        } else {
            NextStep::Wait
        }
    }

    /// The event under way has returned.
    pub(super) fn finish_event(&mut self) {
        self.event = None;
    }

    pub(super) fn is_open(&self) -> bool {
        !self.closing && !self.peer_gone
    }

    pub(super) fn may_retain(&self) -> bool {
        self.is_open() && matches!(self.event, Some(EventKind::Open | EventKind::Message))
    }

    pub(super) fn has_retained(&self) -> bool {
        self.retained
    }

    pub(super) fn retain(&mut self, retention: Retention) {
        self.retained = true;
        self.retention = Some(Box::new(retention));
    }

    fn check_reply(&self) -> Result<(), ReplyError> {
        if self.retained {
            Err(ReplyError::Retained)
        } else if !self.is_open() {
            Err(ReplyError::Closed)
        } else {
            Ok(())
        }
    }

    /// The event is over, and no timer has the handle.
    pub(super) fn may_expire(&self) -> bool {
        self.is_open() && self.event.is_none() && self.retention.as_ref().is_some_and(|held| held.delivery.is_none())
    }

    /// The Close frame follows what the outbox already has. Only the first one counts. If the peer has gone nobody is told, but what
    /// it sent before is no longer handled.
    pub(super) fn close(&mut self, frame: CloseFrame) {
        if self.is_open() {
            self.outbox.push_close(frame);
        }
        self.closing = true;
    }
}
