//! The hub against the model: random sequences of all that can happen to one connection and its handles, compared after each step.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use holdline::hub::{
    Audience, Connection, DelayedError, EventKind, Expiry, Frame, Hub, Inbox, NextStep, RetainOptions, Settings, Told,
    Written,
};
use holdline::ids::{DeliveryId, NodeId};
use holdline::message::{CloseFrame, Message};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use proptest::{prop_assert, prop_assert_eq};
use tokio::time::Instant;

use crate::door::{NEIGHBOUR, TENANT, connect, look, pop, tenant};
use crate::reference::{self, Receipt, Reference, Sent};
use crate::steps::{By, Confirm, Policy, Step, Which, Whose, steps};

type Checked = Result<(), TestCaseError>;
type Waiting = Pin<Box<dyn Future<Output = Result<(), DelayedError>>>>;

#[test]
fn the_hub_does_what_the_model_does() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    // With the file, the seed of a failure is kept beside it and tried first from then on.
    let mut config = Config::with_source_file(file!());
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 10_000;
    }
    let checked = TestRunner::new(config).run(&steps(), |steps| runtime.block_on(case(steps)));
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}

async fn case(steps: Vec<Step>) -> Checked {
    let (hub, _timers) =
        Hub::new(NodeId::default(), settings()).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let hub = Arc::new(hub);
    let running = Arc::clone(&hub);
    let mut case = Case {
        connection: connect(&hub, TENANT, "/"),
        inbox: Inbox::new(hub.settings(), Arc::clone(tenant(TENANT))),
        hub,
        running: Box::pin(async move { running.run().await }),
        start: Instant::now(),
        model: Reference::default(),
        handles: Vec::new(),
        deliveries: Vec::new(),
        receipts: Vec::new(),
    };
    case.connection.begin_event(EventKind::Open);
    case.model.begin(EventKind::Open);
    case.turn().await?;
    for (number, step) in (0_u8..).zip(steps) {
        case.step(step, number).await?;
        case.turn().await?;
    }
    Ok(())
}

fn settings() -> Settings {
    let milliseconds = Duration::from_millis;
    let mut settings = Settings {
        inbox_messages: 3,
        retain_deadline: milliseconds(reference::DEADLINE),
        retain_maximum: milliseconds(reference::MAXIMUM),
        longest_delay: milliseconds(reference::LONGEST_DELAY),
        ..Settings::default()
    };
    settings.message_size.0 = reference::MESSAGE_LIMIT as u64;
    settings.outbox_size.0 = reference::OUTBOX_LIMIT as u64;
    settings
}

/// The hub and the model, side by side.
struct Case {
    hub: Arc<Hub>,
    connection: Arc<Connection>,
    inbox: Inbox,
    running: Pin<Box<dyn Future<Output = ()>>>,
    start: Instant,
    model: Reference,
    handles: Vec<u64>,
    deliveries: Vec<DeliveryId>,
    receipts: Vec<(Waiting, Receipt)>,
}

impl Case {
    /// Does the step to both and compares what they say. Messages are filled with `fill`, so that no two are the same.
    async fn step(&mut self, step: Step, fill: u8) -> Checked {
        match step {
            Step::Pass(milliseconds) => return self.pass(milliseconds).await,
            Step::Send(..) | Step::Push(..) | Step::Close(_) | Step::Release(_) | Step::Extend(..) => {
                return self.use_handle(step, fill);
            }
            Step::SendAfter(which, size, delay) => return self.send_after(which, vec![fill; size], delay),
            Step::Cancel(back, by) => return self.cancel(back, by),
            Step::Broadcast(size) => {
                let audience = Audience::Path("/".to_owned());
                let took = self.hub.broadcast(TENANT, &audience, &message(vec![fill; size])).await;
                prop_assert_eq!(took, self.model.broadcast(vec![fill; size]));
            }
            Step::Drain => {
                self.hub.refuse_retentions();
                self.model.draining = true;
            }
            // What follows is done by the connection's own task, which is no more.
            _ if self.model.ended => {}
            Step::ClientSays if !self.inbox.is_full() && !self.model.peer_gone => self.inbox.push(message(vec![fill])),
            Step::ClientSays => {}
            Step::ClientLeaves => {
                self.connection.peer_gone();
                self.model.peer_goes();
            }
            Step::Begin => self.begin(),
            Step::Finish(outcome) => self.finish(outcome),
            Step::Retain(deadline, policy) => return self.retain(deadline, policy),
            Step::Reply(size) => {
                let reply = self.connection.reply(message(vec![fill; size]));
                prop_assert_eq!(reply, self.model.reply(vec![fill; size]));
            }
            Step::ReplyClose => {
                prop_assert_eq!(self.connection.reply_close(CloseFrame::NORMAL), self.model.reply_close(1000));
            }
            Step::Write => {
                let outgoing = pop(&self.connection);
                let sent = outgoing.map(|outgoing| {
                    outgoing.written.map(|told| told.send(()));
                    sent(outgoing.frame)
                });
                prop_assert_eq!(sent, self.model.pop());
            }
            Step::HostCloses => {
                self.connection.close(CloseFrame::GOING_AWAY);
                self.model.close_connection(1001);
            }
            Step::SlowConsumer => {
                self.connection.abort(CloseFrame::SLOW_CONSUMER);
                self.model.abort(1013);
            }
        }
        Ok(())
    }

    /// The next event, as the task of the connection chooses it. That the two agree on the next step has been compared.
    fn begin(&mut self) {
        if self.model.event.is_some() {
            return;
        }
        let event = match self.connection.next_step() {
            NextStep::Wait => return,
            NextStep::Close => EventKind::Close,
            NextStep::Proceed if self.inbox.pop().is_some() => EventKind::Message,
            NextStep::Proceed if self.model.peer_gone => EventKind::Close,
            NextStep::Proceed => return,
        };
        self.connection.begin_event(event);
        self.model.begin(event);
    }

    fn finish(&mut self, outcome: Result<(), ()>) {
        match self.model.event {
            None => {}
            Some(EventKind::Close) => {
                self.hub.disconnect(&self.connection);
                self.model.end();
            }
            Some(EventKind::Open | EventKind::Message) => {
                self.hub.finish_event(&self.connection, outcome);
                self.model.finish(outcome);
            }
        }
    }

    fn retain(&mut self, deadline: Option<u64>, policy: Policy) -> Checked {
        let expiry = match policy.clone() {
            Policy::Resume => Expiry::Resume,
            Policy::Close(code) => Expiry::Close(frame(code)),
            Policy::Send(bytes) => Expiry::Send(message(bytes)),
        };
        let options = RetainOptions { deadline: deadline.map(Duration::from_millis), expiry };
        let handle = self.hub.retain(&self.connection, options).map(|handle| {
            self.handles.push(handle.get());
            self.handles.len() - 1
        });
        prop_assert_eq!(handle, self.model.retain(deadline, policy));
        Ok(())
    }

    fn use_handle(&mut self, step: Step, fill: u8) -> Checked {
        let (hub, model) = (Arc::clone(&self.hub), &mut self.model);
        let (done, expected) = match step {
            Step::Send(which, size, confirm) => {
                let (tenant, handle, whose) = found(&self.handles, which);
                let (told, receipt) = receipt(confirm, model, &mut self.receipts);
                let sent = hub.send(tenant, handle, message(vec![fill; size]), told);
                (sent, model.send(whose, vec![fill; size], receipt))
            }
            Step::Push(which, size, confirm) => {
                let (tenant, handle, whose) = found(&self.handles, which);
                let (told, receipt) = receipt(confirm, model, &mut self.receipts);
                let pushed = hub.push(tenant, handle, message(vec![fill; size]), told);
                (pushed, model.push(whose, vec![fill; size], receipt))
            }
            Step::Close(which) => {
                let (tenant, handle, whose) = found(&self.handles, which);
                (hub.close(tenant, handle, frame(4001)), model.close(whose, 4001))
            }
            Step::Release(which) => {
                let (tenant, handle, whose) = found(&self.handles, which);
                (hub.release(tenant, handle), model.release(whose))
            }
            Step::Extend(which, deadline) => {
                let (tenant, handle, whose) = found(&self.handles, which);
                (hub.extend(tenant, handle, Duration::from_millis(deadline)), model.extend(whose, deadline))
            }
            other => return Err(TestCaseError::fail(format!("{other:?} uses no handle"))),
        };
        prop_assert_eq!(done, expected);
        Ok(())
    }

    fn send_after(&mut self, which: Which, bytes: Vec<u8>, delay: u64) -> Checked {
        let (tenant, handle, whose) = found(&self.handles, which);
        let delivery = self.hub.send_after(tenant, handle, message(bytes.clone()), Duration::from_millis(delay));
        let delivery = delivery.map(|delivery| {
            self.deliveries.push(delivery);
            self.deliveries.len() - 1
        });
        prop_assert_eq!(delivery, self.model.send_after(whose, bytes, delay));
        Ok(())
    }

    fn cancel(&mut self, back: usize, by: By) -> Checked {
        let Some((number, delivery)) = self.deliveries.iter().enumerate().rev().nth(back) else { return Ok(()) };
        let (tenant, expected) = match by {
            By::Tenant => (TENANT, self.model.cancel(number)),
            By::Neighbour => (NEIGHBOUR, Err(DelayedError::UnknownTimer)),
        };
        let handle = self.hub.cancel(tenant, *delivery).map(|handle| handle.get());
        prop_assert_eq!(handle, expected.map(|given| self.handles.get(given).copied().unwrap_or_default()));
        Ok(())
    }

    /// Time passes, with a stop wherever the model says that something happens.
    async fn pass(&mut self, milliseconds: u64) -> Checked {
        let until = self.model.now + milliseconds;
        while self.model.now < until {
            let stop = self.model.next_due().map_or(until, |due| due.min(until));
            tokio::time::advance(Duration::from_millis(stop - self.model.now)).await;
            self.turn().await?;
        }
        Ok(())
    }

    /// Both do what is due by now, and are compared.
    async fn turn(&mut self) -> Checked {
        let running = &mut self.running;
        poll_fn(|cx| {
            let _runs_for_ever = running.as_mut().poll(cx);
            Poll::Ready(())
        })
        .await;
        // As the task of the connection does when its clock strikes.
        if look(&self.connection).deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            self.hub.expire(&self.connection);
        }
        let now = self.start.elapsed().as_millis();
        self.model.reaches(u64::try_from(now).unwrap_or(u64::MAX));
        self.compare().await
    }

    async fn compare(&mut self) -> Checked {
        let (hub, connection, model) = (&self.hub, &self.connection, &self.model);
        prop_assert_eq!(connection.next_step(), model.next_step());
        prop_assert_eq!(connection.is_held(), model.is_held());
        prop_assert_eq!(connection.is_closing(), model.closing);
        prop_assert_eq!(look(connection).is_drained, model.is_drained());
        prop_assert_eq!(hub.held_count(), model.held_count());
        prop_assert_eq!(hub.expired_count(), model.expired);
        prop_assert_eq!(hub.connection_count(), usize::from(!model.ended));
        let deadline = look(connection).deadline.map(|deadline| (deadline - self.start).as_millis());
        prop_assert_eq!(deadline, model.deadline().map(u128::from));
        for ((waiting, receipt), expected) in self.receipts.iter_mut().zip(&model.receipts) {
            if *receipt == Receipt::Waiting {
                *receipt = poll_fn(|cx| Poll::Ready(state(waiting.as_mut().poll(cx)))).await;
            }
            prop_assert!(*receipt == *expected, "a receipt is {receipt:?} and not {expected:?}");
        }
        Ok(())
    }
}

fn state(outcome: Poll<Result<(), DelayedError>>) -> Receipt {
    match outcome {
        Poll::Pending => Receipt::Waiting,
        Poll::Ready(Ok(())) => Receipt::Written,
        Poll::Ready(Err(_)) => Receipt::Lost,
    }
}

/// The handle to try: as the hub is told of it, and as the model is.
fn found(handles: &[u64], which: Which) -> (holdline::ids::TenantId, u64, Whose) {
    let back = |back: usize| handles.iter().copied().enumerate().rev().nth(back);
    match which {
        Which::Back(number) => back(number).map_or((TENANT, 0, Whose::Nobodys), |(n, h)| (TENANT, h, Whose::Given(n))),
        Which::Foreign(number) => (NEIGHBOUR, back(number).map_or(0, |(_, handle)| handle), Whose::Nobodys),
        Which::Guessed(number) => (TENANT, number, Whose::Nobodys),
    }
}

fn receipt(
    confirm: Confirm,
    model: &mut Reference,
    receipts: &mut Vec<(Waiting, Receipt)>,
) -> (Option<Told>, Option<usize>) {
    if confirm == Confirm::No {
        return (None, None);
    }
    let (told, written) = Written::receipt();
    receipts.push((Box::pin(written.wait()), Receipt::Waiting));
    (Some(told), Some(model.receipt()))
}

fn message(bytes: Vec<u8>) -> Message {
    Message::Binary(bytes.into())
}

fn frame(code: u16) -> CloseFrame {
    CloseFrame::received(code, "".into())
}

fn sent(frame: Frame) -> Sent {
    match frame {
        Frame::Message(Message::Text(text)) => Sent::Message(text.as_bytes().to_vec()),
        Frame::Message(Message::Binary(bytes)) => Sent::Message(bytes.to_vec()),
        Frame::Close(frame) => Sent::Close(frame.code()),
    }
}
