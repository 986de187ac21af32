//! The connections of one tenant, in parts: whoever tells something to all of them stops between two parts, so that a crowd of any size
//! keeps a thread no longer than a part does.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use super::connection::Connection;
use crate::ids::ConnectionId;

/// How many parts there are. An empty one costs 56 bytes, and each tenant has them.
const PARTS: u32 = 64;

/// The connections of one tenant.
pub(super) struct Connections {
    parts: Box<[Part]>,
}

/// Some of them.
#[derive(Default)]
pub(super) struct Part(RwLock<HashMap<ConnectionId, Arc<Connection>>>);

impl Default for Connections {
    fn default() -> Self {
        Self { parts: (0..PARTS).map(|_| Part::default()).collect() }
    }
}

impl Connections {
    pub(super) fn insert(&self, connection: Arc<Connection>) {
        if let Some(part) = self.part(connection.id()) {
            part.0.write().insert(connection.id(), connection);
        }
    }

    /// Returns whether it was there.
    pub(super) fn remove(&self, id: ConnectionId) -> bool {
        self.part(id).is_some_and(|part| part.0.write().remove(&id).is_some())
    }

    pub(super) fn get(&self, id: ConnectionId) -> Option<Arc<Connection>> {
        self.part(id)?.0.read().get(&id).cloned()
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    fn part(&self, id: ConnectionId) -> Option<&Part> {
        self.parts.get((id.low_bits() % PARTS) as usize)
    }
}

impl Part {
    /// Calls `each` with every connection of it, and returns how many there are. None comes or goes meanwhile.
    pub(super) fn for_each(&self, mut each: impl FnMut(&Arc<Connection>)) -> usize {
        let connections = self.0.read();
        connections.values().for_each(&mut each);
        connections.len()
    }
}
