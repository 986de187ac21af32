//! The hub alone, without wasm and without sockets: the sentences of its contract, a reference model under random sequences, races,
//! and what it costs at size.
#![allow(clippy::expect_used, reason = "a test that cannot go on fails by saying what it lacked")]

mod allocator;
mod contract;
mod door;
mod model;
mod races;
mod reference;
mod size;
mod steps;
mod wilton;
