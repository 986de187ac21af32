//! Who is let in: every request passes here before anything of it is read. The rules are those of the document; what belongs to another
//! tenant gets the very answer of what does not exist.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Query, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, Request, Uri, header};
use jiff::Timestamp;

use super::Api;
use super::ask::parameters;
use super::document::{Operation, OperationScope};
use super::fault::{Code, Fault};
use super::ledger::{Entry, Holder};
use super::shapes::{AuditOutcome, HostState};
use crate::tenant::Tenant;
use crate::token::{Action, Denied, Matter, Scope, Token};

/// Who asks, and in whose matter.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) holder: Arc<Holder>,
    /// The name of the token.
    pub(super) name: String,
    /// What it is good for.
    pub(super) scope: Scope,
    /// The tenant in the path.
    pub(super) tenant: Option<Arc<Tenant>>,
}

/// What is told of a request.
struct Told {
    who: Option<Arc<Holder>>,
    what: Option<&'static str>,
    tenant: Option<String>,
    subject: Option<String>,
}

/// Lets a request in or not, and tells the log and the audit log of it.
pub(super) async fn gate(State(api): State<Arc<Api>>, request: Request<Body>, next: Next) -> Response {
    let begun = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut told = Told { who: None, what: None, tenant: None, subject: None };
    let response = match let_in(&api, request, &mut told).await {
        // What changes something is done to its end, also when the client goes meanwhile.
        Ok(request) if told.what.is_some() => {
            tokio::spawn(next.run(request)).await.unwrap_or_else(|_| Fault::interrupted().into_response())
        }
        Ok(request) => next.run(request).await,
        Err(fault) => fault.into_response(),
    };
    let who = told.who.as_ref().map(|holder| holder.record().name).unwrap_or_default();
    let (status, took) = (response.status().as_u16(), begun.elapsed());
    if matches!(path.as_str(), "/healthz" | "/readyz" | "/metrics") && status < 400 {
        tracing::debug!(%method, path, status, who, ?took, "admin request");
    } else {
        tracing::info!(%method, path, status, who, ?took, "admin request");
    }
    if status >= 400 {
        let code = response.extensions().get().map(|Code(code)| *code);
        note(&api, told, status, code).await;
    }
    response
}

async fn let_in(api: &Api, request: Request<Body>, told: &mut Told) -> Result<Request<Body>, Fault> {
    let (mut parts, body) = request.into_parts();
    let path = parts.extensions.get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let Some(operation) = api.document.find(&path, &parts.method) else {
        // No operation of the document, so there is nothing behind it but an error.
        return Ok(Request::from_parts(parts, body));
    };
    if let Some(action) = operation.action {
        let holder = holder(api, &parts.headers)?;
        told.who = Some(Arc::clone(&holder));
        told.what = operation.what;
        let parameters = parameters(&mut parts).await?;
        let subject = ["plugin", "name", "id", "handle"].into_iter().find_map(|name| parameters.get(name));
        told.subject = subject.cloned();
        let tenant = parameters.get("tenant").map(String::as_str);
        let caller = admit(api, &holder, (operation, action), tenant, told)?;
        ready(api, action, &parts.method)?;
        api.ledger.touch(&holder);
        parts.extensions.insert(caller);
    }
    check_query(operation, &parts.uri)?;
    Ok(Request::from_parts(parts, body))
}

/// The token of a request (RFC 6750, section 2.1).
fn holder(api: &Api, headers: &HeaderMap) -> Result<Arc<Holder>, Fault> {
    let value = headers.get(header::AUTHORIZATION).ok_or_else(Fault::no_token)?;
    let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or_else(Fault::bad_token)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Fault::no_token());
    }
    let token: Token = token.trim().parse().map_err(|_| Fault::bad_token())?;
    api.ledger.holder(&token).ok_or_else(Fault::bad_token)
}

fn admit(
    api: &Api,
    holder: &Arc<Holder>,
    (operation, action): (&Operation, Action),
    tenant: Option<&str>,
    told: &mut Told,
) -> Result<Caller, Fault> {
    let record = holder.record();
    let matter = match (operation.scope, tenant, &record.scope) {
        (OperationScope::Host, None, _) | (OperationScope::Tenant, None, Scope::Host) => Matter::OfHost,
        (OperationScope::Host, Some(tenant), _) => Matter::OfHostAbout(tenant),
        (OperationScope::Tenant, Some(tenant), _) => Matter::OfTenant(tenant),
        // What it sees of the host's lists is its own.
        (OperationScope::Tenant, None, Scope::Tenant(own)) => Matter::OfTenant(own),
    };
    let allowed = record.allows(action, matter, Timestamp::now());
    // What was tried at another tenant's is not in that one's log.
    if let Err(hidden @ Denied::Hidden) = allowed {
        return Err(hidden.into());
    }
    let tenant = match tenant {
        Some(name) => Some(api.registry.tenants().get(name).ok_or_else(Fault::not_found)?),
        None => None,
    };
    told.tenant = tenant.as_ref().map(|tenant| tenant.name().to_owned());
    allowed?;
    Ok(Caller { holder: Arc::clone(holder), name: record.name, scope: record.scope, tenant })
}

/// While it starts or stops the host changes nothing; messages go out for as long as somebody is held.
fn ready(api: &Api, action: Action, method: &Method) -> Result<(), Fault> {
    match api.state() {
        HostState::Starting => Err(Fault::starting()),
        HostState::Draining if matches!(action, Action::Deploy | Action::Manage) && *method != Method::GET => {
            Err(Fault::draining())
        }
        HostState::Ready | HostState::Draining => Ok(()),
    }
}

fn check_query(operation: &Operation, uri: &Uri) -> Result<(), Fault> {
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri);
    let pairs = pairs.map_err(|error| Fault::malformed(error.body_text()))?.0;
    match pairs.iter().find(|(key, _)| !operation.knows(key)) {
        Some((key, _)) => Err(Fault::unknown_field(format!("unknown query parameter `{key}`"))),
        None => Ok(()),
    }
}

/// A change that was refused, or that failed, is in the audit log, too.
async fn note(api: &Api, told: Told, status: u16, code: Option<&'static str>) {
    let (Some(holder), Some(what)) = (told.who, told.what) else { return };
    if !holder.may_be_noted() {
        return;
    }
    let outcome = if status >= 500 { AuditOutcome::Failed } else { AuditOutcome::Refused };
    let mut entry = Entry::new(&holder.record().name, what).outcome(outcome);
    if let Some(code) = code {
        entry = entry.detail("code", code);
    }
    if let Some(tenant) = told.tenant {
        entry = entry.tenant(&tenant);
    }
    if let Some(subject) = told.subject {
        entry = entry.subject(subject);
    }
    if let Err(error) = api.ledger.note(&entry).await {
        tracing::error!(%error, "a refused change is not in the audit log");
    }
}
