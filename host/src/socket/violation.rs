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
    #[error("a message has more fragments than it may")]
    TooManyFragments,
    #[error("a message that was compressed cannot be inflated")]
    NotDeflate,
}

impl Violation {
    /// What the client is told.
    pub(super) fn frame(self) -> CloseFrame {
        match self {
            Self::Protocol(_) => CloseFrame::PROTOCOL_ERROR,
            // What is in it is not what the frame says it is (RFC 6455, section 7.4.1).
            Self::InvalidUtf8 | Self::NotDeflate => CloseFrame::INVALID_UTF8,
            Self::TooLarge | Self::TooManyFragments => CloseFrame::TOO_LARGE,
        }
    }
}
