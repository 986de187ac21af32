//! What goes out to a client, as bytes: frames are put one after the other into one buffer, so that many go out in one write. The
//! buffer is given back when it is written.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

use crate::message::{CloseFrame, Message};

/// So many bytes are put together before they are written: enough for the cost of a write not to matter.
const FULL: usize = 64 << 10;

/// A buffer larger than this is not kept for the next message.
const KEPT: usize = 512;

/// Frames that have not been written.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    written: usize,
}

impl Writer {
    /// How many bytes more may be put in before it should be written.
    pub(super) fn room(&self) -> usize {
        FULL.saturating_sub(self.bytes.len())
    }

    /// True if all is written.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn message(&mut self, message: &Message) {
        match message {
            Message::Text(text) => self.frame(0x1, text.as_bytes()),
            Message::Binary(bytes) => self.frame(0x2, bytes),
        }
    }

    pub(super) fn close(&mut self, frame: &CloseFrame) {
        // 1005 stands for a frame without a code and is never on the wire (RFC 6455, section 7.4.1).
        if frame.code() == 1005 {
            return self.frame(0x8, &[]);
        }
        self.frame(0x8, &[&frame.code().to_be_bytes(), frame.reason().as_bytes()].concat());
    }

    pub(super) fn ping(&mut self) {
        self.frame(0x9, &[]);
    }

    pub(super) fn pong(&mut self, payload: &[u8]) {
        self.frame(0xa, payload);
    }

    /// One whole frame, unmasked (RFC 6455, section 5.2).
    fn frame(&mut self, opcode: u8, payload: &[u8]) {
        // The longest head of a frame without a mask.
        self.bytes.reserve(payload.len() + 10);
        self.bytes.push(0x80 | opcode);
        match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
            (Ok(length), _) if length < 126 => self.bytes.push(length),
            (_, Ok(length)) => {
                self.bytes.push(126);
                self.bytes.extend_from_slice(&length.to_be_bytes());
            }
            _ => {
                self.bytes.push(127);
                // No machine has a longer slice.
                self.bytes.extend_from_slice(&u64::try_from(payload.len()).unwrap_or(u64::MAX).to_be_bytes());
            }
        }
        self.bytes.extend_from_slice(payload);
    }

    /// Writes all of it.
    pub(super) fn poll(
        &mut self,
        stream: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while let Some(rest) = self.bytes.get(self.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut *stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.written += written,
            }
        }
        self.written = 0;
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_have_the_shortest_head_and_go_out_together() {
        let mut writer = Writer::default();
        for (size, head) in [
            (0, &[0x82, 0][..]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0, 126]),
            (0xffff, &[0x82, 126, 0xff, 0xff]),
            (0x10000, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            writer.message(&Message::Binary(vec![7; size].into()));
            writer.pong(b"pong");
            let mut out = Vec::new();
            std::future::poll_fn(|cx| writer.poll(&mut out, cx)).await.expect("written");
            assert_eq!(out, [head, &vec![7; size], &[0x8a, 4], b"pong"].concat());
            assert!(writer.is_empty() && writer.bytes.capacity() <= KEPT);
        }
    }
}
