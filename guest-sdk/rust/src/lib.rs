//! Writes Holdline plugins in Rust: traits for what a plugin exports, types for what it may use, and [`export!`].
//!
//! A plugin is a `cdylib` with a type that implements some of [`ConnectHandler`], [`Handler`], [`Worker`],
//! [`TimerHandler`], [`ChannelHandler`] and [`Migration`], and one [`export!`] that names them:
//!
//! ```no_run
//! use holdline_guest::{Handler, Message, Request, Result};
//!
//! struct Echo;
//!
//! impl Handler for Echo {
//!     fn message(request: &Request, message: Message) -> Result<()> {
//!         Ok(request.send(message)?)
//!     }
//! }
//!
//! holdline_guest::export!(Echo: Handler);
//! ```
//!
//! To answer later, [`Request::retain_web_socket`] gives a number, and [`DelayedWebSocket`] is made from that number
//! anywhere: in a worker, in a timer, in another plugin of the same tenant.
//!
//! Durations are given as [`std::time::Duration`] and rounded up to whole milliseconds, so that nothing comes earlier
//! than asked. Outside of a host every function that asks the host panics; what can be tested there is the plugin's own
//! logic.

// Words that everything else shares.
mod error;
mod header;
mod message;
mod time;

// What a plugin can ask of the host.
pub mod broadcast;
mod channel;
mod delayed;
mod request;
pub mod timers;
pub mod workers;

// What the host calls in a plugin.
mod connect;
mod handlers;

// The border to the component.
#[doc(hidden)]
pub mod bindings;
mod export;
#[cfg(target_os = "wasi")]
mod stdio;

pub use channel::{Channel, ChannelError, select};
pub use connect::{Acceptance, ConnectHandler, Refusal, Upgrade};
pub use delayed::{DelayedError, DelayedWebSocket, DeliveryId};
pub use error::{Error, Result};
pub use handlers::{ChannelHandler, CloseInfo, Handler, Migration, TimerHandler, Worker};
pub use header::Header;
pub use message::{CloseFrame, ConnectionId, Message, WebSocketHandle};
pub use request::{Expiry, ReplyError, Request, RetainError, RetainOptions};

/// Has the example of the README compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
