//! What is generated from the WIT: the imports once, and one module for each interface that a plugin may export.
//!
//! Public only because `export!` expands in the plugin's crate. The exports are separate worlds because a component has
//! to export everything its world says, while a plugin may export any subset: only the worlds whose macro is invoked
//! count.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::indexing_slicing,
    clippy::missing_safety_doc,
    reason = "the generator writes this code, and it is unsafe where it crosses the component boundary"
)]

/// Everything that a plugin may import.
pub mod imports {
    wit_bindgen::generate!({
        path: "../../wit/websocket",
        world: "imports",
        generate_all,
        additional_derives: [PartialEq, Eq],
    });
}

/// Generates one export on top of the imports, so that all of them share the same types.
macro_rules! exported {
    ($module:ident, $world:tt) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit/websocket",
                world: $world,
                pub_export_macro: true,
                additional_derives: [PartialEq, Eq],
                with: {
                    "holdline:websocket/types@0.1.0": crate::bindings::imports::holdline::websocket::types,
                    "holdline:websocket/requests@0.1.0": crate::bindings::imports::holdline::websocket::requests,
                    "holdline:websocket/delayed@0.1.0": crate::bindings::imports::holdline::websocket::delayed,
                    "holdline:websocket/channels@0.1.0": crate::bindings::imports::holdline::websocket::channels,
                    "holdline:websocket/timers@0.1.0": crate::bindings::imports::holdline::websocket::timers,
                    "holdline:websocket/workers@0.1.0": crate::bindings::imports::holdline::websocket::workers,
                    "holdline:websocket/broadcast@0.1.0": crate::bindings::imports::holdline::websocket::broadcast,
                },
            });
        }
    };
}

exported!(connect_handler, "connect-handler-plugin");
exported!(handler, "handler-plugin");
exported!(worker, "worker-plugin");
exported!(timer_handler, "timer-handler-plugin");
exported!(channel_handler, "channel-handler-plugin");
exported!(migration, "migration-plugin");
