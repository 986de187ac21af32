//! The door: one port for HTTP and WebSocket. It turns frames into events and the outbox into frames; what an event does is its
//! plugin's affair.

mod close;
mod connection;
mod deflate;
mod extension;
mod handshake;
mod head;
mod listener;
mod reader;
mod settings;
mod upgrade;
mod violation;
mod wire;
mod writer;

pub use listener::{Door, ListenError};
pub use settings::{Compression, Settings};
