//! What networks, clocks, disks and systems do to a host. After each fault nothing is left behind: no connection, no held one, no
//! open file, no task; every connection has had exactly one open and one close event, and what was counted comes out even.
#![allow(dead_code, unused_imports, reason = "it uses a part of what the suite stands on")]
#![allow(clippy::print_stderr, reason = "what was done is shown when a test fails, and with --nocapture")]

#[path = "../harness/mod.rs"]
mod harness;

mod books;
mod clock;
mod corruption;
mod cuts;
mod descriptors;
mod disk;
mod half_open;
mod program;
mod shifted;
mod slow;
mod storm;
mod talk;
