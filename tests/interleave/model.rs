//! What a connection with one handle does when one step comes after the other: the contract, without locks and tables.

use std::collections::VecDeque;

use crate::history::Sequential;
use crate::hub::{DelayedError, Expiry, Frame};
use crate::message::{CloseFrame, Message};

/// What can happen to a connection whose handle is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    // By whoever has the handle.
    Send(&'static str),
    Push(&'static str),
    Release,
    Close,
    Extend,
    // By whoever has the connection.
    CloseFromOutside,
    PeerGone,
    // By the task of the connection alone.
    Return,
    Fail,
    Expire,
    Write,
    Disconnect,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Handle(Result<(), DelayedError>),
    Written(Option<Frame>),
}

/// The event that has retained is still under way.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// The handle is unused.
    pub(crate) held: bool,
    /// What the handle says when nothing is held.
    gone: DelayedError,
    /// The deadline has passed.
    overdue: bool,
    expiry: Expiry,
    pub(crate) expired: usize,
    event: bool,
    closing: bool,
    peer_gone: bool,
    pub(crate) outbox: VecDeque<Frame>,
}

impl Model {
    pub(crate) fn held(overdue: bool, expiry: Expiry) -> Self {
        Self {
            held: true,
            gone: DelayedError::InvalidHandle,
            overdue,
            expiry,
            expired: 0,
            event: true,
            closing: false,
            peer_gone: false,
            outbox: VecDeque::new(),
        }
    }

    fn is_open(&self) -> bool {
        !self.closing && !self.peer_gone
    }

    /// What the handle says.
    pub(crate) fn state(&self) -> Result<(), DelayedError> {
        match self.held {
            true if self.is_open() => Ok(()),
            true if !self.overdue => Err(DelayedError::Closed),
            true => Err(DelayedError::InvalidHandle),
            false => Err(self.gone),
        }
    }

    fn close(&mut self, frame: CloseFrame) {
        if self.is_open() {
            self.outbox.push_back(Frame::Close(frame));
        }
        self.closing = true;
    }

    fn say(&mut self, text: &'static str) {
        self.outbox.push_back(Frame::Message(Message::Text(text.into())));
    }

    fn use_handle(&mut self, step: Step) -> Result<(), DelayedError> {
        self.state()?;
        match step {
            Step::Send(text) | Step::Push(text) => self.say(text),
            Step::Close => self.close(CloseFrame::NORMAL),
            Step::Extend => self.overdue = false,
            _ => {}
        }
        self.held = matches!(step, Step::Push(_) | Step::Extend);
        Ok(())
    }

    fn expire(&mut self) {
        if !self.held || !self.overdue || self.event || !self.is_open() {
            return;
        }
        self.held = false;
        self.expired += 1;
        match self.expiry.clone() {
            Expiry::Resume => {}
            Expiry::Close(frame) => self.close(frame),
            Expiry::Send(message) => self.outbox.push_back(Frame::Message(message)),
        }
    }
}

impl Sequential for Model {
    type Step = Step;
    type Outcome = Outcome;

    fn apply(&mut self, step: Step) -> Outcome {
        match step {
            Step::Send(_) | Step::Push(_) | Step::Release | Step::Close | Step::Extend => {
                return Outcome::Handle(self.use_handle(step));
            }
            Step::Write => return Outcome::Written(self.outbox.pop_front()),
            Step::CloseFromOutside => self.close(CloseFrame::GOING_AWAY),
            Step::Return => self.event = false,
            Step::Fail => {
                self.event = false;
                self.close(CloseFrame::PLUGIN_FAILED);
                self.held = false;
            }
            Step::Expire => self.expire(),
            Step::PeerGone | Step::Disconnect => {
                self.peer_gone = true;
                self.outbox.clear();
                if step == Step::Disconnect && self.held {
                    self.held = false;
                    self.gone = if self.overdue { DelayedError::InvalidHandle } else { DelayedError::Closed };
                }
            }
        }
        Outcome::Done
    }
}
