//! What wasmtime makes of the WIT of the capabilities, for the host's side of it.
#![allow(missing_docs, unreachable_pub, reason = "generated from the WIT, which has the documentation")]

wasmtime::component::bindgen!({
    path: "../wit/capabilities",
    world: "capabilities",
    imports: {
        "wasi:config/store": trappable,
        "wasi:keyvalue/store.open": trappable,
        default: async | trappable,
    },
    with: {
        "wasi:keyvalue/store.bucket": super::keyvalue::Bucket,
        "wasi:keyvalue/atomics.cas": super::keyvalue::Cas,
    },
    require_store_data_send: true,
});
