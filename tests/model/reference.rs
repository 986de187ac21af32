//! The model: one connection and the handles of its retentions, with nothing but plain fields. It shares no code with the hub,
//! only its words. Times are milliseconds since the start; handles, deliveries and receipts are counted from 0.

use std::collections::{HashMap, VecDeque};

use holdline::hub::{BroadcastTooLarge, DelayedError, EventKind, NextStep, ReplyError, RetainError};

use crate::steps::{Policy, Whose};

pub(crate) const MESSAGE_LIMIT: usize = 40;
pub(crate) const OUTBOX_LIMIT: usize = 100;
pub(crate) const DEADLINE: u64 = 50;
pub(crate) const MAXIMUM: u64 = 120;
pub(crate) const LONGEST_DELAY: u64 = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Message(Vec<u8>),
    Close(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receipt {
    Waiting,
    Written,
    Lost,
}

struct Hold {
    handle: usize,
    deadline: u64,
    policy: Policy,
    timer: Option<Timer>,
}

struct Timer {
    delivery: usize,
    since: u64,
    due: u64,
    message: Vec<u8>,
}

#[derive(Default)]
pub(crate) struct Reference {
    pub(crate) now: u64,
    pub(crate) event: Option<EventKind>,
    pub(crate) closing: bool,
    pub(crate) peer_gone: bool,
    pub(crate) ended: bool,
    pub(crate) draining: bool,
    pub(crate) expired: usize,
    pub(crate) receipts: Vec<Receipt>,
    pub(crate) deliveries: usize,
    handles: usize,
    retained: bool,
    hold: Option<Hold>,
    outbox: VecDeque<(Sent, Option<usize>)>,
    // Handles of a connection that has ended, and until when they say so.
    closed: HashMap<usize, u64>,
}

impl Reference {
    fn is_open(&self) -> bool {
        !self.closing && !self.peer_gone
    }

    pub(crate) fn is_held(&self) -> bool {
        self.is_open() && self.hold.is_some()
    }

    pub(crate) fn held_count(&self) -> usize {
        usize::from(self.hold.is_some())
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.outbox.is_empty()
    }

    pub(crate) fn deadline(&self) -> Option<u64> {
        let hold = self.hold.as_ref()?;
        (self.is_open() && self.event.is_none() && hold.timer.is_none()).then_some(hold.deadline)
    }

    pub(crate) fn next_step(&self) -> NextStep {
        match (self.closing, self.peer_gone, &self.hold) {
            (true, _, _) => NextStep::Close,
            (false, true, _) => NextStep::Proceed,
            (false, false, Some(_)) => NextStep::Wait,
            (false, false, None) => NextStep::Proceed,
        }
    }

    /// When something happens by itself next.
    pub(crate) fn next_due(&self) -> Option<u64> {
        let delivery = self.hold.as_ref().and_then(|hold| hold.timer.as_ref()).map(|timer| timer.due);
        let closed = self.closed.values().copied();
        self.deadline().into_iter().chain(delivery).chain(closed).filter(|due| *due > self.now).min()
    }

    /// Time has come to this point, and nothing was due in between.
    pub(crate) fn reaches(&mut self, now: u64) {
        self.now = now;
        self.closed.retain(|_, until| *until > now);
        if self.deadline().is_some_and(|deadline| deadline <= now)
            && let Some(hold) = self.hold.take()
        {
            self.expired += 1;
            match hold.policy {
                Policy::Resume => {}
                Policy::Close(code) => self.close_connection(code),
                Policy::Send(message) => self.outbox.push_back((Sent::Message(message), None)),
            }
        }
        if self.hold.as_ref().is_some_and(|hold| hold.timer.as_ref().is_some_and(|timer| timer.due <= now))
            && let Some(timer) = self.hold.take().and_then(|hold| hold.timer)
            && self.is_open()
        {
            self.outbox.push_back((Sent::Message(timer.message), None));
        }
    }

    pub(crate) fn begin(&mut self, event: EventKind) {
        self.event = Some(event);
        self.retained = false;
        self.closing |= event == EventKind::Close;
    }

    pub(crate) fn finish(&mut self, outcome: Result<(), ()>) {
        self.event = None;
        if outcome.is_err() {
            self.close_connection(1011);
            if self.retained {
                self.hold = None;
            }
        }
    }

    pub(crate) fn peer_goes(&mut self) {
        self.peer_gone = true;
        for (_, receipt) in std::mem::take(&mut self.outbox) {
            self.settle(receipt, Receipt::Lost);
        }
    }

    pub(crate) fn end(&mut self) {
        self.peer_goes();
        self.event = None;
        self.ended = true;
        if let Some(hold) = self.hold.take()
            && hold.timer.is_none()
            && hold.deadline > self.now
        {
            self.closed.insert(hold.handle, hold.deadline);
        }
    }

    pub(crate) fn retain(&mut self, deadline: Option<u64>, policy: Policy) -> Result<usize, RetainError> {
        let too_large = matches!(&policy, Policy::Send(message) if message.len() > MESSAGE_LIMIT);
        let may = matches!(self.event, Some(EventKind::Open | EventKind::Message)) && self.is_open() && !self.draining;
        if too_large {
            return Err(RetainError::TooLarge);
        }
        if self.retained {
            return Err(RetainError::AlreadyRetained);
        }
        if !may {
            return Err(RetainError::Closing);
        }
        let deadline = self.now + deadline.unwrap_or(DEADLINE).min(MAXIMUM);
        self.retained = true;
        self.hold = Some(Hold { handle: self.handles, deadline, policy, timer: None });
        self.handles += 1;
        Ok(self.handles - 1)
    }

    pub(crate) fn reply(&mut self, message: Vec<u8>) -> Result<(), ReplyError> {
        if message.len() > MESSAGE_LIMIT {
            return Err(ReplyError::TooLarge);
        }
        self.may_answer()?;
        if !self.fits(&message) {
            return Err(ReplyError::Overloaded);
        }
        self.outbox.push_back((Sent::Message(message), None));
        Ok(())
    }

    pub(crate) fn reply_close(&mut self, code: u16) -> Result<(), ReplyError> {
        self.may_answer()?;
        self.close_connection(code);
        Ok(())
    }

    fn may_answer(&self) -> Result<(), ReplyError> {
        if self.retained {
            Err(ReplyError::Retained)
        } else if self.is_open() {
            Ok(())
        } else {
            Err(ReplyError::Closed)
        }
    }

    pub(crate) fn close_connection(&mut self, code: u16) {
        if self.is_open() {
            self.outbox.push_back((Sent::Close(code), None));
        }
        self.closing = true;
    }

    pub(crate) fn abort(&mut self, code: u16) {
        for (sent, receipt) in std::mem::take(&mut self.outbox) {
            match sent {
                Sent::Close(_) => self.outbox.push_back((sent, receipt)),
                Sent::Message(_) => self.settle(receipt, Receipt::Lost),
            }
        }
        self.close_connection(code);
    }

    pub(crate) fn broadcast(&mut self, message: Vec<u8>) -> Result<u32, BroadcastTooLarge> {
        if message.len() > MESSAGE_LIMIT {
            return Err(BroadcastTooLarge);
        }
        let takes = self.is_open() && self.fits(&message);
        if takes {
            self.outbox.push_back((Sent::Message(message), None));
        }
        Ok(u32::from(takes))
    }

    pub(crate) fn pop(&mut self) -> Option<Sent> {
        let (sent, receipt) = self.outbox.pop_front()?;
        self.settle(receipt, Receipt::Written);
        Some(sent)
    }

    /// A new receipt, for the next send that is asked for one.
    pub(crate) fn receipt(&mut self) -> usize {
        self.receipts.push(Receipt::Waiting);
        self.receipts.len() - 1
    }

    pub(crate) fn push(&mut self, whose: Whose, message: Vec<u8>, receipt: Option<usize>) -> Result<(), DelayedError> {
        let fits = self.fits(&message);
        let refused = match self.usable(whose) {
            Err(error) => error,
            Ok(_) if message.len() > MESSAGE_LIMIT => DelayedError::TooLarge,
            Ok(_) if !fits => DelayedError::Overloaded,
            Ok(_) => {
                self.outbox.push_back((Sent::Message(message), receipt));
                return Ok(());
            }
        };
        self.settle(receipt, Receipt::Lost);
        Err(refused)
    }

    pub(crate) fn send(&mut self, whose: Whose, message: Vec<u8>, receipt: Option<usize>) -> Result<(), DelayedError> {
        self.push(whose, message, receipt)?;
        self.hold = None;
        Ok(())
    }

    pub(crate) fn close(&mut self, whose: Whose, code: u16) -> Result<(), DelayedError> {
        self.release(whose)?;
        self.close_connection(code);
        Ok(())
    }

    pub(crate) fn release(&mut self, whose: Whose) -> Result<(), DelayedError> {
        self.usable(whose)?;
        self.hold = None;
        Ok(())
    }

    pub(crate) fn extend(&mut self, whose: Whose, deadline: u64) -> Result<(), DelayedError> {
        let now = self.now;
        self.usable(whose)?.deadline = now + deadline.min(MAXIMUM);
        Ok(())
    }

    pub(crate) fn send_after(&mut self, whose: Whose, message: Vec<u8>, delay: u64) -> Result<usize, DelayedError> {
        if delay > LONGEST_DELAY {
            return Err(DelayedError::InvalidDelay);
        }
        let (delivery, now) = (self.deliveries, self.now);
        if delay == 0 {
            self.send(whose, message, None)?;
        } else {
            let hold = self.usable(whose)?;
            if message.len() > MESSAGE_LIMIT {
                return Err(DelayedError::TooLarge);
            }
            hold.timer = Some(Timer { delivery, since: now, due: now + delay, message });
        }
        self.deliveries += 1;
        Ok(delivery)
    }

    /// Gives the handle back.
    pub(crate) fn cancel(&mut self, delivery: usize) -> Result<usize, DelayedError> {
        let (open, now) = (self.is_open(), self.now);
        let hold = self.hold.as_mut().ok_or(DelayedError::UnknownTimer)?;
        let timer = hold.timer.take_if(|timer| timer.delivery == delivery).ok_or(DelayedError::UnknownTimer)?;
        hold.deadline += now - timer.since;
        if open { Ok(hold.handle) } else { Err(DelayedError::UnknownTimer) }
    }

    fn usable(&mut self, whose: Whose) -> Result<&mut Hold, DelayedError> {
        let (open, now) = (self.is_open(), self.now);
        let Whose::Given(handle) = whose else { return Err(DelayedError::InvalidHandle) };
        if self.closed.contains_key(&handle) {
            return Err(DelayedError::Closed);
        }
        match self.hold.as_mut().filter(|hold| hold.handle == handle && hold.timer.is_none()) {
            Some(hold) if open => Ok(hold),
            Some(hold) if hold.deadline > now => Err(DelayedError::Closed),
            _ => Err(DelayedError::InvalidHandle),
        }
    }

    fn fits(&self, message: &[u8]) -> bool {
        let size = |(sent, _): &(Sent, _)| if let Sent::Message(message) = sent { message.len() } else { 0 };
        self.outbox.is_empty() || self.outbox.iter().map(size).sum::<usize>() + message.len() <= OUTBOX_LIMIT
    }

    fn settle(&mut self, receipt: Option<usize>, outcome: Receipt) {
        if let Some(receipt) = receipt.and_then(|receipt| self.receipts.get_mut(receipt)) {
            *receipt = outcome;
        }
    }
}
