//! Guests that do the worst they can. While one of them is at it, the echo of another tenant is timed: 99 of 100 are back within
//! 5 ms, not counting what other programs take from the cores; nothing crashes, and memory stays within what the limits add up
//! to. One test at a time, in a program of its own, because all of it is about time.
#![allow(dead_code, unused_imports, reason = "it uses a part of what the suite stands on")]
#![allow(clippy::print_stderr, reason = "what was measured is shown when a test fails, and with --nocapture")]

#[path = "../harness/mod.rs"]
mod harness;

mod components;
mod computing;
mod cores;
mod floods;
mod memory;
mod stage;
