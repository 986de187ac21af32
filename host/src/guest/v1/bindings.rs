//! What wasmtime makes of the WIT, for the host's side of it.
#![allow(missing_docs, unreachable_pub, reason = "generated from the WIT, which has the documentation")]

wasmtime::component::bindgen!({
    path: "../wit/websocket",
    world: "plugin",
    imports: {
        // Those that wait, or may.
        "holdline:websocket/channels.[method]channel.send": async | trappable,
        "holdline:websocket/channels.[method]channel.receive": async | trappable,
        "holdline:websocket/channels.select": async | trappable,
        "holdline:websocket/delayed.[static]delayed-web-socket.send": async | trappable,
        "holdline:websocket/delayed.[method]delayed-web-socket.push": async | trappable,
        "holdline:websocket/broadcast.send": async | trappable,
        "holdline:websocket/timers.sleep": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "holdline:websocket/delayed.delayed-web-socket": super::delayed::DelayedWebSocket,
        "holdline:websocket/channels.channel": super::channels::Channel,
    },
    require_store_data_send: true,
});
