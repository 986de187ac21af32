//! The gate: who may come to the door, decided before any guest runs. It knows addresses, and neither WebSockets nor wasm. The door asks
//! it, and tells it what it has refused.

mod crowd;
mod entrance;
pub mod jwt;
mod network;
mod origin;
mod preface;
mod proxies;
mod settings;
mod tally;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tokio::net::TcpStream;
use tokio::time::timeout;

pub use crowd::Place;
pub use entrance::{CLAIMS, Entrance, drop_reserved};
pub use network::{InvalidNetwork, Network};
pub use origin::{InvalidOrigin, OriginError, OriginPattern};
pub use settings::{ForwardedBy, Proxies, ProxyProtocol};
pub use tally::{Asked, Reason, Refusal, Tally};

use crowd::{Crowd, Entry};
use preface::PrefaceError;

/// A proxy sends its header at once, in one piece: it need not be given the time that a client has for its request.
const PREFACE: Duration = Duration::from_secs(5);

/// Why there is no gate.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// Nobody could connect.
    #[error("`protocol` is \"required\" under [listen.proxies], and `trust` names nobody who may send it")]
    NobodyTrusted,
}

/// The gate of a host.
pub struct Gate {
    proxies: Proxies,
    crowd: Arc<Crowd>,
    tally: Tally,
}

/// One at the other end of a socket.
pub struct Visitor {
    address: SocketAddr,
    standing: Standing,
}

enum Standing {
    /// It speaks for others, each of whom is looked at when it asks for a connection.
    Proxy,
    /// It may come in.
    Client(Option<Arc<Place>>),
    /// It may not, and may hear so.
    Refused { reason: Reason, _place: Place },
}

impl Gate {
    /// A gate for this host, where each address may have so many sockets, and open so many in a second.
    ///
    /// # Errors
    /// Nobody could come in.
    pub fn new(
        proxies: Proxies,
        per_address: Option<NonZeroU32>,
        per_second: Option<NonZeroU32>,
    ) -> Result<Self, GateError> {
        if proxies.protocol == ProxyProtocol::Required && proxies.trust.is_empty() {
            return Err(GateError::NobodyTrusted);
        }
        Ok(Self { proxies, crowd: Crowd::new(per_address, per_second), tally: Tally::default() })
    }

    /// Finds out who it is that has opened a socket, within this time. Nothing if the socket is to be closed, without a word.
    pub async fn arrive(&self, stream: &mut TcpStream, address: SocketAddr, within: Duration) -> Option<Visitor> {
        let mut address = proxies::canonical(address);
        if self.proxies.protocol == ProxyProtocol::Required {
            if !self.proxies.trusts(address.ip()) {
                self.refuse(Reason::ProxyProtocol, address, "it comes from no network of `trust`");
                return None;
            }
            // Boxed, because few need the room for it.
            match timeout(within.min(PREFACE), Box::pin(preface::read(stream))).await {
                Ok(Ok(named)) => address = named.map_or(address, proxies::canonical),
                // Those that look whether the host is there do so, and so does a proxy whose client has left.
                Ok(Err(PrefaceError::Ended(error))) => {
                    tracing::debug!(%address, %error, "a proxy left before its PROXY header");
                    return None;
                }
                Ok(Err(error)) => {
                    self.refuse(Reason::ProxyProtocol, address, error);
                    return None;
                }
                Err(_) => {
                    self.refuse(Reason::ProxyProtocol, address, "its PROXY header took too long");
                    return None;
                }
            }
        }
        let standing = if self.proxies.forwards(address.ip()) {
            Standing::Proxy
        } else {
            match self.enter(address) {
                Entry::In(place) => Standing::Client(place.map(Arc::new)),
                Entry::Refused(reason, place) => Standing::Refused { reason, _place: place },
                Entry::Closed(_) => return None,
            }
        };
        Some(Visitor { address, standing })
    }

    /// The place of a connection that is asked for by this client. It has to be kept for as long as the connection is there.
    ///
    /// # Errors
    /// It is one too many.
    pub fn place(&self, visitor: &Visitor, client: SocketAddr) -> Result<Option<Arc<Place>>, Reason> {
        match &visitor.standing {
            Standing::Refused { reason, .. } => Err(*reason),
            Standing::Client(place) => Ok(place.clone()),
            // It asks for itself.
            Standing::Proxy if self.proxies.forwards(client.ip()) => Ok(None),
            Standing::Proxy => match self.enter(client) {
                Entry::In(place) => Ok(place.map(Arc::new)),
                Entry::Refused(reason, _) | Entry::Closed(reason) => Err(reason),
            },
        }
    }

    fn enter(&self, client: SocketAddr) -> Entry {
        let entry = self.crowd.enter(client.ip());
        if let Entry::Refused(reason, _) | Entry::Closed(reason) = entry {
            let why = match reason {
                Reason::ConnectsPerSecond => "its address connects too often",
                _ => "its address has as many connections as it may",
            };
            self.refuse(reason, client, why);
        }
        entry
    }

    /// The client whose request came with these headers.
    #[must_use]
    pub fn client(&self, visitor: &Visitor, headers: &HeaderMap) -> SocketAddr {
        self.proxies.client(visitor.address, headers)
    }

    /// Counts a refusal, and tells the log of it.
    pub fn refuse(&self, reason: Reason, address: SocketAddr, why: impl std::fmt::Display) {
        self.tally.refuse(Refusal { reason, address, plugin: None, why: &why });
    }

    /// Counts a refusal at the entrance of a plugin, and tells the log of that plugin of it.
    pub fn refuse_at(&self, entrance: &Entrance, refusal: Refusal<'_>) {
        self.tally.count(refusal.reason);
        entrance.told.refuse(refusal);
    }

    /// What was refused so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }
}

impl Visitor {
    /// Its address. If it is a proxy, its clients have others.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Why it may not come in, if it may not.
    #[must_use]
    pub fn refusal(&self) -> Option<Reason> {
        match self.standing {
            Standing::Refused { reason, .. } => Some(reason),
            Standing::Proxy | Standing::Client(_) => None,
        }
    }
}
