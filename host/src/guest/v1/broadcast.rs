//! `broadcast`: one message to many connections.

use super::bindings::holdline::websocket::broadcast::{Audience, BroadcastError, Host};
use super::bindings::holdline::websocket::types::{Host as Types, Message};
use super::state::State;
use crate::hub;

impl Types for State {}

impl Host for State {
    fn send(&mut self, audience: Audience, message: Message) -> wasmtime::Result<Result<u32, BroadcastError>> {
        let audience = match audience {
            Audience::Path(path) => hub::Audience::Path(path),
            // What is no id of a connection is one that is not connected.
            Audience::Connections(ids) => {
                hub::Audience::Connections(ids.iter().filter_map(|id| id.parse().ok()).collect())
            }
        };
        let took = self.owner.hub.broadcast(self.owner.tenant.id(), &audience, &message.into());
        Ok(took.map_err(BroadcastError::from))
    }
}
