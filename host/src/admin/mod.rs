//! The admin API: what it says and hears. [`DOCUMENT`] is its description, `ADMIN.md` the page about it.
//!
//! The gate lets a request in by the rules of the document, an answer does what it asks for through the registry and the hub, and the
//! ledger writes down what a restart has to find again.

mod answers;
mod ask;
mod deploys;
mod document;
mod error;
mod fault;
mod first_token;
mod gate;
mod granting;
mod heard;
mod ledger;
mod limits;
mod listener;
mod paths;
mod rates;
mod restore;
mod settings;
pub mod shapes;
mod turns;
mod uploads;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use document::BadDocument;
pub use error::AdminError;
pub use granting::Given;
pub use settings::Settings;

use document::Document;
use ledger::Ledger;
use listener::Listener;
use rates::Rates;
use shapes::HostState;
use turns::Turns;
use uploads::Uploads;

use crate::gate::Gate;
use crate::listeners::{self, Inherited, ListenError};
use crate::outgoing::Trust;
use crate::plugin::{Followed, Registry, TakenBack};
use crate::store::Store;

/// The description of the API, in OpenAPI 3.1.
pub const DOCUMENT: &str = include_str!("openapi.json");

/// What the configuration declares, and nothing but the configuration changes.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// Tenants, the host's own among them, and what they grant.
    pub tenants: HashMap<String, Given>,
    /// Plugins, with their tenants.
    pub plugins: HashSet<(String, String)>,
}

/// The API of a host, whether it listens or not: what was changed over it holds after a restart in any case.
pub struct Admin {
    api: Arc<Api>,
    listener: Option<Arc<Listener>>,
    address: Option<SocketAddr>,
}

/// What all answers share.
struct Api {
    settings: Settings,
    registry: Registry,
    gate: Arc<Gate>,
    ledger: Arc<Ledger>,
    document: Document,
    declared: Declared,
    trust: Trust,
    turns: Turns,
    uploads: Uploads,
    rates: Rates,
    state: AtomicU8,
    started: Timestamp,
    begun: Instant,
    closing: CancellationToken,
}

impl Admin {
    /// Listens, on this socket if it is given one, if it is to. Until [`Admin::restore`] has come to its end it says that the host is starting.
    ///
    /// # Errors
    /// The store is in trouble, or the address cannot be had.
    pub async fn open(
        settings: Settings,
        socket: Option<Inherited>,
        store: Store,
        registry: Registry,
        gate: Arc<Gate>,
        declared: Declared,
        trust: Trust,
    ) -> Result<Self, AdminError> {
        let ledger = Arc::new(Ledger::open(store).await?);
        let uploads = Uploads::new(settings.uploads);
        let (header_timeout, wanted) = (settings.header_timeout, settings.address);
        let closing = CancellationToken::new();
        let api = Arc::new(Api {
            settings,
            registry,
            gate,
            ledger,
            document: Document::read()?,
            declared,
            trust,
            turns: Turns::default(),
            uploads,
            rates: Rates::default(),
            state: AtomicU8::new(STARTING),
            started: Timestamp::now(),
            begun: Instant::now(),
            closing: closing.clone(),
        });
        // Before a plugin is taken in: one that imports what is not granted is refused.
        for tenant in api.registry.tenants().all() {
            api.grant(&tenant).await?;
        }
        let Some(wanted) = wanted else {
            return match socket {
                Some(_) => Err(ListenError::Unwanted("admin").into()),
                None => Ok(Self { api, listener: None, address: None }),
            };
        };
        first_token::write(&api.ledger).await?;
        let (socket, address) = listeners::listen(socket, wanted).await?;
        let listener = Listener::new(paths::router(&api), header_timeout, closing);
        listener.open(socket);
        let looking = Arc::clone(&api);
        tokio::spawn(async move {
            let rates = looking.rates.run(looking.registry.tenants());
            looking.closing.run_until_cancelled(rates).await;
        });
        tracing::info!(%address, "the admin API listens");
        Ok(Self { api, listener: Some(listener), address: Some(address) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Takes in the tenants that were made over the API and the plugins that were deployed over it. What cannot be taken in again is in
    /// the log, and the rest serves.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn restore(&self) -> Result<(), AdminError> {
        restore::restore(&self.api).await?;
        Ok(())
    }

    /// From now on the host takes connections.
    pub fn ready(&self) {
        self.api.state.store(READY, Ordering::Release);
    }

    /// From now on it takes none, and nothing is changed any more. Messages still go to those who are held.
    pub fn drain(&self) {
        self.api.state.store(DRAINING, Ordering::Release);
    }

    /// Enters into the ledger what is done by nobody who asks here, until the API is closed: canaries are taken back by themselves, and
    /// folders change plugins.
    pub async fn hear(&self, taken_back: mpsc::Receiver<TakenBack>, followed: mpsc::Receiver<Followed>) {
        let canaries = heard::canaries(Arc::clone(&self.api), taken_back);
        let folders = heard::folders(Arc::clone(&self.api), followed);
        self.api.closing.run_until_cancelled(async { tokio::join!(canaries, folders) }).await;
    }

    /// Answers nobody any more.
    pub async fn close(&self, within: Duration) {
        self.api.closing.cancel();
        if let Some(listener) = &self.listener {
            listener.closed(within).await;
        }
    }
}

const STARTING: u8 = 0;
const READY: u8 = 1;
const DRAINING: u8 = 2;

impl Api {
    fn state(&self) -> HostState {
        match self.state.load(Ordering::Acquire) {
            STARTING => HostState::Starting,
            READY => HostState::Ready,
            _ => HostState::Draining,
        }
    }
}
