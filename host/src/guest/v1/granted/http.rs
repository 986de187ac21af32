//! `wasi:http`: requests to the outside, to the hosts that are granted. What a response says is the guest's business, redirects
//! included.

use std::io::ErrorKind;
use std::sync::Arc;

use http_body_util::BodyExt;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use crate::digest::Brief;
use crate::guest::v1::state::{Owner, State};
use crate::outgoing::{self, Timeouts};

/// What an instance has that sends requests.
pub(in crate::guest::v1) struct Outgoing {
    context: WasiHttpCtx,
    hooks: Hooks,
}

impl Outgoing {
    fn new(owner: Arc<Owner>) -> Self {
        Self { context: WasiHttpCtx::new(), hooks: Hooks { owner } }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let owner = &self.owner;
        let http = self.http.get_or_insert_with(|| Box::new(Outgoing::new(Arc::clone(owner))));
        WasiHttpCtxView { hooks: &mut http.hooks, table: &mut self.table, ctx: &mut http.context }
    }
}

/// How requests are sent, in place of the library's own way, which connects to anywhere.
struct Hooks {
    owner: Arc<Owner>,
}

type Ended = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Box<dyn Future<Output = Result<(http::Response<WasiBody>, Ended), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn send_request(&mut self, request: http::Request<WasiBody>, options: Option<RequestOptions>, _: Ended) -> Sent {
        let owner = Arc::clone(&self.owner);
        Box::new(async move {
            let sent = owner.granted.now().client().send(request, timeouts(options.unwrap_or_default())).await;
            let exchange = sent.map_err(|error| told(&owner, error))?;
            let response = exchange.response.map(|body| body.map_err(error).boxed_unsync());
            // How the connection ends is told by the body, which the guest reads; here it would only be logged.
            let ended = async move {
                let _told_by_the_body = exchange.connection.ended().await;
                Ok(())
            };
            Ok((response, Box::new(ended) as Ended))
        })
    }
}

/// What the guest wants, within what the host gives.
fn timeouts(options: RequestOptions) -> Timeouts {
    let most = Timeouts::LONGEST;
    Timeouts {
        connect: options.connect_timeout.map_or(most.connect, |wanted| wanted.min(most.connect)),
        first_byte: options.first_byte_timeout.map_or(most.first_byte, |wanted| wanted.min(most.first_byte)),
        between_bytes: options
            .between_bytes_timeout
            .map_or(most.between_bytes, |wanted| wanted.min(most.between_bytes)),
    }
}

/// What the guest is told, after the log was told what a person has to know.
fn told(owner: &Owner, cause: outgoing::Error) -> Error {
    let (tenant, plugin, version) = (owner.tenant.name(), &*owner.name, Brief(owner.digest));
    match &cause {
        outgoing::Error::Host(_) | outgoing::Error::Address { .. } => {
            tracing::warn!(target: "plugin", tenant, plugin, %version, "a request was refused: {cause}; `http` under [grants] says where it may go");
        }
        other => tracing::debug!(target: "plugin", tenant, plugin, %version, "a request failed: {other}"),
    }
    error(cause)
}

fn error(error: outgoing::Error) -> Error {
    match error {
        outgoing::Error::Uri => Error::HttpRequestUriInvalid,
        outgoing::Error::Host(_) => Error::HttpRequestDenied,
        outgoing::Error::Address { .. } => Error::DestinationIpProhibited,
        outgoing::Error::TooMany => Error::ConnectionLimitReached,
        outgoing::Error::NoAddress => Error::DnsError { rcode: None, info_code: None },
        outgoing::Error::Connect(error) if error.kind() == ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        outgoing::Error::Connect(_) => Error::DestinationUnavailable,
        outgoing::Error::ConnectTimeout => Error::ConnectionTimeout,
        // What rustls does not like of a certificate is invalid data, too, but not the other way round.
        outgoing::Error::Tls(error) if error.to_string().contains("certificate") => Error::TlsCertificateError,
        outgoing::Error::Tls(_) => Error::TlsProtocolError,
        outgoing::Error::ResponseTimeout => Error::HttpResponseTimeout,
        outgoing::Error::BodyTimeout => Error::ConnectionReadTimeout,
        outgoing::Error::Http(error) if error.is_incomplete_message() => Error::HttpResponseIncomplete,
        outgoing::Error::Http(_) => Error::HttpProtocolError,
        outgoing::Error::Interrupted => Error::InternalError(None),
    }
}
