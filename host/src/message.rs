//! What travels on a connection: messages and Close frames, checked once where they enter. They share their bytes: a clone
//! costs no copy, so that one broadcast message is in memory once.

use std::fmt;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// One WebSocket message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
}

impl Message {
    /// The size of the payload in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// True if the payload has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// As a log shows it: the beginning of a text, and how long it is; of binary messages that alone.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 120;
        match self {
            Self::Text(text) => {
                let shown: String = text.chars().take(SHOWN).collect();
                let more = if shown.len() < text.len() { "…" } else { "" };
                write!(f, "text of {} bytes: {shown:?}{more}", text.len())
            }
            Self::Binary(bytes) => write!(f, "binary of {} bytes", bytes.len()),
        }
    }
}

/// The most bytes that the reason of a Close frame can have: a control frame carries 125, the code takes two (RFC 6455,
/// section 5.5).
pub const MAX_CLOSE_REASON: usize = 123;

/// A Close frame that an endpoint may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    code: u16,
    reason: Utf8Bytes,
}

/// Why a Close frame cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCloseFrame {
    /// The code is not one that an endpoint may send.
    #[error("close code {0} may not be sent")]
    Code(u16),
    /// The reason is longer than [`MAX_CLOSE_REASON`].
    #[error("a close reason of {0} bytes is longer than 123")]
    Reason(usize),
}

impl CloseFrame {
    /// A frame with this code (1000, 1001, 1003, 1007 to 1014, 3000 to 4999: RFC 6455, section 7.4, and the IANA registry) and this
    /// reason (at most [`MAX_CLOSE_REASON`] bytes).
    ///
    /// # Errors
    /// Says which of the two is wrong.
    pub fn new(code: u16, reason: impl Into<Utf8Bytes>) -> Result<Self, InvalidCloseFrame> {
        let reason = reason.into();
        if !matches!(code, 1000 | 1001 | 1003 | 1007..=1014 | 3000..=4999) {
            return Err(InvalidCloseFrame::Code(code));
        }
        if reason.len() > MAX_CLOSE_REASON {
            return Err(InvalidCloseFrame::Reason(reason.len()));
        }
        Ok(Self { code, reason })
    }

    /// What the peer sent, which may have a code (such as 1002) that is not for a plugin to send.
    #[must_use]
    pub fn received(code: u16, reason: Utf8Bytes) -> Self {
        Self { code, reason }
    }

    const fn bare(code: u16) -> Self {
        Self { code, reason: Utf8Bytes::from_static("") }
    }

    /// 1000: the purpose is fulfilled.
    pub const NORMAL: Self = Self::bare(1000);
    /// 1001: the host is going down.
    pub const GOING_AWAY: Self = Self::bare(1001);
    /// 1001: nothing was said for too long. Not 1000, after which a client has no reason to come again.
    pub const IDLE: Self = Self { code: 1001, reason: Utf8Bytes::from_static("idle") };
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self::bare(1002);
    /// 1007: a text message was not UTF-8.
    pub const INVALID_UTF8: Self = Self::bare(1007);
    /// 1008: the clients of this tenant send faster than they may.
    pub const TOO_FAST: Self = Self::bare(1008);
    /// 1008: the token that the client came with has expired.
    pub const EXPIRED: Self = Self { code: 1008, reason: Utf8Bytes::from_static("token expired") };
    /// 1009: a message was over the limit.
    pub const TOO_LARGE: Self = Self::bare(1009);
    /// 1011: the plugin failed.
    pub const PLUGIN_FAILED: Self = Self::bare(1011);
    /// 1012: the host goes down and comes back.
    pub const SERVICE_RESTART: Self = Self::bare(1012);
    /// 1013: the peer reads too slowly.
    pub const SLOW_CONSUMER: Self = Self::bare(1013);

    /// The close code.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The reason; empty if there is none.
    #[must_use]
    pub fn reason(&self) -> &Utf8Bytes {
        &self.reason
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_that_an_endpoint_may_send_are_taken() {
        let valid = [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999];
        let invalid = [0, 999, 1002, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX];
        for code in valid {
            assert!(CloseFrame::new(code, "").is_ok(), "{code}");
        }
        for code in invalid {
            assert_eq!(CloseFrame::new(code, ""), Err(InvalidCloseFrame::Code(code)));
        }
    }

    #[test]
    fn a_reason_fits_its_control_frame() {
        assert!(CloseFrame::new(1000, "x".repeat(123)).is_ok());
        assert_eq!(CloseFrame::new(1000, "x".repeat(124)), Err(InvalidCloseFrame::Reason(124)));
    }
}
