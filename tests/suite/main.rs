//! What Holdline promises, told as stories: a real host, real sockets, real components.

#[path = "../harness/mod.rs"]
mod harness;

mod background;
mod bad_input;
mod bench;
mod cache;
mod channels;
mod cli;
mod connect;
mod deadline;
mod delivery;
mod failure;
mod frames;
mod gone;
mod handle;
mod held;
mod http;
mod isolation;
mod patterns;
mod shutdown;
mod swap;
mod timers;
