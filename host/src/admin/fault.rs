//! What the API answers when it does not do what it was asked for: one shape for all of it.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::shapes;
use crate::hub::{DelayedError, ReplyError};
use crate::plugin::{DeployError, LoadError, RouteError};
use crate::store::StoreError;
use crate::telemetry;
use crate::tenant::Limit;
use crate::token::Denied;

/// An answer that is no success.
#[derive(Debug)]
pub(super) struct Fault {
    status: StatusCode,
    code: &'static str,
    message: String,
    hint: Option<String>,
}

/// The code of a fault, left with its response for the audit log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code(pub(super) &'static str);

impl Fault {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// It is not there, or it is another tenant's. All that is so has this one answer, so that nobody learns what another one has.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "there is nothing here")
    }

    pub(super) fn no_canary() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no-canary", "no version of the plugin is tried, and none was")
    }

    pub(super) fn invalid_handle() -> Self {
        Self::new(StatusCode::NOT_FOUND, "invalid-handle", "the handle was used, has expired, or never was")
    }

    pub(super) fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this path has no such method")
            .hint("GET /openapi.json says what there is")
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    pub(super) fn unknown_field(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "unknown-field", message)
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-value", message)
    }

    pub(super) fn no_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "no-token", "the request has no token")
            .hint("send `Authorization: Bearer hl_…`")
    }

    pub(super) fn bad_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "bad-token", "the token is not known, or was deleted")
    }

    pub(super) fn slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body of the request did not come in time")
    }

    pub(super) fn too_large(most: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", format!("the body has more than {most} bytes"))
    }

    pub(super) fn media_type(wanted: &str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", format!("the body is to be {wanted}"))
    }

    pub(super) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    pub(super) fn declared(what: &str) -> Self {
        Self::conflict("declared-in-configuration", format!("{what} is declared in the configuration of the host"))
            .hint("change holdline.toml, and start the host anew")
    }

    pub(super) fn refused(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", telemetry::chain(error))
    }

    pub(super) fn overloaded(message: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message)
    }

    pub(super) fn starting() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "starting", "the host is starting")
    }

    pub(super) fn draining() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "draining", "the host is stopping")
    }

    pub(super) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = telemetry::chain(error), "an admin request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the host could not do it; its log says why")
    }

    /// The log has it from the store itself, once.
    fn full() -> Self {
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk-full", "the disk of the host's store is full")
            .hint("make room for the store and ask again")
    }

    pub(super) fn interrupted() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "it was interrupted")
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let Self { status, code, message, hint } = self;
        let body = shapes::Failure { error: shapes::Fault { code: code.to_owned(), message, hint } };
        // Texts are always JSON.
        let mut response = Response::new(Body::from(serde_json::to_vec(&body).unwrap_or_default()));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 11.6.1.
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(Code(code));
        response
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full(_) => Self::full(),
            error => Self::internal(&error),
        }
    }
}

impl From<Denied> for Fault {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Hidden => Self::not_found(),
            Denied::Scope => Self::new(StatusCode::FORBIDDEN, "scope", denied.to_string()),
            Denied::Role { .. } => Self::new(StatusCode::FORBIDDEN, "role", denied.to_string()),
            Denied::Expired => Self::new(StatusCode::UNAUTHORIZED, "expired-token", denied.to_string()),
        }
    }
}

impl From<DelayedError> for Fault {
    fn from(error: DelayedError) -> Self {
        match error {
            DelayedError::Closed => Self::from(ReplyError::Closed),
            DelayedError::TooLarge => Self::from(ReplyError::TooLarge),
            DelayedError::Overloaded => Self::from(ReplyError::Overloaded),
            DelayedError::QuotaExceeded => Self::quota("held-connections"),
            _ => Self::invalid_handle(),
        }
    }
}

impl From<ReplyError> for Fault {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::TooLarge => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the message is over the limit of messages")
            }
            ReplyError::Overloaded => Self::overloaded("the client does not take what waits for it"),
            _ => Self::new(StatusCode::GONE, "closed", "the client has gone"),
        }
    }
}

impl Fault {
    fn quota(limit: &str) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "quota-exceeded", format!("the tenant is at its limit `{limit}`"))
    }
}

impl From<RouteError> for Fault {
    fn from(error: RouteError) -> Self {
        let hint = error.hint();
        let fault = match &error {
            RouteError::Invalid { .. } => Self::invalid(error.to_string()),
            RouteError::NoHandler { .. } => Self::refused(&error),
            // Which one has it may be another tenant's matter.
            RouteError::ClaimedTwice { .. } | RouteError::Taken { .. } => {
                Self::conflict("route-taken", error.to_string())
            }
        };
        fault.hint(hint)
    }
}

impl From<LoadError> for Fault {
    fn from(error: LoadError) -> Self {
        let hint = error.hint();
        let fault = match &error {
            LoadError::Quota { limit, most, .. } if *limit == Limit::ComponentSize.name() => Self::too_large(*most),
            LoadError::Quota { limit, .. } => Self::quota(limit),
            LoadError::NoCanary { .. } => Self::conflict("no-canary", error.to_string()),
            LoadError::NotKept { .. } => Self::conflict("no-version", error.to_string()),
            LoadError::Exists { .. } => Self::conflict("exists", error.to_string()),
            LoadError::Removed { .. } => Self::conflict("removed", error.to_string()),
            LoadError::Interrupted { .. } => Self::internal(&error),
            _ => Self::refused(&error),
        };
        Self { hint, ..fault }
    }
}

impl From<DeployError> for Fault {
    fn from(error: DeployError) -> Self {
        match error {
            DeployError::Load(error) => error.into(),
            DeployError::Route(error) => error.into(),
            DeployError::NoTenant { .. } => Self::not_found(),
        }
    }
}
