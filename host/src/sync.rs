//! The mutex of the hub, from one place. `tests/interleave` compiles the hub's own sources and puts a mutex of its own in that
//! place, one that lets the test decide who gets it next: so it tries orders that threads come upon once in a million runs. It knows
//! nothing of what the hub keeps behind it.

// A panic of one who holds it must not make a connection unusable for all others: this one knows no poison.
pub use parking_lot::{Mutex, MutexGuard};
