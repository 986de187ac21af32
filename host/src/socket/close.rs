//! How far the end of a connection has come: who has said Close, and whether anything can still be read.

use crate::hub::CloseInfo;
use crate::message::CloseFrame;

/// The state of a connection's end.
#[derive(Debug, Default)]
pub(super) struct Ending {
    // Boxed, because most connections are not at their end.
    said: Option<Box<CloseFrame>>,
    heard: Option<Box<CloseFrame>>,
    // What the client sends cannot be understood any more.
    unreadable: bool,
    lost: bool,
}

impl Ending {
    pub(super) fn said_close(&mut self, frame: CloseFrame) {
        self.said = Some(Box::new(frame));
    }

    pub(super) fn heard_close(&mut self, frame: CloseFrame) {
        self.heard = Some(Box::new(frame));
    }

    pub(super) fn unreadable(&mut self) {
        self.unreadable = true;
    }

    pub(super) fn lost(&mut self) {
        self.lost = true;
    }

    pub(super) fn has_said_close(&self) -> bool {
        self.said.is_some()
    }

    pub(super) fn is_unreadable(&self) -> bool {
        self.unreadable
    }

    /// Nothing can be written any more.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Both sides have said all that they will: nothing is to be written but what waits.
    pub(super) fn is_complete(&self) -> bool {
        self.heard.is_some() || self.unreadable && self.said.is_some()
    }

    /// One of both sides has said Close, or nothing more comes.
    pub(super) fn has_begun(&self) -> bool {
        self.is_over() || self.has_said_close()
    }

    /// Nothing more comes from the client.
    pub(super) fn is_over(&self) -> bool {
        self.lost || self.unreadable || self.heard.is_some()
    }

    /// What the close event is told.
    pub(super) fn info(&self) -> CloseInfo {
        // A Close of the client is always answered.
        CloseInfo {
            frame: self.heard.as_deref().or(self.said.as_deref()).cloned(),
            clean: self.heard.is_some() && !self.lost,
        }
    }
}
