//! One message to many connections.

use std::collections::HashSet;

use super::Hub;
use super::connection::Connection;
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

/// Whoever tells so many connections something gives way to them: they write while what they need is in the caches, and nobody else
/// waits for the whole crowd.
const AT_ONCE: usize = 64;

impl Hub {
    /// Sends the message to each connection of the tenant's audience, held ones included, and returns how many took it: those whose
    /// outbox is full, or that are closing, do not. It gives way to others again and again, so what another one tells the same audience at the same time may be in between.
    ///
    /// # Errors
    /// The message is over the limit.
    pub async fn broadcast(
        &self,
        tenant: TenantId,
        audience: &Audience,
        message: &Message,
    ) -> Result<u32, BroadcastTooLarge> {
        if message.len() > self.settings.message_bytes() {
            return Err(BroadcastTooLarge);
        }
        let Some(connections) = self.connections_of(tenant) else { return Ok(0) };
        let (mut took, mut told): (u32, usize) = (0, 0);
        let mut tell = |connection: &Connection| took += u32::from(connection.publish(message).is_ok());
        match audience {
            Audience::Path(prefix) => {
                let prefix = prefix.trim_end_matches('/');
                for part in connections.parts() {
                    give_way_after_many(&mut told).await;
                    told += part.for_each(|connection| {
                        // Below the root are all: there is no need to look at their paths.
                        if prefix.is_empty() || is_below(&connection.upgrade().path, prefix) {
                            tell(connection);
                        }
                    });
                }
            }
            Audience::Connections(ids) => {
                for connection in ids.iter().filter_map(|id| connections.get(*id)) {
                    give_way_after_many(&mut told).await;
                    told += 1;
                    tell(&connection);
                }
            }
        }
        Ok(took)
    }
}

/// Lets others run if enough have been told since the last time.
async fn give_way_after_many(told: &mut usize) {
    if *told >= AT_ONCE {
        *told = 0;
        tokio::task::yield_now().await;
    }
}

/// True if the path is the prefix, which does not end in a slash, or lies below it, whole segments only.
fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn a_path_prefix_ends_at_a_slash() {
        for (path, prefix) in [("/chat", "/chat"), ("/chat/blue", "/chat"), ("/chat/", "/chat"), ("/x", ""), ("/", "")]
        {
            assert!(is_below(path, prefix), "{path} below {prefix}");
        }
        for (path, prefix) in [("/chatter", "/chat"), ("/", "/chat"), ("/cha", "/chat")] {
            assert!(!is_below(path, prefix), "{path} not below {prefix}");
        }
    }
}
