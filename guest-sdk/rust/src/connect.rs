//! Deciding who may connect.

use crate::bindings::connect_handler::exports::holdline::websocket::connect_handler as wire;
use crate::{Header, header};

pub use wire::{Acceptance, Refusal, Upgrade};

/// Decides who may connect. Without it everyone may, with no subprotocol.
pub trait ConnectHandler {
    /// Is called before the upgrade. Unless written, it accepts everyone with no subprotocol and an empty attachment.
    ///
    /// # Errors
    /// The HTTP response that refuses. A panic answers the client with 500 and an empty body.
    fn connect(upgrade: Upgrade) -> Result<Acceptance, Refusal> {
        let _ = upgrade;
        Ok(Acceptance::new())
    }
}

impl Upgrade {
    /// The first header of this name, in any case. Bytes that are not UTF-8 become U+FFFD; the field `headers` has them
    /// as they are.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        header::first(&self.headers, name)
    }
}

impl Acceptance {
    /// Accepts with no subprotocol and an empty attachment.
    #[must_use]
    pub fn new() -> Self {
        Self { subprotocol: None, attachment: Vec::new() }
    }

    /// Agrees on one of the subprotocols that the client offers. Another one is an error of the plugin: the client gets
    /// 500.
    #[must_use]
    pub fn with_subprotocol(mut self, subprotocol: impl Into<String>) -> Self {
        self.subprotocol = Some(subprotocol.into());
        self
    }

    /// Gives the connection its first attachment.
    #[must_use]
    pub fn with_attachment(mut self, attachment: impl Into<Vec<u8>>) -> Self {
        self.attachment = attachment.into();
        self
    }
}

impl Default for Acceptance {
    fn default() -> Self {
        Self::new()
    }
}

impl Refusal {
    /// Refuses with this status, from 400 to 599, and an empty body. Another status is an error of the plugin: the
    /// client gets 500.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header. Those that belong to the transfer (such as content-length) are left out by the host.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push(Header { name: name.into(), value: value.into() });
        self
    }

    /// Gives the response a body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}
