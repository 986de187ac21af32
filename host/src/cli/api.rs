//! The command line's side of the admin API: where the host is, who asks, and what its answers mean. Every command that operates a
//! running host goes through it.

use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use http::{Method, Request, Response, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::{Agent, AsSendBody, Body};

use super::access::Access;
use super::source::Advice;
use super::table::plain;
use crate::admin::shapes::{Failure, Fault, List};

/// A host that is there takes a connection at once.
const CONNECTING: Duration = Duration::from_secs(10);

/// The longest that anything takes is to compile a large component; a log says every 15 seconds that it is alive.
const SILENCE: Duration = Duration::from_secs(120);

/// Larger answers are not the admin API's.
const LARGEST: u64 = 256 << 20;

/// The most that the host gives in one page.
const PAGE: usize = 1000;

/// A host, as somebody sees it.
pub(super) struct Api<'a> {
    access: &'a Access,
    agent: Agent,
    token: Option<String>,
}

/// What a request carries.
pub(super) enum Payload<'a> {
    /// Nothing.
    Empty,
    /// A document.
    Json(Value),
    /// Bytes of this media type.
    Bytes(&'static str, &'a [u8]),
}

/// A path with its query.
#[derive(Clone)]
pub(super) struct Target(String);

impl Target {
    /// The path of these parts, each of which may have any characters.
    pub(super) fn new(parts: &[&str]) -> Self {
        let mut path = String::new();
        for part in parts {
            path.push('/');
            encode(part, &mut path);
        }
        Self(path)
    }

    /// With one thing more asked for.
    pub(super) fn with(mut self, key: &str, value: impl Display) -> Self {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0.push_str(key);
        self.0.push('=');
        encode(&value.to_string(), &mut self.0);
        self
    }

    /// The same, if there is a value.
    pub(super) fn with_some(self, key: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }
}

/// Everything but letters, digits and these means something in a URL, or may.
fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

impl<'a> Api<'a> {
    pub(super) fn new(access: &'a Access) -> anyhow::Result<Self> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // The variables of proxies are for the web; this host is near.
            .proxy(None)
            .user_agent(concat!("holdline/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECTING))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE));
        Ok(Self { access, agent: config.build().new_agent(), token: access.token()? })
    }

    /// What is below the tenant that is meant.
    pub(super) fn of_tenant(&self, parts: &[&str]) -> Target {
        Target::new(&[&["v1", "tenants", self.access.tenant()], parts].concat())
    }

    pub(super) fn get(&self, target: Target) -> anyhow::Result<Value> {
        self.ask(Method::GET, target, Payload::Empty)
    }

    /// The same, or nothing if the token may not see it.
    pub(super) fn allowed(&self, target: Target) -> anyhow::Result<Option<Value>> {
        let response = self.send(Method::GET, target, None, ())?;
        if response.status() == StatusCode::FORBIDDEN {
            return Ok(None);
        }
        self.content(response).map(Some)
    }

    /// All of a list that comes in pages, up to this many.
    pub(super) fn pages(&self, target: &Target, most: usize) -> anyhow::Result<Value> {
        let mut list = List::<Value> { items: Vec::new(), next: None };
        while list.items.len() < most {
            let left = (most - list.items.len()).min(PAGE);
            let page = self.get(target.clone().with("limit", left).with_some("after", list.next.as_ref()))?;
            let page: List<Value> = read(page)?;
            let is_last = page.items.is_empty() || page.next.is_none();
            list.items.extend(page.items);
            list.next = page.next;
            if is_last {
                break;
            }
        }
        Ok(json!({ "items": list.items, "next": list.next }))
    }

    /// Asks for something; an answer without content is null.
    pub(super) fn ask(&self, method: Method, target: Target, payload: Payload<'_>) -> anyhow::Result<Value> {
        let response = match payload {
            Payload::Empty => self.send(method, target, None, ()),
            Payload::Json(value) => self.send(method, target, Some("application/json"), value.to_string()),
            Payload::Bytes(kind, bytes) => self.send(method, target, Some(kind), bytes),
        }?;
        self.content(response)
    }

    /// Asks for something that comes bit by bit.
    pub(super) fn stream(&self, target: Target) -> anyhow::Result<impl io::Read + use<>> {
        let response = self.send(Method::GET, target, None, ())?;
        if !response.status().is_success() {
            self.content(response)?;
            bail!(self.stranger());
        }
        Ok(response.into_body().into_with_config().limit(u64::MAX).reader())
    }

    fn send(
        &self,
        method: Method,
        target: Target,
        kind: Option<&str>,
        body: impl AsSendBody,
    ) -> anyhow::Result<Response<Body>> {
        let mut request = Request::builder().method(method).uri(format!("{}{}", self.access.url()?, target.0));
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let request = request.body(body).map_err(|error| anyhow!("the request cannot be made: {error}"))?;
        self.agent.run(request).map_err(|error| self.unreached(error))
    }

    fn content(&self, mut response: Response<Body>) -> anyhow::Result<Value> {
        let status = response.status();
        let text = response.body_mut().with_config().limit(LARGEST).read_to_string();
        let text = text.with_context(|| format!("the answer of {} broke off", self.access.admin()))?;
        if !status.is_success() {
            let failure: Option<Failure> = serde_json::from_str(&text).ok();
            return Err(failure.map_or_else(|| self.stranger(), |failure| self.refused(status, failure.error)));
        }
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|_| self.stranger())
    }

    /// The host's own words, and what to do in the terms of the command line.
    fn refused(&self, status: StatusCode, fault: Fault) -> anyhow::Error {
        let hint = if status == StatusCode::UNAUTHORIZED { Some(self.access.how_to_get_a_token()) } else { fault.hint };
        // They may quote what a plugin says.
        let message = plain(&fault.message);
        match hint {
            Some(hint) => anyhow!(Advice { message, hint: plain(&hint) }),
            None => anyhow!(message),
        }
    }

    fn unreached(&self, error: ureq::Error) -> anyhow::Error {
        let admin = self.access.admin();
        match error {
            ureq::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => anyhow!(Advice {
                message: format!("no host listens at {admin}"),
                hint:
                    "`[admin] address = \"127.0.0.1:9090\"` in the holdline.toml of a host switches its admin API on; \
                    --admin or HOLDLINE_ADMIN say where it is"
                        .to_owned(),
            }),
            error => anyhow!(error).context(format!("{admin} cannot be reached")),
        }
    }

    /// Something else answers there.
    fn stranger(&self) -> anyhow::Error {
        anyhow!(Advice {
            message: format!("what answers at {} is not an admin API", self.access.admin()),
            hint: "it is the address under [admin] in holdline.toml, not the one under [listen]".to_owned(),
        })
    }
}

/// What an answer says.
pub(super) fn read<T: DeserializeOwned>(answer: Value) -> anyhow::Result<T> {
    serde_json::from_value(answer).map_err(|error| {
        anyhow!(Advice {
            message: format!("the host's answer cannot be understood: {error}"),
            hint: "is the host of another version? `holdline --version` is that of this program".to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_can_leave_its_place_in_a_path() {
        let target =
            Target::new(&["v1", "a/../b?c#d", "ü %"]).with("k", "x&y=z").with_some("n", None::<u8>).with("m", 1);
        assert_eq!(target.0, "/v1/a%2F..%2Fb%3Fc%23d/%C3%BC%20%25?k=x%26y%3Dz&m=1");
    }
}
