//! The door: one port for HTTP and WebSocket. It turns frames into events and the outbox into frames; what an event does is its
//! plugin's affair.

mod close;
mod connection;
mod listener;
mod settings;
mod upgrade;
mod wire;

pub use listener::{Door, ListenError};
pub use settings::Settings;
