//! Holdline: a WebSocket server whose handlers are WebAssembly components.
//!
//! The modules stand in storeys, the lowest first. A module uses only what stands below its own storey; those on one storey do
//! not know each other. `tests/tidy.rs` enforces it, and `ARCHITECTURE.md` draws it.

// Words: the names of things, and what travels.
pub mod digest;
pub mod ids;
pub mod message;

// Senses: what the host tells about itself.
pub mod telemetry;

// Tools: accepting clients, load for any server, durations in settings, where the host listens, requests to the outside, a queue of
// what is due, what outlives a restart, the hub's mutex, tenants, the tokens of the admin API, and the compilers of guests.
pub mod accepting;
pub mod bench;
pub mod duration;
pub mod listeners;
pub mod outgoing;
pub mod schedule;
pub mod store;
pub mod sync;
pub mod tenant;
pub mod token;
pub mod toolchain;

// The gate: who may connect.
pub mod gate;

// Hearts: wasm, and connections. Each knows nothing of the other.
pub mod engine;
pub mod hub;

// What guests see.
pub mod guest;

// Plugins alive.
pub mod plugin;

// Doors.
pub mod admin;
pub mod socket;

// Settings.
pub mod config;

// The whole.
pub mod app;

// The hand.
pub mod cli;
