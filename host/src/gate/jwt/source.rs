//! Where keys come from: a text, a file, or a set at a URL. Files and sets are read again, so that keys can be changed while the host
//! runs; those that were read last serve until others are.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use tokio::time::timeout;

use super::error::{FetchError, JwtError};
use super::key::{self, Key, KeyError};
use super::settings::{Author, Jwt};
use crate::outgoing::{Allowlist, Client, Timeouts, Trust};

/// A set of keys has a few KiB.
const MAX_SET: usize = 256 << 10;

/// A client that waits for keys does not wait for longer.
const FETCH: Duration = Duration::from_secs(10);

const PART: Duration = Duration::from_secs(5);

/// Where public keys come from.
#[derive(Debug)]
pub(super) enum Source {
    /// They are in the settings.
    Text(String),
    /// They are in a file.
    File(PathBuf, Form),
    /// They are at a URL.
    Url(Uri, Box<Allowlist>),
}

/// How keys are written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Pem,
    Set,
}

impl Form {
    fn read(self, text: &[u8]) -> Result<Vec<Key>, KeyError> {
        match self {
            Self::Pem => key::of_pem(text),
            Self::Set => key::of_set(text),
        }
    }
}

impl Source {
    /// That of the settings, if they name public keys.
    pub(super) fn of(settings: &Jwt) -> Result<Self, JwtError> {
        match (&settings.public_keys, &settings.jwks) {
            (Some(text), None) if text.trim_start().starts_with("-----BEGIN") => Ok(Self::Text(text.clone())),
            (Some(path), None) => file(settings, path, Form::Pem),
            (None, Some(place)) if place.contains("://") => url(settings, place),
            (None, Some(path)) => file(settings, path, Form::Set),
            _ => Err(JwtError::Keys),
        }
    }

    /// How old keys may be before they are looked at again, and how long it is from a look that has found nothing new to the next one at
    /// least: clients that name keys that nobody knows cost no more than that.
    pub(super) fn pace(&self) -> (Duration, Duration) {
        match self {
            Self::Text(_) => (Duration::MAX, Duration::MAX),
            Self::File(..) => (Duration::from_secs(1), Duration::from_secs(1)),
            Self::Url(..) => (Duration::from_secs(600), Duration::from_secs(10)),
        }
    }

    /// What can be read at once: what is wrong with it is found out when the plugin is loaded.
    pub(super) fn read_now(&self) -> Result<Option<Vec<Key>>, FetchError> {
        match self {
            Self::Text(text) => Ok(Some(Form::Pem.read(text.as_bytes())?)),
            Self::File(path, form) => Ok(Some(form.read(&std::fs::read(path)?)?)),
            Self::Url(..) => Ok(None),
        }
    }

    /// The keys as they are now.
    pub(super) async fn fetch(&self, trust: &Trust) -> Result<Vec<Key>, FetchError> {
        match self {
            Self::Text(text) => Ok(Form::Pem.read(text.as_bytes())?),
            Self::File(path, form) => Ok(form.read(&tokio::fs::read(path).await?)?),
            Self::Url(url, allowed) => {
                let set = get(url, Allowlist::clone(allowed), trust.clone());
                let set = timeout(FETCH, set).await.map_err(|_| FetchError::Timeout)??;
                Ok(Form::Set.read(&set)?)
            }
        }
    }
}

/// For the log.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("the settings"),
            Self::File(path, _) => path.display().fmt(f),
            Self::Url(url, _) => url.fmt(f),
        }
    }
}

async fn get(url: &Uri, allowed: Allowlist, trust: Trust) -> Result<Bytes, FetchError> {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let request = Request::get(url.clone()).header(header::HOST, authority).header(header::ACCEPT, "application/json");
    let request = request.body(Empty::<Bytes>::new())?;
    let timeouts = Timeouts { connect: PART, first_byte: PART, between_bytes: PART };
    let exchange = Client::new(allowed, trust).send(request, timeouts).await?;
    // It is read and written for as long as this is there.
    let _connection = exchange.connection;
    let status = exchange.response.status();
    if status != StatusCode::OK {
        return Err(FetchError::Status(status));
    }
    let body = Limited::new(exchange.response.into_body(), MAX_SET).collect().await;
    Ok(body.map_err(FetchError::Body)?.to_bytes())
}

fn file(settings: &Jwt, path: &str, form: Form) -> Result<Source, JwtError> {
    match settings.author() {
        Author::Operator(folder) => Ok(Source::File(folder.join(path), form)),
        Author::Plugin => Err(JwtError::File(path.to_owned())),
    }
}

/// Over HTTPS; what goes over plain HTTP could be changed on its way, and so it has none: it stays on this machine, and only the operator can
/// ask for it.
fn url(settings: &Jwt, place: &str) -> Result<Source, JwtError> {
    let bad = || JwtError::Url(place.to_owned());
    let uri: Uri = place.parse().map_err(|_| bad())?;
    let host = uri.host().ok_or_else(bad)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let address = bare.parse::<IpAddr>().ok();
    let is_here = bare == "localhost" || address.is_some_and(|address| address.to_canonical().is_loopback());
    let is_allowed = match (uri.scheme(), settings.author()) {
        (Some(scheme), Author::Operator(_)) => *scheme == Scheme::HTTPS || *scheme == Scheme::HTTP && is_here,
        // An address could be one of the host's own network, where a plugin has no business.
        (Some(scheme), Author::Plugin) => *scheme == Scheme::HTTPS && !is_here && address.is_none(),
        (None, _) => false,
    };
    if !is_allowed {
        return Err(bad());
    }
    let port = uri.port().map_or(String::new(), |port| format!(":{port}"));
    let host = format!("{host}{port}").parse().map_err(|_| bad())?;
    Ok(Source::Url(uri, Box::new(Allowlist::new(vec![host]))))
}
