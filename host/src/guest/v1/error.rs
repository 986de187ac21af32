//! The border. Every failure of an import has one of three fates, and they are decided here: the guest asked wrongly, and gets a
//! typed WIT error; the guest broke a rule, and traps; the host failed, and the guest gets `internal` while the log gets it all.

use super::bindings::holdline::websocket::{broadcast, channels, delayed, requests, timers, types};
use crate::hub;
use crate::message::{CloseFrame, InvalidCloseFrame, Message};

/// A request that is not the one of the event under way, where the WIT has no error for it: a trap.
#[derive(Debug, thiserror::Error)]
#[error("request {0} is not the one of this event")]
pub(super) struct NotThisEvent(pub(super) u64);

impl From<types::Message> for Message {
    fn from(message: types::Message) -> Self {
        match message {
            types::Message::Text(text) => Self::Text(text.into()),
            types::Message::Binary(bytes) => Self::Binary(bytes.into()),
        }
    }
}

/// The Close frame that a guest gave; none means 1000.
pub(super) fn close_frame(frame: Option<types::CloseFrame>) -> Result<CloseFrame, InvalidCloseFrame> {
    match frame {
        None => Ok(CloseFrame::NORMAL),
        Some(frame) => CloseFrame::new(frame.code, frame.reason),
    }
}

impl From<InvalidCloseFrame> for requests::RetainError {
    fn from(error: InvalidCloseFrame) -> Self {
        match error {
            InvalidCloseFrame::Code(_) => Self::InvalidCloseCode,
            InvalidCloseFrame::Reason(_) => Self::TooLarge,
        }
    }
}

impl From<InvalidCloseFrame> for requests::ReplyError {
    fn from(error: InvalidCloseFrame) -> Self {
        match error {
            InvalidCloseFrame::Code(_) => Self::InvalidCloseCode,
            InvalidCloseFrame::Reason(_) => Self::TooLarge,
        }
    }
}

impl From<InvalidCloseFrame> for delayed::DelayedError {
    fn from(error: InvalidCloseFrame) -> Self {
        match error {
            InvalidCloseFrame::Code(_) => Self::InvalidCloseCode,
            InvalidCloseFrame::Reason(_) => Self::TooLarge,
        }
    }
}

impl From<hub::RetainError> for requests::RetainError {
    fn from(error: hub::RetainError) -> Self {
        match error {
            hub::RetainError::AlreadyRetained => Self::AlreadyRetained,
            hub::RetainError::Closing => Self::Closing,
            hub::RetainError::QuotaExceeded => Self::QuotaExceeded,
            hub::RetainError::TooLarge => Self::TooLarge,
        }
    }
}

impl From<hub::ReplyError> for requests::ReplyError {
    fn from(error: hub::ReplyError) -> Self {
        match error {
            hub::ReplyError::Retained => Self::Retained,
            hub::ReplyError::Closed => Self::Closed,
            hub::ReplyError::TooLarge => Self::TooLarge,
            hub::ReplyError::Overloaded => Self::Overloaded,
        }
    }
}

impl From<hub::BroadcastTooLarge> for broadcast::BroadcastError {
    fn from(_: hub::BroadcastTooLarge) -> Self {
        Self::TooLarge
    }
}

impl From<hub::DelayedError> for delayed::DelayedError {
    fn from(error: hub::DelayedError) -> Self {
        match error {
            hub::DelayedError::InvalidHandle => Self::InvalidHandle,
            hub::DelayedError::Closed => Self::Closed,
            hub::DelayedError::TooLarge => Self::TooLarge,
            hub::DelayedError::Overloaded => Self::Overloaded,
            hub::DelayedError::InvalidDelay => Self::InvalidDelay,
            hub::DelayedError::UnknownTimer => Self::UnknownTimer,
            hub::DelayedError::QuotaExceeded => Self::QuotaExceeded,
        }
    }
}

impl From<hub::ChannelError> for channels::ChannelError {
    fn from(error: hub::ChannelError) -> Self {
        match error {
            hub::ChannelError::Full => Self::Full,
            hub::ChannelError::Timeout => Self::Timeout,
            hub::ChannelError::Closed => Self::Closed,
            hub::ChannelError::Unknown => Self::Unknown,
            hub::ChannelError::WrongCapacity => Self::WrongCapacity,
            hub::ChannelError::TooLarge => Self::TooLarge,
            hub::ChannelError::InvalidName => Self::InvalidName,
            hub::ChannelError::QuotaExceeded => Self::QuotaExceeded,
        }
    }
}

impl From<hub::TimerError> for timers::TimerError {
    fn from(error: hub::TimerError) -> Self {
        match error {
            hub::TimerError::InvalidSchedule(why) => Self::InvalidSchedule(why),
            hub::TimerError::Unknown => Self::Unknown,
            hub::TimerError::QuotaExceeded => Self::QuotaExceeded,
            hub::TimerError::Gone => Self::NoHandler,
        }
    }
}
