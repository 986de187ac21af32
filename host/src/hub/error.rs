//! Why the hub refuses. The cases are those of the WIT interfaces, which map them one to one.

/// Why a retention was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetainError {
    /// This event has retained before.
    #[error("this event has retained before")]
    AlreadyRetained,
    /// The connection or the host is on its way out.
    #[error("the connection is closing")]
    Closing,
    /// As many connections are held as may be.
    #[error("too many connections are held")]
    QuotaExceeded,
    /// The message of the expiry policy is over the limit.
    #[error("the expiry message is too large")]
    TooLarge,
}

/// Why a request could not be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// The event has retained the connection.
    #[error("the event has retained the connection")]
    Retained,
    /// The connection is closing or closed.
    #[error("the connection is closed")]
    Closed,
    /// The message or attachment is over its limit.
    #[error("too large")]
    TooLarge,
    /// The outbox is full.
    #[error("the outbox is full")]
    Overloaded,
}

/// Why a delivery was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DelayedError {
    /// Never given out, used, expired or another tenant's.
    #[error("invalid handle")]
    InvalidHandle,
    /// The peer has gone.
    #[error("the connection is closed")]
    Closed,
    /// The message is over the limit.
    #[error("too large")]
    TooLarge,
    /// The outbox is full.
    #[error("the outbox is full")]
    Overloaded,
    /// The delay is longer than the longest.
    #[error("the delay is too long")]
    InvalidDelay,
    /// Never set, fired, cancelled or another tenant's.
    #[error("unknown timer")]
    UnknownTimer,
    /// As many deliveries are pending as may be.
    #[error("too many deliveries are pending")]
    QuotaExceeded,
}

/// Why a channel operation did not take place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// There is no room, or nobody is receiving.
    #[error("the channel is full")]
    Full,
    /// The time was over.
    #[error("the time is over")]
    Timeout,
    /// The channel is closed; for receivers: and empty.
    #[error("the channel is closed")]
    Closed,
    /// No channel of this name is open.
    #[error("no channel of this name is open")]
    Unknown,
    /// It is open with another capacity.
    #[error("the channel is open with another capacity")]
    WrongCapacity,
    /// The item or the capacity is over its limit.
    #[error("too large")]
    TooLarge,
    /// The name cannot be a channel's.
    #[error("not a channel name")]
    InvalidName,
    /// The tenant has as many channels as it may, or as many bytes in them.
    #[error("too many channels")]
    QuotaExceeded,
}

/// Why a timer was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimerError {
    /// The schedule cannot be kept.
    #[error("{0}")]
    InvalidSchedule(String),
    /// Never set, done, cancelled or another plugin's.
    #[error("unknown timer")]
    Unknown,
    /// As many timers are pending as may be.
    #[error("too many timers are pending")]
    QuotaExceeded,
    /// The plugin was removed.
    #[error("the plugin was removed")]
    Gone,
}

/// The message of a broadcast is over the message limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too large")]
pub struct BroadcastTooLarge;
