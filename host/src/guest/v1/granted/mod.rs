//! Interfaces that a tenant grants: linked only for components that import them, so that all others pay nothing for them.

mod bindings;
mod config;
mod http;
mod keyvalue;

use wasmtime::component::{HasSelf, Linker};

pub(super) use http::Outgoing;

use super::grants::Grant;
use super::state::State;
use bindings::wasi;

/// The interfaces that `link` has, without versions.
pub(super) const OFFERED: [&str; 2] = ["wasi:http/types", "wasi:http/outgoing-handler"];

/// Those that are drafts, where each version is another interface.
pub(super) const OFFERED_DRAFTS: [&str; 4] = [
    "wasi:keyvalue/store@0.2.0-draft2",
    "wasi:keyvalue/atomics@0.2.0-draft2",
    "wasi:keyvalue/batch@0.2.0-draft2",
    "wasi:config/store@0.2.0-rc.1",
];

/// Links what is granted.
pub(super) fn link(linker: &mut Linker<State>, grant: Grant) -> wasmtime::Result<()> {
    match grant {
        Grant::Http => wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker),
        Grant::Keyvalue => {
            wasi::keyvalue::store::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
            wasi::keyvalue::atomics::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
            wasi::keyvalue::batch::add_to_linker::<_, HasSelf<State>>(linker, |state| state)
        }
        Grant::Config => wasi::config::store::add_to_linker::<_, HasSelf<State>>(linker, |state| state),
    }
}
