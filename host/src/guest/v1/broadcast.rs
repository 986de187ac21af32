//! `broadcast`: one message to many connections.

use std::sync::Arc;

use super::bindings::holdline::websocket::broadcast::{Audience, BroadcastError, Host};
use super::bindings::holdline::websocket::types::{Host as Types, Message};
use super::state::State;
use crate::hub;

impl Types for State {}

impl Host for State {
    async fn send(&mut self, audience: Audience, message: Message) -> wasmtime::Result<Result<u32, BroadcastError>> {
        let audience = match audience {
            Audience::Path(path) => hub::Audience::Path(path),
            // What is no id of a connection is one that is not connected.
            Audience::Connections(ids) => {
                hub::Audience::Connections(ids.iter().filter_map(|id| id.parse().ok()).collect())
            }
        };
        let (owner, message) = (Arc::clone(&self.owner), message.into());
        let took = self.waiting(owner.hub.broadcast(owner.tenant.id(), &audience, &message)).await;
        Ok(took.map_err(BroadcastError::from))
    }
}
