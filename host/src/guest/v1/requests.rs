//! `requests`: what a handler does with the connection whose event it handles.

use std::sync::Arc;
use std::time::Duration;

use super::bindings::holdline::websocket::requests::{Expiry, Host, ReplyError, RetainError, RetainOptions};
use super::bindings::holdline::websocket::types::{CloseFrame, Header, Message};
use super::error::{NotThisEvent, close_frame};
use super::state::State;
use crate::hub::{self, Connection};

impl State {
    fn this_event(&self, request: u64) -> Option<&Arc<Connection>> {
        self.event.as_ref().filter(|event| event.request == request).map(|event| &event.connection)
    }

    fn reading(&self, request: u64) -> wasmtime::Result<&Connection> {
        Ok(self.this_event(request).ok_or(NotThisEvent(request))?)
    }

    fn retain(&self, request: u64, options: Option<RetainOptions>) -> Result<u64, RetainError> {
        let connection = self.this_event(request).ok_or(RetainError::NotThisEvent)?;
        let (deadline, expiry) = match options {
            Some(options) => (options.deadline_ms.map(Duration::from_millis), options.on_expiry),
            None => (None, None),
        };
        let expiry = match expiry {
            None | Some(Expiry::Resume) => hub::Expiry::Resume,
            Some(Expiry::Close(frame)) => hub::Expiry::Close(close_frame(Some(frame))?),
            Some(Expiry::Send(message)) => hub::Expiry::Send(message.into()),
        };
        let options = hub::RetainOptions { deadline: deadline.or(self.owner.retain_deadline), expiry };
        Ok(self.owner.hub.retain(connection, options)?.get())
    }

    fn reply(&self, request: u64, message: Message) -> Result<(), ReplyError> {
        let connection = self.this_event(request).ok_or(ReplyError::NotThisEvent)?;
        Ok(connection.reply(message.into())?)
    }

    fn reply_close(&self, request: u64, frame: Option<CloseFrame>) -> Result<(), ReplyError> {
        let connection = self.this_event(request).ok_or(ReplyError::NotThisEvent)?;
        Ok(connection.reply_close(close_frame(frame)?)?)
    }

    fn attach(&self, request: u64, bytes: Vec<u8>) -> Result<(), ReplyError> {
        let connection = self.this_event(request).ok_or(ReplyError::NotThisEvent)?;
        Ok(connection.set_attachment(bytes)?)
    }
}

impl Host for State {
    fn retain_web_socket(
        &mut self,
        request: u64,
        options: Option<RetainOptions>,
    ) -> wasmtime::Result<Result<u64, RetainError>> {
        Ok(self.retain(request, options))
    }

    fn send_web_socket(&mut self, request: u64, message: Message) -> wasmtime::Result<Result<(), ReplyError>> {
        Ok(self.reply(request, message))
    }

    fn close_web_socket(
        &mut self,
        request: u64,
        frame: Option<CloseFrame>,
    ) -> wasmtime::Result<Result<(), ReplyError>> {
        Ok(self.reply_close(request, frame))
    }

    fn web_socket_id(&mut self, request: u64) -> wasmtime::Result<String> {
        Ok(self.reading(request)?.id().to_string())
    }

    fn path(&mut self, request: u64) -> wasmtime::Result<String> {
        Ok(self.reading(request)?.upgrade().path.to_string())
    }

    fn query(&mut self, request: u64) -> wasmtime::Result<String> {
        Ok(self.reading(request)?.upgrade().query.to_string())
    }

    fn headers(&mut self, request: u64) -> wasmtime::Result<Vec<Header>> {
        Ok(self.reading(request)?.upgrade().headers.iter().map(Header::from).collect())
    }

    fn subprotocol(&mut self, request: u64) -> wasmtime::Result<Option<String>> {
        Ok(self.reading(request)?.subprotocol().map(str::to_owned))
    }

    fn remote_address(&mut self, request: u64) -> wasmtime::Result<String> {
        Ok(self.reading(request)?.upgrade().remote_address.to_string())
    }

    fn attachment(&mut self, request: u64) -> wasmtime::Result<Vec<u8>> {
        Ok(self.reading(request)?.attachment())
    }

    fn set_attachment(&mut self, request: u64, bytes: Vec<u8>) -> wasmtime::Result<Result<(), ReplyError>> {
        Ok(self.attach(request, bytes))
    }
}

impl From<(&str, &[u8])> for Header {
    fn from((name, value): (&str, &[u8])) -> Self {
        Self { name: name.to_owned(), value: value.to_vec() }
    }
}
