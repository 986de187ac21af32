//! An instance that is alive: its store and the exports that were looked up in it.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::Instance as WasmInstance;

use super::bindings::exports::holdline::websocket::{
    channel_handler, connect_handler, migration, timer_handler, worker,
};
use super::handler;
use super::place::Place;
use super::state::State;
use super::template::Template;
use crate::engine::{Limits, Seat, Turn};

/// A component that runs. After a trap it is broken and takes no further call.
pub struct Instance {
    pub(super) template: Arc<Template>,
    pub(super) store: Store<State>,
    pub(super) instance: WasmInstance,
    pub(super) limits: Limits,
    // The one of its store, which cannot be asked during a call.
    pub(super) seat: Seat,
    pub(super) exports: Found,
    pub(super) broken: bool,
    // The last field: the place is free when the store is gone.
    _place: Place,
}

/// The exports that have been looked up so far.
#[derive(Default)]
pub(super) struct Found {
    pub(super) connect_handler: Option<connect_handler::Guest>,
    pub(super) handler: handler::Found,
    pub(super) worker: Option<worker::Guest>,
    pub(super) timer_handler: Option<timer_handler::Guest>,
    pub(super) channel_handler: Option<channel_handler::Guest>,
    pub(super) migration: Option<migration::Guest>,
}

impl Instance {
    pub(super) fn new(
        template: Arc<Template>,
        store: Store<State>,
        instance: WasmInstance,
        limits: Limits,
        seat: Seat,
        place: Place,
    ) -> Self {
        Self { template, store, instance, limits, seat, exports: Found::default(), broken: false, _place: place }
    }

    /// Has its turn to begin an event, if there has to be one.
    pub fn sit(&self, turn: Option<Turn>) {
        self.seat.sit(turn);
    }

    /// True if it was made from this template.
    #[must_use]
    pub fn is_of(&self, template: &Arc<Template>) -> bool {
        Arc::ptr_eq(&self.template, template)
    }

    /// True if a call has trapped or was given up: its memory may be in any state.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken
    }
}
