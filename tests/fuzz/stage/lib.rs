//! What the fuzz targets stand on: a host that lives as long as the process, guests that are a page of WAT each, and what a client
//! can know of a protocol without the host's own code.

pub mod answer;
pub mod guest;
pub mod host;
mod inflate;
pub mod log;
pub mod oracle;
mod page;
pub mod player;
pub mod program;
pub mod script;
pub mod shown;
