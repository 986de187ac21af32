//! The host as a whole.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::{milliseconds, to_u64, totals};
use crate::admin::ask::{Answer, Ask, json, ok};
use crate::admin::shapes::{Host, HostState, Totals};
use crate::admin::{Api, DOCUMENT};
use crate::tenant::Limit;

/// Whether the process lives.
pub(in crate::admin) async fn health() -> Answer {
    ok(&json!({ "status": "ok" }))
}

/// Whether it takes new connections.
pub(in crate::admin) async fn ready(State(api): State<Arc<Api>>) -> Answer {
    let state = api.state();
    let status = if state == HostState::Ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, &json!({ "status": state }))
}

/// The document.
pub(in crate::admin) async fn document() -> Response {
    let mut response = Response::new(DOCUMENT.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// All of it.
pub(in crate::admin) async fn get(ask: Ask) -> Answer {
    let api = &ask.api;
    let tenants = api.registry.tenants().all();
    let used = |limit| tenants.iter().map(|tenant| to_u64(tenant.usage().used(limit))).sum();
    ok(&Host {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: api.started,
        uptime_ms: milliseconds(api.begun.elapsed()),
        state: api.state(),
        tenants: to_u64(tenants.len()),
        plugins: used(Limit::Plugins),
        instances: used(Limit::Instances),
        resident_bytes: resident(),
        totals: all(api),
    })
}

/// What all tenants do and have.
pub(super) fn all(api: &Api) -> Totals {
    let mut sum = Totals::default();
    for tenant in api.registry.tenants().all() {
        let one = totals(tenant.usage(), 0, 0);
        sum.messages_in += one.messages_in;
        sum.messages_out += one.messages_out;
        sum.bytes_in += one.bytes_in;
        sum.bytes_out += one.bytes_out;
        sum.events += one.events;
        sum.failures += one.failures;
        sum.memory_bytes += one.memory_bytes;
    }
    sum.connections = to_u64(api.registry.hub().connection_count());
    sum.held = to_u64(api.registry.hub().held_count());
    sum
}

/// Memory of the process, where the system tells it as Linux does; else 0.
pub(super) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0);
    kilobytes << 10
}
