//! Receiving from one channel or many: whoever receives waits at all of them at once, and is filled by exactly one.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::channel::Channel;
use super::error::ChannelError;
use crate::sync::Mutex;

/// A receiver that waits on one channel or more.
pub(super) struct Receiver(Mutex<Want>);

enum Want {
    Waiting(Option<Waker>),
    Filled(usize, Bytes),
    Over,
}

impl Receiver {
    /// Hands it the item; returns the item if it has one already or waits no longer.
    pub(super) fn fill(&self, index: usize, item: Bytes) -> Option<Bytes> {
        let mut want = self.0.lock();
        let Want::Waiting(waker) = &mut *want else { return Some(item) };
        let waker = waker.take();
        *want = Want::Filled(index, item);
        if let Some(waker) = waker {
            waker.wake();
        }
        None
    }

    pub(super) fn wake(&self) {
        if let Want::Waiting(Some(waker)) = &*self.0.lock() {
            waker.wake_by_ref();
        }
    }

    /// Ends the wait and returns what came, if something did.
    fn end(&self) -> Option<(usize, Bytes)> {
        match std::mem::replace(&mut *self.0.lock(), Want::Over) {
            Want::Filled(index, item) => Some((index, item)),
            Want::Waiting(_) | Want::Over => None,
        }
    }
}

// Where the look at several channels begins moves on with every call, so that one that always has items starves no other.
static TURN: AtomicU32 = AtomicU32::new(0);

/// Where a look at this many channels begins. The turns are multiples of the golden ratio, of which only the fraction counts: they
/// are spread evenly even for one who makes every second call, or every third (Weyl, 1916).
fn turn(channels: usize) -> usize {
    const GOLDEN: u32 = 0x9E37_79B9;
    let fraction = TURN.fetch_add(GOLDEN, Ordering::Relaxed);
    let turn = (u64::from(fraction) * u64::try_from(channels).unwrap_or(u64::MAX)) >> u32::BITS;
    usize::try_from(turn).unwrap_or(0)
}

/// Takes an item from whichever channel has one first, and says which. Waits for at most this long.
///
/// # Errors
/// `Timeout`; `Closed` when all are closed and empty, as no channels at all are.
pub async fn select(channels: &[Arc<Channel>], limit: Option<Duration>) -> Result<(usize, Bytes), ChannelError> {
    let turn = if channels.len() > 1 { turn(channels.len()) } else { 0 };
    let in_turn = || channels.iter().enumerate().cycle().skip(turn).take(channels.len());
    for (index, channel) in in_turn() {
        if let Some(item) = channel.state.lock().take(channel.capacity, &channel.tenant) {
            return Ok((index, item));
        }
    }
    let waiting = WaitingReceiver { channels, receiver: Arc::new(Receiver(Mutex::new(Want::Waiting(None)))) };
    for (index, channel) in in_turn() {
        let mut state = channel.state.lock();
        // Something may have come since the first look, to this channel or through one where it already waits.
        if let Some(item) = state.take(channel.capacity, &channel.tenant) {
            if let Some(item) = waiting.receiver.fill(index, item) {
                state.give_back(item, &channel.tenant);
            }
            break;
        }
        state.receivers.push_back((Arc::clone(&waiting.receiver), index));
    }
    match limit {
        None => waiting.outcome().await,
        Some(limit) => match timeout(limit, waiting.outcome()).await {
            Ok(outcome) => outcome,
            Err(_) => waiting.receiver.end().ok_or(ChannelError::Timeout),
        },
    }
}

/// Leaves all queues when it is dropped, and gives back what it was handed but nobody looked at.
struct WaitingReceiver<'a> {
    channels: &'a [Arc<Channel>],
    receiver: Arc<Receiver>,
}

impl WaitingReceiver<'_> {
    async fn outcome(&self) -> Result<(usize, Bytes), ChannelError> {
        poll_fn(|cx| {
            if let Want::Waiting(waker) = &mut *self.receiver.0.lock() {
                *waker = Some(cx.waker().clone());
            } else if let Some(filled) = self.receiver.end() {
                return Poll::Ready(Ok(filled));
            }
            if self.channels.iter().all(|channel| channel.is_over()) {
                // An item that was handed over just before the close is still good.
                return Poll::Ready(self.receiver.end().ok_or(ChannelError::Closed));
            }
            Poll::Pending
        })
        .await
    }
}

impl Drop for WaitingReceiver<'_> {
    fn drop(&mut self) {
        let unseen = self.receiver.end();
        for channel in self.channels {
            channel.state.lock().receivers.retain(|(other, _)| !Arc::ptr_eq(other, &self.receiver));
        }
        if let Some((index, item)) = unseen
            && let Some(channel) = self.channels.get(index)
        {
            channel.state.lock().give_back(item, &channel.tenant);
        }
    }
}
