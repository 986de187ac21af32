//! What Holdline promises, told as stories: a real host, real sockets, real components.

#[path = "../harness/mod.rs"]
mod harness;

mod admin_access;
mod admin_delivery;
mod admin_document;
mod admin_input;
mod admin_plugins;
mod admin_restart;
mod admin_watch;
mod background;
mod bad_input;
mod bench;
mod cache;
mod canary;
mod capabilities;
mod channels;
mod cli;
mod cli_admin;
mod connect;
mod deadline;
mod delivery;
mod durability;
mod failure;
mod folder;
mod frames;
mod gate_jwt;
mod gate_limits;
mod gate_origins;
mod gate_proxies;
mod gone;
mod handle;
mod held;
mod http;
mod inherited;
mod isolation;
mod limits;
mod migration;
mod outgoing;
mod patterns;
mod shutdown;
mod swap;
mod tenants;
mod timers;
mod tls;
