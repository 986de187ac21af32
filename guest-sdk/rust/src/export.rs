//! Joins the traits of a plugin to the exports of its component.
//!
//! Whoever implements a trait of this crate implements the generated one too; `export!` then only makes it visible
//! outside.

use crate::bindings::channel_handler::exports::holdline::websocket::channel_handler;
use crate::bindings::connect_handler::exports::holdline::websocket::connect_handler;
use crate::bindings::handler::exports::holdline::websocket::handler;
use crate::bindings::migration::exports::holdline::websocket::migration;
use crate::bindings::timer_handler::exports::holdline::websocket::timer_handler;
use crate::bindings::worker::exports::holdline::websocket::worker;
use crate::timers::TimerId;
use crate::{
    Acceptance, ChannelHandler, CloseInfo, ConnectHandler, Error, Handler, Message, Migration, Refusal, Request,
    TimerHandler, Upgrade, Worker,
};

/// Makes a type the plugin, with the exports that are named: any subset of `ConnectHandler`, `Handler`, `Worker`,
/// `TimerHandler`, `ChannelHandler` and `Migration`, each of which the type implements. Invoke it once.
///
/// ```
/// # use holdline_guest::{Handler, Message, Request, Result, Worker};
/// # struct Mirror;
/// # impl Handler for Mirror {
/// #     fn message(_: &Request, _: Message) -> Result<()> { Ok(()) }
/// # }
/// # impl Worker for Mirror {
/// #     fn run(_: &str, _: &[u8]) -> Result<()> { Ok(()) }
/// # }
/// holdline_guest::export!(Mirror: Handler, Worker);
/// # fn main() {}
/// ```
///
/// Built for another target than WebAssembly, as for unit tests, it only checks that the type implements what is named.
#[macro_export]
macro_rules! export {
    ($plugin:ident: $($export:ident),+ $(,)?) => {
        $(
            const _: () = {
                const fn implements<P: $crate::$export>() {}
                implements::<$plugin>()
            };

            // Native linkers do not take the colons and slashes in the names of a component's exports.
            #[cfg(target_arch = "wasm32")]
            $crate::__export!($export, $plugin);
        )+
    };
}

/// One export. Each has a macro of its own because a component exports all that its world names.
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    (ConnectHandler, $plugin:ident) => {
        $crate::bindings::connect_handler::export!($plugin with_types_in $crate::bindings::connect_handler);
    };
    (Handler, $plugin:ident) => {
        $crate::bindings::handler::export!($plugin with_types_in $crate::bindings::handler);
    };
    (Worker, $plugin:ident) => {
        $crate::bindings::worker::export!($plugin with_types_in $crate::bindings::worker);
    };
    (TimerHandler, $plugin:ident) => {
        $crate::bindings::timer_handler::export!($plugin with_types_in $crate::bindings::timer_handler);
    };
    (ChannelHandler, $plugin:ident) => {
        $crate::bindings::channel_handler::export!($plugin with_types_in $crate::bindings::channel_handler);
    };
    (Migration, $plugin:ident) => {
        $crate::bindings::migration::export!($plugin with_types_in $crate::bindings::migration);
    };
}

impl<P: ConnectHandler> connect_handler::Guest for P {
    fn on_connect(upgrade: Upgrade) -> Result<Acceptance, Refusal> {
        P::connect(upgrade)
    }
}

impl<P: Handler> handler::Guest for P {
    fn on_open(request: u64) -> Result<(), String> {
        P::open(&Request::new(request)).map_err(text)
    }

    fn on_message(request: u64, message: Message) -> Result<(), String> {
        P::message(&Request::new(request), message).map_err(text)
    }

    fn on_close(request: u64, info: CloseInfo) -> Result<(), String> {
        P::close(&Request::new(request), info).map_err(text)
    }
}

impl<P: Worker> worker::Guest for P {
    fn run(name: String, argument: Vec<u8>) -> Result<(), String> {
        <P as Worker>::run(&name, &argument).map_err(text)
    }
}

impl<P: TimerHandler> timer_handler::Guest for P {
    fn on_timer(timer: TimerId, payload: Vec<u8>) -> Result<(), String> {
        P::timer(timer, &payload).map_err(text)
    }
}

impl<P: ChannelHandler> channel_handler::Guest for P {
    fn on_item(channel: String, item: Vec<u8>) -> Result<(), String> {
        P::item(&channel, &item).map_err(text)
    }
}

impl<P: Migration> migration::Guest for P {
    fn migrate(attachment: Vec<u8>, from_version: String) -> Result<Vec<u8>, String> {
        <P as Migration>::migrate(attachment, &from_version).map_err(text)
    }
}

fn text(error: Error) -> String {
    error.to_string()
}
