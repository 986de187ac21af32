//! Messages and the other words of the contract that are plain values.

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::bindings::imports::holdline::websocket::types::{CloseFrame, ConnectionId, Message, WebSocketHandle};

impl Message {
    /// A text message that holds the value as JSON.
    ///
    /// # Errors
    /// The value cannot be written as JSON: a map whose keys are not texts, or a `Serialize` that fails.
    pub fn from_json(value: &(impl Serialize + ?Sized)) -> Result<Self, serde_json::Error> {
        Ok(Self::Text(serde_json::to_string(value)?))
    }

    /// The text of a text message; `None` for a binary one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The bytes of the message: those of a text are its UTF-8.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Reads the message, text or binary, as JSON.
    ///
    /// # Errors
    /// The message is not JSON, or not of this type; the error says where.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(self.as_bytes())
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(bytes.to_owned())
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_text_and_bytes_become_binary() {
        assert_eq!(Message::from("a").as_text(), Some("a"));
        assert_eq!(Message::from("a".to_owned()).as_text(), Some("a"));
        assert_eq!(Message::from(vec![1]).as_text(), None);
        assert_eq!(Message::from([1].as_slice()).as_bytes(), [1]);
    }

    #[test]
    fn json_is_read_from_text_and_from_binary() {
        let written = Message::from_json(&[1, 2]);

        assert!(matches!(written, Ok(message) if message.as_text() == Some("[1,2]")));
        for message in [Message::from("[1,2]"), Message::from(b"[1,2]".to_vec())] {
            assert!(matches!(message.json::<Vec<u8>>(), Ok(list) if list == [1, 2]));
        }
        assert!(Message::from("[1,").json::<Vec<u8>>().is_err());
    }
}
