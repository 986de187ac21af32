//! What guests see: one folder for each breaking version of the WIT contract. It is the only place that knows both hearts.

pub mod v1;
