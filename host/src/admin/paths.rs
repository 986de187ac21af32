//! Which path leads to which answer. All of them are in the document, and all of the document is here.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post, put};

use super::Api;
use super::answers::{
    audit, canary, connections, held, host, logs, metrics, plugins, queues, secrets, tenants, tokens,
};
use super::fault::Fault;
use super::gate::gate;

pub(super) fn router(api: &Arc<Api>) -> Router {
    let of = |rest: &str| format!("/v1/tenants/{{tenant}}{rest}");
    Router::new()
        .route("/healthz", get(host::health))
        .route("/readyz", get(host::ready))
        .route("/metrics", get(metrics::get))
        .route("/openapi.json", get(host::document))
        .route("/v1/host", get(host::get))
        .route("/v1/audit", get(audit::of_host))
        .route("/v1/tokens", get(tokens::list).post(tokens::create))
        .route("/v1/tokens/{id}", delete(tokens::delete))
        .route("/v1/tenants", get(tenants::list).post(tenants::create))
        .route(&of(""), get(tenants::get).patch(tenants::change).delete(tenants::delete))
        .route(&of("/limits"), get(tenants::limits).put(tenants::set_limits))
        .route(&of("/usage"), get(tenants::usage))
        .route(&of("/secrets"), get(secrets::list))
        .route(&of("/secrets/{name}"), put(secrets::put).delete(secrets::delete))
        .route(&of("/plugins"), get(plugins::list))
        .route(&of("/plugins/{plugin}"), get(plugins::get).put(plugins::put).delete(plugins::delete))
        .route(&of("/plugins/{plugin}/versions"), get(plugins::versions))
        .route(&of("/plugins/{plugin}/rollback"), post(plugins::roll_back))
        .route(
            &of("/plugins/{plugin}/canary"),
            get(canary::get).put(canary::put).patch(canary::change).delete(canary::delete),
        )
        .route(&of("/plugins/{plugin}/promote"), post(plugins::promote))
        .route(&of("/connections"), get(connections::list))
        .route(&of("/connections/{id}"), get(connections::get).delete(connections::close))
        .route(&of("/connections/{id}/messages"), post(connections::send))
        .route(&of("/held"), get(held::list))
        .route(&of("/held/{handle}/send"), post(held::send))
        .route(&of("/held/{handle}/push"), post(held::push))
        .route(&of("/held/{handle}/close"), post(held::close))
        .route(&of("/held/{handle}/release"), post(held::release))
        .route(&of("/channels"), get(queues::channels))
        .route(&of("/timers"), get(queues::timers))
        .route(&of("/timers/{id}"), delete(queues::cancel))
        .route(&of("/audit"), get(audit::of_tenant))
        .route(&of("/logs"), get(logs::stream))
        .method_not_allowed_fallback(async || Fault::method())
        .fallback(async || Fault::not_found())
        .layer(from_fn_with_state(Arc::clone(api), gate))
        .with_state(Arc::clone(api))
}
