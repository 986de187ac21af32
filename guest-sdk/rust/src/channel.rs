//! Named queues that the plugins of one tenant share. Items are bytes, or JSON with the methods that say so.
//!
//! Those that wait are served first come, first served. A call that waits holds no thread of the host.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::imports::holdline::websocket::channels as wire;
use crate::error::typed_error;
use crate::time::millis;

/// One channel. Dropping it does not close it: it is open until somebody calls [`Channel::close`].
#[derive(Debug)]
pub struct Channel {
    channel: wire::Channel,
}

typed_error! {
    /// Why a channel operation did not take place. The channel is then as it was.
    ChannelError from wire::ChannelError {
        /// An offer found no room, or, at capacity 0, nobody receiving at that moment.
        Full: "the channel is full",
        /// The time was over before the item was taken or came.
        Timeout: "the time was over before the item was taken or came",
        /// The channel is closed; for the receiving side: closed and empty.
        Closed: "the channel is closed",
        /// No channel of this name is open.
        Unknown: "no channel of this name is open",
        /// A channel of this name is open with another capacity.
        WrongCapacity: "a channel of this name is open with another capacity",
        /// The item is over the item limit (1 MiB unless configured), or the capacity over 1,048,576.
        TooLarge: "the item or the capacity is over its limit",
        /// The name is empty, over 255 bytes, or contains a control character.
        InvalidName: "the name is empty, over 255 bytes, or contains a control character",
        /// `select` was given no channel.
        NoChannels: "there is no channel to select from",
        /// The tenant has as many channels, or as many bytes in them, as it may.
        QuotaExceeded: "the tenant has as many channels, or as many bytes in them, as it may",
        /// The host failed; its log says how.
        Internal: "the host failed; its log says how",
    } + Json
}

impl Channel {
    /// Opens the channel of this name, making it if there is none. The capacity is in items; 0 is a rendezvous: an item
    /// passes only from hand to hand.
    ///
    /// # Errors
    /// [`WrongCapacity`](ChannelError::WrongCapacity), [`InvalidName`](ChannelError::InvalidName),
    /// [`TooLarge`](ChannelError::TooLarge) for a capacity over 1,048,576,
    /// [`QuotaExceeded`](ChannelError::QuotaExceeded), and [`Closed`](ChannelError::Closed) for a name that was closed
    /// and is not drained yet.
    pub fn open(name: &str, capacity: u32) -> Result<Self, ChannelError> {
        let channel = wire::Channel::open(name, capacity)?;
        Ok(Self { channel })
    }

    /// Finds a channel that is open.
    ///
    /// # Errors
    /// [`Unknown`](ChannelError::Unknown), [`InvalidName`](ChannelError::InvalidName).
    pub fn lookup(name: &str) -> Result<Self, ChannelError> {
        let channel = wire::Channel::lookup(name)?;
        Ok(Self { channel })
    }

    /// Puts an item in, waiting without limit for room, or, at capacity 0, for a receiver.
    ///
    /// # Errors
    /// [`Closed`](ChannelError::Closed), [`TooLarge`](ChannelError::TooLarge),
    /// [`QuotaExceeded`](ChannelError::QuotaExceeded).
    pub fn send(&self, item: impl AsRef<[u8]>) -> Result<(), ChannelError> {
        Ok(self.channel.send(item.as_ref(), None)?)
    }

    /// The same, waiting for at most this long. An item that was not taken in time is taken back: nobody will receive
    /// it.
    ///
    /// # Errors
    /// Those of [`Channel::send`], and [`Timeout`](ChannelError::Timeout).
    pub fn send_timeout(&self, item: impl AsRef<[u8]>, timeout: Duration) -> Result<(), ChannelError> {
        Ok(self.channel.send(item.as_ref(), Some(millis(timeout)))?)
    }

    /// Puts an item in as JSON, waiting as [`Channel::send`] does.
    ///
    /// # Errors
    /// Those of [`Channel::send`], and [`Json`](ChannelError::Json).
    pub fn send_json(&self, item: &(impl Serialize + ?Sized)) -> Result<(), ChannelError> {
        self.send(serde_json::to_vec(item)?)
    }

    /// Puts an item in if that is possible at once.
    ///
    /// # Errors
    /// [`Full`](ChannelError::Full), [`Closed`](ChannelError::Closed), [`TooLarge`](ChannelError::TooLarge),
    /// [`QuotaExceeded`](ChannelError::QuotaExceeded).
    pub fn offer(&self, item: impl AsRef<[u8]>) -> Result<(), ChannelError> {
        Ok(self.channel.offer(item.as_ref())?)
    }

    /// Puts an item in as JSON if that is possible at once.
    ///
    /// # Errors
    /// Those of [`Channel::offer`], and [`Json`](ChannelError::Json).
    pub fn offer_json(&self, item: &(impl Serialize + ?Sized)) -> Result<(), ChannelError> {
        self.offer(serde_json::to_vec(item)?)
    }

    /// Takes the next item, waiting for it without limit.
    ///
    /// # Errors
    /// [`Closed`](ChannelError::Closed): it is closed and there is nothing left in it.
    pub fn receive(&self) -> Result<Vec<u8>, ChannelError> {
        Ok(self.channel.receive(None)?)
    }

    /// Takes the next item, waiting for it for at most this long.
    ///
    /// # Errors
    /// [`Closed`](ChannelError::Closed), [`Timeout`](ChannelError::Timeout).
    pub fn receive_timeout(&self, timeout: Duration) -> Result<Vec<u8>, ChannelError> {
        Ok(self.channel.receive(Some(millis(timeout)))?)
    }

    /// Takes the next item as JSON, waiting for it without limit.
    ///
    /// # Errors
    /// [`Closed`](ChannelError::Closed), and [`Json`](ChannelError::Json), after which the item is gone: whoever has to
    /// know more about it takes it with [`Channel::receive`].
    pub fn receive_json<T: DeserializeOwned>(&self) -> Result<T, ChannelError> {
        Ok(serde_json::from_slice(&self.receive()?)?)
    }

    /// Takes the next item as JSON, waiting for it for at most this long.
    ///
    /// # Errors
    /// [`Closed`](ChannelError::Closed), [`Timeout`](ChannelError::Timeout), and [`Json`](ChannelError::Json), after which
    /// the item is gone.
    pub fn receive_json_timeout<T: DeserializeOwned>(&self, timeout: Duration) -> Result<T, ChannelError> {
        Ok(serde_json::from_slice(&self.receive_timeout(timeout)?)?)
    }

    /// Takes the next item if there is one now.
    ///
    /// # Errors
    /// [`Closed`](ChannelError::Closed).
    pub fn poll(&self) -> Result<Option<Vec<u8>>, ChannelError> {
        Ok(self.channel.poll()?)
    }

    /// Shows the next item, if there is one now, and leaves it where it is.
    ///
    /// # Errors
    /// [`Closed`](ChannelError::Closed).
    pub fn peek(&self) -> Result<Option<Vec<u8>>, ChannelError> {
        Ok(self.channel.peek()?)
    }

    /// How many items are in it now.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.channel.len()
    }

    /// Whether no item is in it now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items it can hold; 0 is a rendezvous.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.channel.capacity()
    }

    /// Closes it for everyone: nothing more goes in, and what it holds can still be received. Closing twice is the same
    /// as once.
    pub fn close(&self) {
        self.channel.close();
    }
}

/// Receives one item from whichever of the channels has one first, and says from which: the position in the slice. When
/// several have one, each of them gets its turn. `None` waits without limit.
///
/// # Errors
/// [`Timeout`](ChannelError::Timeout); [`Closed`](ChannelError::Closed) when all of them are closed and empty;
/// [`NoChannels`](ChannelError::NoChannels).
pub fn select(channels: &[&Channel], timeout: Option<Duration>) -> Result<(usize, Vec<u8>), ChannelError> {
    let channels: Vec<_> = channels.iter().map(|channel| &channel.channel).collect();
    let (position, item) = wire::select(&channels, timeout.map(millis))?;
    Ok((position as usize, item))
}
