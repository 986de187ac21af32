//! Calling the exports. Each call has its event, its budget and its time limit; what can go wrong is one `Failure`.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_util::sync::CancellationToken;

use super::bindings::exports::holdline::websocket::connect_handler;
use super::bindings::exports::holdline::websocket::handler::CloseInfo;
use super::bindings::holdline::websocket::types;
use super::handler;
use super::instance::Instance;
use super::state::{Retired, UnderWay};
use crate::engine::{Budget, Exceeded, Metered, Seat, goes_on};
use crate::hub::{self, Connection, EventKind, Upgrade};
use crate::message::{CloseFrame, Message};

/// Why a call did not do what it was for. None of it is for the client.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The guest returned an error.
    #[error("{0}")]
    Returned(String),
    /// The guest trapped, or broke a limit.
    #[error("trapped{}", if *out_of_memory { " after it was refused more memory" } else { "" })]
    Trapped {
        /// Whether it was refused memory before, which is then the likely reason.
        out_of_memory: bool,
        /// The trap, with the guest's stack.
        source: wasmtime::Error,
    },
    /// The instance could not be made.
    #[error("no instance could be made")]
    NotStarted(#[source] wasmtime::Error),
    /// The plugin does not export what was to be called.
    #[error("it does not export `{0}`")]
    NotExported(&'static str),
    /// It returned an attachment over the limit.
    #[error("returned an attachment of {0} bytes, which is over the limit")]
    LargeAttachment(usize),
}

impl Failure {
    /// True if it was ended because its plugin has a newer version.
    #[must_use]
    pub fn is_retirement(&self) -> bool {
        matches!(self, Self::Trapped { source, .. } if source.downcast_ref::<Retired>().is_some())
    }
}

/// An event of a connection.
#[derive(Debug)]
pub enum Event {
    /// It is open.
    Open,
    /// A message came.
    Message(Message),
    /// It has ended.
    Close(hub::CloseInfo),
}

impl Event {
    /// What the hub is told.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Open => EventKind::Open,
            Self::Message(_) => EventKind::Message,
            Self::Close(_) => EventKind::Close,
        }
    }

    /// What the log calls it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Message(_) => "message",
            Self::Close(_) => "close",
        }
    }
}

/// How a connection begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acceptance {
    /// The subprotocol.
    pub subprotocol: Option<String>,
    /// The first attachment.
    pub attachment: Vec<u8>,
}

/// The HTTP response that refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// Looks an export up in the instance, once for its life, or returns that it is not there.
macro_rules! export {
    ($self:ident.$interface:ident, $name:literal) => {{
        if $self.exports.$interface.is_none() {
            let Some(indices) = &$self.template.indices.$interface else { return Err(Failure::NotExported($name)) };
            match indices.load(&mut $self.store, &$self.instance) {
                Ok(guest) => $self.exports.$interface = Some(guest),
                Err(error) => return Err(Failure::NotStarted(error)),
            }
        }
        match &$self.exports.$interface {
            Some(guest) => guest,
            None => return Err(Failure::NotExported($name)),
        }
    }};
}

impl Instance {
    /// Asks whether a client may connect.
    ///
    /// # Errors
    /// The guest failed.
    pub async fn on_connect(
        &mut self,
        upgrade: &Upgrade,
        subprotocols: &[String],
    ) -> Result<Result<Acceptance, Refusal>, Failure> {
        self.begin(Budget::Limited(self.limits.cpu));
        let guest = export!(self.connect_handler, "connect-handler");
        let upgrade = connect_handler::Upgrade {
            path: upgrade.path.to_string(),
            query: upgrade.query.to_string(),
            headers: upgrade.headers.iter().map(types::Header::from).collect(),
            subprotocols: subprotocols.to_vec(),
            remote_address: upgrade.remote_address.to_string(),
        };
        let answer =
            within(&self.seat, self.limits.timeout, pin!(guest.call_on_connect(&mut self.store, &upgrade))).await;
        let answer = self.end(answer)?;
        Ok(match answer {
            Ok(accepted) => Ok(Acceptance { subprotocol: accepted.subprotocol, attachment: accepted.attachment }),
            Err(refused) => Err(Refusal {
                status: refused.status,
                headers: refused.headers.into_iter().map(|field| (field.name, field.value)).collect(),
                body: refused.body,
            }),
        })
    }

    /// Gives it an event of a connection.
    ///
    /// # Errors
    /// The guest failed.
    pub async fn handle(&mut self, connection: &Arc<Connection>, event: Event) -> Result<(), Failure> {
        let request = next_request();
        self.store.data_mut().event = Some(UnderWay { request, connection: Arc::clone(connection) });
        self.begin(Budget::Limited(self.limits.cpu));
        let Some(indices) = &self.template.indices.handler else { return Err(Failure::NotExported("handler")) };
        let limit = self.limits.timeout;
        macro_rules! call {
            ($function:ident, $parameters:expr) => {{
                let found = &mut self.exports.handler.$function;
                let function = handler::find(found, &mut self.store, &self.instance, &indices.$function);
                let function = function.map_err(Failure::NotStarted)?;
                within(&self.seat, limit, pin!(function.call_async(&mut self.store, $parameters))).await
            }};
        }
        let answer = match event {
            Event::Open => call!(on_open, (request,)),
            Event::Message(message) => {
                let message = match message {
                    Message::Text(text) => types::Message::Text(owned(text)),
                    Message::Binary(bytes) => types::Message::Binary(bytes.into()),
                };
                call!(on_message, (request, message))
            }
            Event::Close(info) => {
                let frame = info.frame.map(types::CloseFrame::from);
                let info = CloseInfo { frame, clean: info.clean };
                call!(on_close, (request, info))
            }
        };
        let (answer,) = self.end(answer)?;
        answer.map_err(Failure::Returned)
    }

    /// Runs a worker, for as long as it likes; or until this is cancelled and it asks for an item.
    ///
    /// # Errors
    /// The guest failed.
    pub async fn run(
        &mut self,
        name: &str,
        argument: &[u8],
        retired: Option<CancellationToken>,
    ) -> Result<(), Failure> {
        self.store.data_mut().retired = retired;
        self.begin(Budget::Unlimited);
        let guest = export!(self.worker, "worker");
        let answer = {
            let mut call = pin!(guest.call_run(&mut self.store, name, argument));
            poll_fn(|cx| self.seat.poll(call.as_mut(), cx)).await
        };
        self.end(answer)?.map_err(Failure::Returned)
    }

    /// Tells that a timer is due.
    ///
    /// # Errors
    /// The guest failed.
    pub async fn on_timer(&mut self, timer: u64, payload: &[u8]) -> Result<(), Failure> {
        self.begin(Budget::Limited(self.limits.cpu));
        let guest = export!(self.timer_handler, "timer-handler");
        let answer =
            within(&self.seat, self.limits.timeout, pin!(guest.call_on_timer(&mut self.store, timer, payload))).await;
        self.end(answer)?.map_err(Failure::Returned)
    }

    /// Gives it an item of a channel.
    ///
    /// # Errors
    /// The guest failed.
    pub async fn on_item(&mut self, channel: &str, item: &[u8]) -> Result<(), Failure> {
        self.begin(Budget::Limited(self.limits.cpu));
        let guest = export!(self.channel_handler, "channel-handler");
        let answer =
            within(&self.seat, self.limits.timeout, pin!(guest.call_on_item(&mut self.store, channel, item))).await;
        self.end(answer)?.map_err(Failure::Returned)
    }

    /// Has it turn an attachment of another version into its own.
    ///
    /// # Errors
    /// The guest failed.
    pub async fn migrate(&mut self, attachment: &[u8], from_version: &str) -> Result<Vec<u8>, Failure> {
        self.begin(Budget::Limited(self.limits.cpu));
        let guest = export!(self.migration, "migration");
        let limit = self.limits.timeout;
        let answer =
            within(&self.seat, limit, pin!(guest.call_migrate(&mut self.store, attachment, from_version))).await;
        self.end(answer)?.map_err(Failure::Returned)
    }

    fn begin(&mut self, budget: Budget) {
        self.store.data_mut().meter().begin(budget);
        self.store.set_epoch_deadline(1);
        // Until the call has returned: one that is given up half-way leaves it so.
        self.broken = true;
    }

    fn end<T>(&mut self, answer: wasmtime::Result<T>) -> Result<T, Failure> {
        self.store.data_mut().event = None;
        self.seat.leave();
        match answer {
            Ok(answer) => {
                self.broken = false;
                Ok(answer)
            }
            Err(source) => {
                let out_of_memory = self.store.data_mut().meter().memory_refused();
                Err(Failure::Trapped { out_of_memory, source })
            }
        }
    }
}

/// The text, without a copy if nobody shares it.
fn owned(text: Utf8Bytes) -> String {
    // It was checked when it came, so nothing is ever lost here.
    String::from_utf8(Vec::from(Bytes::from(text))).unwrap_or_default()
}

/// The call, given up when its time is over. The instance is broken then. The time begins when the guest first waits or gives way,
/// because most calls do neither, and looking at the clock for each would cost them.
pub(super) async fn within<T>(
    seat: &Seat,
    limit: Duration,
    mut call: Pin<&mut impl Future<Output = wasmtime::Result<T>>>,
) -> wasmtime::Result<T> {
    if let Poll::Ready(answer) = poll_fn(|cx| Poll::Ready(seat.poll(call.as_mut(), cx))).await {
        return answer;
    }
    let call = poll_fn(|cx| {
        goes_on();
        seat.poll(call.as_mut(), cx)
    });
    // Boxed, because every connection has room for what its events wait for, and most of them wait for nothing.
    match Box::pin(tokio::time::timeout(limit, call)).await {
        Ok(answer) => answer,
        Err(_) => Err(Exceeded::Timeout(limit).into()),
    }
}

/// A number that no event has had before. Each thread takes them in blocks, so that they share nothing at each event.
fn next_request() -> u64 {
    const BLOCK: u64 = 1 << 12;
    static BLOCKS: AtomicU64 = AtomicU64::new(0);
    thread_local! {
        static NEXT: Cell<u64> = const { Cell::new(0) };
    }
    NEXT.with(|next| {
        let mut number = next.get();
        if number.is_multiple_of(BLOCK) {
            number = BLOCKS.fetch_add(1, Ordering::Relaxed) * BLOCK + 1;
        }
        next.set(number + 1);
        number
    })
}

impl From<CloseFrame> for types::CloseFrame {
    fn from(frame: CloseFrame) -> Self {
        Self { code: frame.code(), reason: frame.reason().to_string() }
    }
}
