//! The door: one port for HTTP and WebSocket. It turns frames into events and the outbox into frames; what an event does is its
//! plugin's affair.

mod close;
mod connection;
mod cork;
mod corked;
mod deflate;
mod entry;
mod extension;
mod handshake;
mod head;
mod keepalive;
mod listener;
mod outlet;
mod reader;
mod settings;
mod stream;
mod tcp;
mod tls;
mod upgrade;
mod violation;
mod waiting;
mod wire;
mod writer;

pub use listener::Door;
pub use settings::{Compression, Settings};
pub use tls::{CertificateFiles, ClientCertificates, Tls, TlsError, TlsSettings};
