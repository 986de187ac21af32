//! What Holdline promises, told as stories: a real host, real sockets, real components.

#[path = "../harness/mod.rs"]
mod harness;

mod background;
mod bad_input;
mod bench;
mod cache;
mod canary;
mod channels;
mod cli;
mod connect;
mod deadline;
mod delivery;
mod failure;
mod folder;
mod frames;
mod gone;
mod handle;
mod held;
mod http;
mod isolation;
mod limits;
mod patterns;
mod shutdown;
mod swap;
mod tenants;
mod timers;
