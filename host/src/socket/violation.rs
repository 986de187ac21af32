//! What a client can do wrong on a WebSocket, and the Close frame that tells it.

use crate::message::CloseFrame;

/// How a client broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Violation {
    #[error("{0}")]
    Protocol(&'static str),
    #[error("a text is not UTF-8")]
    InvalidUtf8,
    #[error("a message is over the limit")]
    TooLarge,
}

impl Violation {
    /// What the client is told.
    pub(super) fn frame(self) -> CloseFrame {
        match self {
            Self::Protocol(_) => CloseFrame::PROTOCOL_ERROR,
            Self::InvalidUtf8 => CloseFrame::INVALID_UTF8,
            Self::TooLarge => CloseFrame::TOO_LARGE,
        }
    }
}
