//! One message to many connections.

use std::collections::HashSet;

use super::Hub;
use super::error::BroadcastTooLarge;
use crate::ids::{ConnectionId, TenantId};
use crate::message::Message;

/// Who is to get a message.
#[derive(Clone, Debug)]
pub enum Audience {
    /// All connections whose path is this one or lies below it.
    Path(String),
    /// These connections, each once.
    Connections(HashSet<ConnectionId>),
}

impl Hub {
    /// Puts the message into the outbox of each connection of the tenant's audience, held ones included, and returns how many took
    /// it.
    ///
    /// # Errors
    /// The message is over the limit.
    pub fn broadcast(
        &self,
        tenant: TenantId,
        audience: &Audience,
        message: &Message,
    ) -> Result<u32, BroadcastTooLarge> {
        if message.len() > self.settings.message_bytes() {
            return Err(BroadcastTooLarge);
        }
        let mut took: u32 = 0;
        match audience {
            Audience::Path(prefix) => {
                self.for_each_of(tenant, |connection| {
                    if is_below(&connection.upgrade().path, prefix) {
                        took += u32::from(connection.publish(message.clone()).is_ok());
                    }
                });
            }
            Audience::Connections(ids) => {
                for connection in ids.iter().filter_map(|id| self.connection(tenant, *id)) {
                    took += u32::from(connection.publish(message.clone()).is_ok());
                }
            }
        }
        Ok(took)
    }
}

/// True if the path is the prefix or lies below it, whole segments only.
fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn a_path_prefix_ends_at_a_slash() {
        for (path, prefix) in
            [("/chat", "/chat"), ("/chat/blue", "/chat"), ("/chat/", "/chat/"), ("/x", "/"), ("/", "/")]
        {
            assert!(is_below(path, prefix), "{path} below {prefix}");
        }
        for (path, prefix) in [("/chatter", "/chat"), ("/", "/chat"), ("/cha", "/chat")] {
            assert!(!is_below(path, prefix), "{path} not below {prefix}");
        }
    }
}
