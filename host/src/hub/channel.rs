//! One named queue between plugins. Items pass from hand to hand where somebody waits: that keeps first come, first served, and
//! makes a timeout exact, because whoever waits is filled, taken or withdrawn under one lock.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::error::ChannelError;
use super::select::{Receiver, select};
use crate::sync::Mutex;
use crate::tenant::{Lease, Limit, Tenant};

/// A queue of byte strings with a capacity; 0 is a rendezvous.
pub struct Channel {
    pub(super) capacity: usize,
    item_size: usize,
    pub(super) tenant: Arc<Tenant>,
    // Taken before the lock of anyone who waits, never after.
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    // What is here is counted for the tenant for as long as it is.
    items: VecDeque<(Bytes, Lease)>,
    senders: VecDeque<Arc<Sender>>,
    // With each of them, which of its channels this one is.
    pub(super) receivers: VecDeque<(Arc<Receiver>, usize)>,
    closed: bool,
}

/// An item that lies in a channel, and what it costs its tenant.
fn counted(item: Bytes, tenant: &Arc<Tenant>) -> (Bytes, Lease) {
    let size = u32::try_from(item.len()).unwrap_or(u32::MAX);
    let lease = tenant.lease_anyway(Limit::ChannelBytes, size);
    (item, lease)
}

/// A sender that waits for room, or for a receiver.
struct Sender(Mutex<Offer>);

enum Offer {
    Waiting(Bytes, Option<Waker>),
    Taken,
    Refused,
}

impl Channel {
    pub(super) fn new(capacity: usize, item_size: usize, tenant: Arc<Tenant>) -> Self {
        Self { capacity, item_size, tenant, state: Mutex::default() }
    }

    /// How many items it can hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many bytes the items have that it holds.
    #[must_use]
    pub fn size(&self) -> usize {
        self.state.lock().items.iter().map(|(item, _)| item.len()).sum()
    }

    /// How many items it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.lock().items.len()
    }

    /// True if it holds no item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True if it is closed and nothing is left in it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let state = self.state.lock();
        state.closed && state.items.is_empty()
    }

    /// True if nothing more goes in.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Puts an item in if that is possible at once.
    ///
    /// # Errors
    /// `Full`, `Closed`, `TooLarge`, `QuotaExceeded`.
    pub fn offer(&self, item: Bytes) -> Result<(), ChannelError> {
        self.check_size(&item)?;
        match self.state.lock().put(item, self.capacity, &self.tenant)? {
            None => Ok(()),
            Some(_no_room) => Err(ChannelError::Full),
        }
    }

    /// Puts an item in, waiting for room or a receiver for at most this long. A send that timed out has been taken back.
    ///
    /// # Errors
    /// `Timeout`, `Closed`, `TooLarge`, `QuotaExceeded`.
    pub async fn send(&self, item: Bytes, limit: Option<Duration>) -> Result<(), ChannelError> {
        self.check_size(&item)?;
        let sender = {
            let mut state = self.state.lock();
            let Some(item) = state.put(item, self.capacity, &self.tenant)? else { return Ok(()) };
            let sender = Arc::new(Sender(Mutex::new(Offer::Waiting(item, None))));
            state.senders.push_back(Arc::clone(&sender));
            sender
        };
        let waiting = WaitingSender { channel: self, sender };
        match limit {
            None => waiting.outcome().await,
            Some(limit) => match timeout(limit, waiting.outcome()).await {
                Ok(outcome) => outcome,
                Err(_) => waiting.withdraw(),
            },
        }
    }

    /// Takes the next item, waiting for at most this long.
    ///
    /// # Errors
    /// `Timeout`, `Closed`.
    pub async fn receive(self: &Arc<Self>, limit: Option<Duration>) -> Result<Bytes, ChannelError> {
        select(std::slice::from_ref(self), limit).await.map(|(_, item)| item)
    }

    /// Takes the next item if there is one.
    ///
    /// # Errors
    /// `Closed`.
    pub fn poll(&self) -> Result<Option<Bytes>, ChannelError> {
        let mut state = self.state.lock();
        match state.take(self.capacity, &self.tenant) {
            None if state.closed => Err(ChannelError::Closed),
            item => Ok(item),
        }
    }

    /// The next item, left where it is.
    ///
    /// # Errors
    /// `Closed`.
    pub fn peek(&self) -> Result<Option<Bytes>, ChannelError> {
        let state = self.state.lock();
        let next = state
            .items
            .front()
            .map(|(item, _)| item.clone())
            .or_else(|| state.senders.iter().find_map(|sender| sender.shown()));
        match next {
            None if state.closed => Err(ChannelError::Closed),
            item => Ok(item),
        }
    }

    /// Nothing more goes in; what it holds can still be received. Senders that wait are refused.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        for sender in state.senders.drain(..) {
            sender.settle(Offer::Refused);
        }
        // They look again, and find that all their channels are over or that another one is not.
        for (receiver, _) in &state.receivers {
            receiver.wake();
        }
    }

    fn check_size(&self, item: &Bytes) -> Result<(), ChannelError> {
        if item.len() > self.item_size { Err(ChannelError::TooLarge) } else { Ok(()) }
    }
}

impl State {
    /// Gives the item to a receiver that waits, or puts it in if there is room. Else it comes back.
    fn put(&mut self, item: Bytes, capacity: usize, tenant: &Arc<Tenant>) -> Result<Option<Bytes>, ChannelError> {
        if self.closed {
            return Err(ChannelError::Closed);
        }
        match self.hand_over(item) {
            None => Ok(None),
            // Those who wait for room were here first.
            Some(item) if self.items.len() < capacity && self.senders.is_empty() => {
                if !tenant.has_room(Limit::ChannelBytes, item.len()) {
                    tenant.refuse(Limit::ChannelBytes);
                    return Err(ChannelError::QuotaExceeded);
                }
                self.items.push_back(counted(item, tenant));
                Ok(None)
            }
            Some(item) => Ok(Some(item)),
        }
    }

    fn hand_over(&mut self, mut item: Bytes) -> Option<Bytes> {
        while let Some((receiver, index)) = self.receivers.pop_front() {
            match receiver.fill(index, item) {
                None => return None,
                Some(refused) => item = refused,
            }
        }
        Some(item)
    }

    /// Gives an item back that its receiver did not look at: it is the next one again, even where that is one more than fit in.
    pub(super) fn give_back(&mut self, item: Bytes, tenant: &Arc<Tenant>) {
        if let Some(item) = self.hand_over(item) {
            self.items.push_front(counted(item, tenant));
        }
    }

    /// Takes the next item; the first sender that waits takes the place that became free, if one did.
    pub(super) fn take(&mut self, capacity: usize, tenant: &Arc<Tenant>) -> Option<Bytes> {
        let first = self.items.pop_front().map(|(item, _)| item);
        if first.is_some() && self.items.len() >= capacity {
            return first;
        }
        while let Some(sender) = self.senders.pop_front() {
            if let Some(item) = sender.settle(Offer::Taken) {
                if first.is_none() {
                    return Some(item);
                }
                self.items.push_back(counted(item, tenant));
                break;
            }
        }
        first
    }
}

impl Sender {
    /// Ends the wait and returns the item, unless it was over.
    fn settle(&self, outcome: Offer) -> Option<Bytes> {
        let mut offer = self.0.lock();
        if !matches!(*offer, Offer::Waiting(..)) {
            return None;
        }
        let Offer::Waiting(item, waker) = std::mem::replace(&mut *offer, outcome) else { return None };
        if let Some(waker) = waker {
            waker.wake();
        }
        Some(item)
    }

    fn shown(&self) -> Option<Bytes> {
        match &*self.0.lock() {
            Offer::Waiting(item, _) => Some(item.clone()),
            _ => None,
        }
    }
}

/// Withdraws the offer when it is dropped, so that a plugin that was ended leaves no item behind.
struct WaitingSender<'a> {
    channel: &'a Channel,
    sender: Arc<Sender>,
}

impl WaitingSender<'_> {
    async fn outcome(&self) -> Result<(), ChannelError> {
        poll_fn(|cx| match &mut *self.sender.0.lock() {
            Offer::Waiting(_, waker) => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
            Offer::Taken => Poll::Ready(Ok(())),
            Offer::Refused => Poll::Ready(Err(ChannelError::Closed)),
        })
        .await
    }

    /// The time is over. The item may have been taken in the same moment; then the send has succeeded.
    fn withdraw(&self) -> Result<(), ChannelError> {
        let _order = self.channel.state.lock();
        let mut offer = self.sender.0.lock();
        match &*offer {
            Offer::Taken => Ok(()),
            Offer::Refused => Err(ChannelError::Closed),
            Offer::Waiting(..) => {
                *offer = Offer::Refused;
                Err(ChannelError::Timeout)
            }
        }
    }
}

impl Drop for WaitingSender<'_> {
    fn drop(&mut self) {
        let mut state = self.channel.state.lock();
        if !matches!(*self.sender.0.lock(), Offer::Taken) {
            state.senders.retain(|other| !Arc::ptr_eq(other, &self.sender));
        }
    }
}
