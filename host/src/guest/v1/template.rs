//! A component that was checked and linked: which of the contract's exports it has, and that all its imports are there.

use std::collections::BTreeSet;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};

use super::bindings::Plugin;
use super::bindings::exports::holdline::websocket::{
    channel_handler, connect_handler, migration, timer_handler, worker,
};
use super::calls::within;
use super::granted;
use super::grants::{Grant, Grants};
use super::handler;
use super::instance::Instance;
use super::place::Place;
use super::state::{Owner, State};
use super::{PACKAGE, VERSION};
use crate::engine::{Budget, Engine, Limits, Metered, Turn};

/// Which of the exports that the host calls a component has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exports {
    /// `connect-handler`.
    pub connect_handler: bool,
    /// `handler`.
    pub handler: bool,
    /// `worker`.
    pub worker: bool,
    /// `timer-handler`.
    pub timer_handler: bool,
    /// `channel-handler`.
    pub channel_handler: bool,
    /// `migration`.
    pub migration: bool,
}

impl Exports {
    /// The names of those it has, in the contract's order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        [
            (self.connect_handler, "connect-handler"),
            (self.handler, "handler"),
            (self.worker, "worker"),
            (self.timer_handler, "timer-handler"),
            (self.channel_handler, "channel-handler"),
            (self.migration, "migration"),
        ]
        .into_iter()
        .filter_map(|(has, name)| has.then_some(name))
    }
}

impl fmt::Display for Exports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join(", "))
    }
}

/// Why a component cannot be a plugin of this host.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// It imports an interface that the host does not offer.
    #[error("it imports `{import}`, which this host does not offer{}", nearest.as_ref().map(|name| format!("; the nearest that it offers is `{name}`")).unwrap_or_default())]
    UnknownImport {
        /// What it imports.
        import: String,
        /// What that may have been meant to be.
        nearest: Option<String>,
    },
    /// It imports an interface that its tenant does not grant.
    #[error("it imports `{import}`, and `{grant}` is not granted to it")]
    NotGranted {
        /// What it imports.
        import: String,
        /// What would have to be granted.
        grant: Grant,
    },
    /// It was built against a version of the contract that the host does not speak.
    #[error("it was built against `{found}`; this host offers {PACKAGE} {VERSION} and what is compatible with it")]
    OtherVersion {
        /// The interface with its version.
        found: String,
    },
    /// An interface is there, but not all that the component wants of it, or with other types.
    #[error("it does not fit this host's interfaces")]
    Mismatch(#[source] wasmtime::Error),
    /// The host would never call it.
    #[error(
        "it exports nothing that the host calls (connect-handler, handler, worker, timer-handler, channel-handler)"
    )]
    NoExports,
}

impl PrepareError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::UnknownImport { .. } => "plugins can import the interfaces of holdline:websocket and WASI 0.2",
            Self::NotGranted { grant, .. } => grant.hint(),
            Self::OtherVersion { .. } => "build it with the SDK of this host's version",
            Self::Mismatch(_) => "was it built against a newer version of the interface? build it with this host's SDK",
            Self::NoExports => {
                "write a handler as its SDK says; in Rust, name it: holdline_guest::export!(MyPlugin: Handler)"
            }
        }
    }
}

/// As many instances are alive as may be.
#[derive(Debug, thiserror::Error)]
#[error("as many instances are alive as `instances` of the tenant's limits or under [engine] allows")]
struct NoRoom;

/// A component that is ready to be instantiated.
pub struct Template {
    engine: Engine,
    pre: InstancePre<State>,
    exports: Exports,
    pub(super) indices: Indices,
}

/// Where the exports are in the component, looked up once.
pub(super) struct Indices {
    pub(super) connect_handler: Option<connect_handler::GuestIndices>,
    pub(super) handler: Option<handler::GuestIndices>,
    pub(super) worker: Option<worker::GuestIndices>,
    pub(super) timer_handler: Option<timer_handler::GuestIndices>,
    pub(super) channel_handler: Option<channel_handler::GuestIndices>,
    pub(super) migration: Option<migration::GuestIndices>,
}

impl Template {
    /// Checks and links a component.
    ///
    /// # Errors
    /// Names what it imports and is not there or not granted, or says that it exports nothing of use.
    pub fn prepare(engine: &Engine, component: &Component, grants: &Grants) -> Result<Arc<Self>, PrepareError> {
        check_versions(engine, component)?;
        check_imports(engine, component)?;
        let needed = check_grants(engine, component, grants)?;
        let pre = linker(engine, &needed)
            .and_then(|linker| linker.instantiate_pre(component))
            .map_err(PrepareError::Mismatch)?;
        let names: Vec<String> = export_names(engine, component).collect();
        let has = |interface: &str| names.iter().any(|name| interface_of(name) == Some(interface));
        let exports = Exports {
            connect_handler: has("connect-handler"),
            handler: has("handler"),
            worker: has("worker"),
            timer_handler: has("timer-handler"),
            channel_handler: has("channel-handler"),
            migration: has("migration"),
        };
        // Attachments alone are no reason to call it.
        if (Exports { migration: false, ..exports }) == Exports::default() {
            return Err(PrepareError::NoExports);
        }
        // An export that is there in name has to be there with its functions and types.
        macro_rules! indices {
            ($($interface:ident),*) => {
                Indices { $($interface: if exports.$interface {
                    Some($interface::GuestIndices::new(&pre).map_err(PrepareError::Mismatch)?)
                } else {
                    None
                }),* }
            };
        }
        let indices = indices!(connect_handler, handler, worker, timer_handler, channel_handler, migration);
        Ok(Arc::new(Self { engine: engine.clone(), pre, exports, indices }))
    }

    /// Which exports it has.
    #[must_use]
    pub fn exports(&self) -> Exports {
        self.exports
    }

    /// Makes an instance; waits for its place while the host has as many as it may, but not longer than an event may last.
    ///
    /// # Errors
    /// It traps in its start, wants more memory than it may have, or the host is out of room.
    pub async fn instantiate(
        self: &Arc<Self>,
        owner: Arc<Owner>,
        limits: Limits,
        mut turn: Option<Turn>,
    ) -> wasmtime::Result<Box<Instance>> {
        let place = match Place::now(&owner) {
            Some(place) => place,
            None => {
                // Those who have a place may be waiting for a turn.
                drop(turn);
                // Boxed, so that only who has to wait has room for it.
                let place = Box::pin(tokio::time::timeout(limits.timeout, Place::of(&owner)));
                let place = place.await.map_err(|_| NoRoom)?;
                turn = owner.share.turn_to_begin().await;
                place
            }
        };
        self.instantiate_in(place, owner, limits, turn).await
    }

    /// Makes an instance if there is a place for it.
    ///
    /// # Errors
    /// Those of [`Template::instantiate`].
    pub async fn instantiate_now(
        self: &Arc<Self>,
        owner: Arc<Owner>,
        limits: Limits,
        turn: Option<Turn>,
    ) -> wasmtime::Result<Box<Instance>> {
        let place = Place::now(&owner).ok_or(NoRoom)?;
        self.instantiate_in(place, owner, limits, turn).await
    }

    /// True if few instances more can be made: idle ones should not be kept then.
    #[must_use]
    pub fn is_scarce(&self) -> bool {
        self.engine.is_scarce()
    }

    async fn instantiate_in(
        self: &Arc<Self>,
        place: Place,
        owner: Arc<Owner>,
        limits: Limits,
        turn: Option<Turn>,
    ) -> wasmtime::Result<Box<Instance>> {
        let state = State::new(owner, limits.memory);
        let seat = state.seat().clone();
        seat.sit(turn);
        let mut store = self.engine.store(state);
        store.data_mut().meter().begin(Budget::Limited(limits.cpu));
        // Boxed, because every connection has room for the largest thing that its events wait for, for as long as it lives.
        let start =
            Box::pin(async { within(&seat, limits.timeout, pin!(self.pre.instantiate_async(&mut store))).await });
        let instance = start.await?;
        Ok(Box::new(Instance::new(Arc::clone(self), store, instance, limits, seat, place)))
    }
}

fn linker(engine: &Engine, needed: &BTreeSet<Grant>) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine.wasmtime());
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    Plugin::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    needed.iter().try_for_each(|grant| granted::link(&mut linker, *grant))?;
    Ok(linker)
}

/// The interfaces that `linker` offers, without versions.
const OFFERED: [&str; 40] = [
    "holdline:websocket/types",
    "holdline:websocket/requests",
    "holdline:websocket/delayed",
    "holdline:websocket/channels",
    "holdline:websocket/timers",
    "holdline:websocket/workers",
    "holdline:websocket/broadcast",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
    "holdline:websocket/connect-handler",
    "holdline:websocket/handler",
    "holdline:websocket/worker",
    "holdline:websocket/timer-handler",
    "holdline:websocket/channel-handler",
    "holdline:websocket/migration",
];

fn check_imports(engine: &Engine, component: &Component) -> Result<(), PrepareError> {
    for import in import_names(engine, component) {
        let name = import.split_once('@').map_or(import.as_str(), |(name, _)| name);
        let offered = || OFFERED.iter().chain(&granted::OFFERED);
        if !offered().any(|offered| *offered == name) && !granted::OFFERED_DRAFTS.contains(&import.as_str()) {
            let nearest = offered()
                .chain(&granted::OFFERED_DRAFTS)
                .map(|offered| (strsim::normalized_damerau_levenshtein(&import, offered), offered))
                .filter(|(likeness, _)| *likeness > 0.6)
                .max_by(|one, other| one.0.total_cmp(&other.0))
                .map(|(_, offered)| (*offered).to_owned());
            return Err(PrepareError::UnknownImport { import, nearest });
        }
    }
    Ok(())
}

/// What it needs of what can be granted.
fn check_grants(engine: &Engine, component: &Component, grants: &Grants) -> Result<BTreeSet<Grant>, PrepareError> {
    let mut needed = BTreeSet::new();
    for import in import_names(engine, component) {
        let Some(grant) = Grant::of_import(&import) else { continue };
        if !grants.has(grant) {
            return Err(PrepareError::NotGranted { import, grant });
        }
        needed.insert(grant);
    }
    Ok(needed)
}

/// Refuses another version of the contract before anything else, because every other error would hide that.
fn check_versions(engine: &Engine, component: &Component) -> Result<(), PrepareError> {
    for name in import_names(engine, component).chain(export_names(engine, component)) {
        if let Some((interface, version)) = name.split_once('@')
            && interface.split_once('/').is_some_and(|(package, _)| package == PACKAGE)
            && !is_compatible(version)
        {
            return Err(PrepareError::OtherVersion { found: name });
        }
    }
    Ok(())
}

/// Below 1.0 the minor number is the one that breaks, as in Cargo.
fn is_compatible(version: &str) -> bool {
    version.strip_prefix("0.1.").is_some_and(|patch| !patch.is_empty())
}

fn import_names(engine: &Engine, component: &Component) -> impl Iterator<Item = String> {
    let ty = component.component_type();
    ty.imports(engine.wasmtime()).map(|(name, _)| name.to_owned()).collect::<Vec<_>>().into_iter()
}

fn export_names(engine: &Engine, component: &Component) -> impl Iterator<Item = String> {
    let ty = component.component_type();
    let instances = ty.exports(engine.wasmtime());
    instances
        .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentInstance(_)))
        .map(|(name, _)| name.to_owned())
        .collect::<Vec<_>>()
        .into_iter()
}

/// `handler` of `holdline:websocket/handler@0.1.0`; nothing of another package.
fn interface_of(name: &str) -> Option<&str> {
    let (package, interface) = name.split_once('/')?;
    (package == PACKAGE).then(|| interface.split_once('@').map_or(interface, |(interface, _)| interface))
}

/// What a component imports, as it names it. For showing.
#[must_use]
pub fn imports(engine: &Engine, component: &Component) -> Vec<String> {
    import_names(engine, component).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_is_compatible_within_its_minor_version() {
        for (version, compatible) in
            [("0.1.0", true), ("0.1.7", true), ("0.2.0", false), ("1.0.0", false), ("0.1.", false)]
        {
            assert_eq!(is_compatible(version), compatible, "{version}");
        }
    }

    #[test]
    fn the_interface_is_what_stands_between_package_and_version() {
        assert_eq!(interface_of("holdline:websocket/handler@0.1.0"), Some("handler"));
        assert_eq!(interface_of("wasi:http/incoming-handler@0.2.6"), None);
    }
}
