//! What the stand-in says when nothing else was told to it: one answer for each operation, by its id.

use serde_json::{Value, json};

pub(super) const OLD: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
pub(super) const NEW: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";
pub(super) const CONNECTION: &str = "00c1f0a94be2437c9d0e5a66b1f2d3e4";
const THEN: &str = "2026-01-02T03:04:05Z";

pub(super) fn totals(messages: u64) -> Value {
    json!({ "connections": 12, "held": 3, "messages-in": messages, "messages-out": 0, "bytes-in": 0, "bytes-out": 0,
        "events": 1234, "failures": 5, "memory-bytes": 1_048_576 })
}

pub(super) fn tenant(messages: u64) -> Value {
    json!({ "name": "default", "hosts": ["shop.example"], "declared-in": "store", "config": { "colour": "red" },
        "grants": { "http": ["api.example"], "keyvalue": true, "config": false, "secrets": ["api-key"] }, "plugins": 1,
        "totals": totals(messages) })
}

pub(super) fn plugin() -> Value {
    json!({ "name": "echo", "tenant": "default", "route": "/echo", "isolation": "pooled", "swap": "next-event",
        "declared-in": "store", "exports": ["handler"], "serving": NEW, "canary": null, "versions": 2, "deployed-at": THEN,
        "totals": totals(0) })
}

pub(super) fn version() -> Value {
    json!({ "digest": NEW, "deployed-at": THEN, "by": "ci", "size": 61_440, "state": "serving", "language": "rust",
        "note": "build 7", "connections": 12 })
}

pub(super) fn deployment() -> Value {
    json!({ "outcome": "swapped", "plugin": plugin(), "version": version(), "previous": OLD, "compiled": "cache", "ms": 3 })
}

pub(super) fn canary(state: &str, reason: Option<&str>) -> Value {
    json!({ "plugin": "echo", "digest": NEW, "previous": OLD, "since": THEN, "state": state, "reason": reason, "share": 10.0,
        "header": "x-beta: 1", "max-failures": 1.0, "p99-ms": 50, "connections": 4, "events": 2000, "failures": 1, "slow": 2 })
}

pub(super) fn connection(id: &str) -> Value {
    json!({ "id": id, "plugin": "echo", "version": NEW, "canary": true, "path": "/echo", "subprotocol": null,
        "remote-address": "192.0.2.7:50412", "opened": THEN, "state": "held", "handle": 77, "outbox-bytes": 2048,
        "inbox-messages": 1, "attachment-bytes": 16, "round-trip-us": 1234 })
}

fn made_token() -> Value {
    let Value::Object(mut made) = token() else { return Value::Null };
    made.insert("token".to_owned(), json!("hl_4fT0aQ9zAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    Value::Object(made)
}

fn token() -> Value {
    json!({ "id": "hl_4fT0aQ9z", "name": "ci", "role": "deployer", "tenant": "shop", "created": THEN, "expires": null,
        "last-used": null })
}

pub(super) fn host() -> Value {
    json!({ "version": "0.1.0", "started": THEN, "uptime-ms": 7_200_000, "state": "ready", "tenants": 1, "plugins": 1,
        "instances": 5, "resident-bytes": 67_108_864, "totals": totals(0) })
}

/// The content of the success of an operation; none if it has none.
pub(super) fn of(operation: &str) -> Option<Value> {
    let list = |item: Value| json!({ "items": [item] });
    let page = |item: Value| json!({ "items": [item], "next": null });
    Some(match operation {
        "host" => host(),
        "listTenants" => list(tenant(0)),
        "showTenant" | "createTenant" | "changeTenant" => tenant(0),
        "showLimits" | "putLimits" => json!({ "items": [
            { "key": "connections", "value": 500, "default": 1000, "is-set": true },
            { "key": "memory", "value": "64MiB", "default": "64MiB", "is-set": false },
        ] }),
        "showUsage" => json!({ "items": [
            { "key": "connections", "used": 125, "limit": 500, "unit": "count", "refused": 7 },
            { "key": "keyvalue", "used": 4096, "limit": null, "unit": "bytes", "refused": 0 },
        ] }),
        "listSecrets" => list(json!({ "name": "api-key", "changed": THEN, "by": "ann" })),
        "listPlugins" => list(plugin()),
        "showPlugin" => plugin(),
        "listVersions" => list(version()),
        "deploy" | "rollback" | "promote" => deployment(),
        "showCanary" | "beginCanary" | "changeCanary" => canary("running", None),
        "listConnections" => page(connection(CONNECTION)),
        "showConnection" => connection(CONNECTION),
        "listHeld" => list(json!({ "handle": 77, "connection": CONNECTION, "plugin": "echo", "age-ms": 61_000,
            "deadline-ms": 200_000, "delivery": 9 })),
        "listChannels" => list(json!({ "name": "jobs", "capacity": 1000, "items": 3, "bytes": 300, "closed": false })),
        "listTimers" => {
            list(json!({ "id": 81, "plugin": "echo", "next": THEN, "repeats": "every 5s", "payload-bytes": 2 }))
        }
        "audit" | "tenantAudit" => page(json!({ "sequence": 41, "at": THEN, "who": "ci", "what": "plugin.deployed",
            "tenant": "default", "subject": "echo", "details": { "to": NEW, "ms": 3 }, "outcome": "ok" })),
        "listTokens" => list(token()),
        "createToken" => made_token(),
        _ => return None,
    })
}
