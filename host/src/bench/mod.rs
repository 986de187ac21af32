//! A load generator for WebSocket servers: connections that send and wait, send at a rate, are held open, or come and go.
//!
//! The command line calls it: a [`Plan`] goes in, a [`Report`] comes out, and [`News`] tells what happens in between. It is a client
//! like any other and knows nothing of this host's server; any server can be its [`Target`]. It is to take as little as it can of the
//! machine that it shares with the server: one thread waits for many sockets, every reply costs one read and one write, and nothing
//! is allocated for a message.

mod alarm;
mod connection;
mod error;
mod failure;
mod frame;
mod load;
mod opening;
mod pace;
mod plan;
mod plot;
mod report;
mod run;
mod sockets;
mod stream;
mod table;
mod tally;
mod target;
mod work;

pub use error::Error;
pub use failure::Failure;
pub use frame::Payload;
pub use plan::{Extent, Opening, Plan, Task};
pub use plot::svg;
pub use report::{Connect, Latency, Report, Sample};
pub use run::{News, run};
pub use target::Target;
