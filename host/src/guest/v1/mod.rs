//! Version 0.1 of the contract: one file for each WIT interface. `Template` is a component that is ready to be instantiated,
//! `Instance` one that is alive.

mod bindings;
mod broadcast;
mod calls;
mod channels;
mod delayed;
mod error;
mod granted;
mod grants;
mod handler;
mod instance;
mod log;
mod place;
mod requests;
mod state;
mod template;
mod timers;
mod workers;

pub use calls::{Acceptance, Event, Failure, Refusal};
pub use grants::{Capabilities, Grant, Granted, Grants, Secret};
pub use instance::Instance;
pub use state::{Owner, WorkerStart};
pub use template::{Exports, PrepareError, Template, imports};

/// The WIT package that plugins are built against, and the version that this host offers.
pub const PACKAGE: &str = "holdline:websocket";
/// See [`PACKAGE`].
pub const VERSION: &str = "0.1.0";
