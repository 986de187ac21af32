//! The functions of the interface `handler`. Each is looked up when it is first called: an instance that is for one event calls one of
//! them, and to look up the others as well would take it longer than the call.

use wasmtime::component::{ComponentExportIndex, ComponentNamedList, Instance, InstancePre, Lower, TypedFunc};
use wasmtime::error::Context;
use wasmtime::{Result, Store};

use super::bindings::exports::holdline::websocket::handler::CloseInfo;
use super::bindings::holdline::websocket::types::Message;
use super::state::State;
use super::{PACKAGE, VERSION};

/// A function with these parameters. All return the same.
pub(super) type Function<P> = TypedFunc<P, (std::result::Result<(), String>,)>;

/// Where they are in a component; the generated code of the other interfaces has the same.
pub(super) struct GuestIndices {
    pub(super) on_open: ComponentExportIndex,
    pub(super) on_message: ComponentExportIndex,
    pub(super) on_close: ComponentExportIndex,
}

impl GuestIndices {
    /// Finds them.
    pub(super) fn new(pre: &InstancePre<State>) -> Result<Self> {
        let component = pre.component();
        let interface = component.get_export_index(None, &*format!("{PACKAGE}/handler@{VERSION}"));
        let find = |name: &str| {
            let found = component.get_export_index(interface.as_ref(), name);
            found.with_context(|| format!("there is no `{name}` in `handler`"))
        };
        Ok(Self { on_open: find("on-open")?, on_message: find("on-message")?, on_close: find("on-close")? })
    }
}

/// Those of an instance that have been called so far.
#[derive(Default)]
pub(super) struct Found {
    pub(super) on_open: Option<Function<(u64,)>>,
    pub(super) on_message: Option<Function<(u64, Message)>>,
    pub(super) on_close: Option<Function<(u64, CloseInfo)>>,
}

/// The function, looked up in the instance if it was not before.
pub(super) fn find<P: ComponentNamedList + Lower>(
    found: &mut Option<Function<P>>,
    store: &mut Store<State>,
    instance: &Instance,
    index: &ComponentExportIndex,
) -> Result<Function<P>> {
    match found {
        Some(function) => Ok(*function),
        None => Ok(*found.insert(instance.get_typed_func(store, index)?)),
    }
}
