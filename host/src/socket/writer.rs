//! What goes out to a client, as bytes: frames are put one after the other into one buffer, so that many go out in one write. The
//! buffer is given back when it is written.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

use super::deflate::deflated;
use super::extension::WindowBits;
use crate::message::{CloseFrame, Message};

/// So many bytes are put together before they are written: enough for the cost of a write not to matter.
pub(super) const FULL: usize = 64 << 10;

/// The longest head of a frame without a mask.
pub(super) const LONGEST_HEAD: usize = 10;

/// A buffer larger than this is not kept for the next message.
pub(super) const KEPT: usize = 512;

/// Frames that have not been written.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    written: usize,
    deflate: Option<Deflate>,
}

/// How messages are compressed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deflate {
    /// The smallest that is.
    pub(super) from: u32,
    pub(super) window: WindowBits,
}

impl Writer {
    /// Nothing waits to be written.
    pub(super) fn new(deflate: Option<Deflate>) -> Self {
        Self { deflate, ..Self::default() }
    }

    /// How many bytes more may be put in before it should be written.
    pub(super) fn room(&self) -> usize {
        FULL.saturating_sub(self.bytes.len())
    }

    /// What is not written yet, when nothing of it is.
    pub(super) fn unwritten(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// True if all is written.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn message(&mut self, message: &Message) {
        let (opcode, payload) = opcode_and_payload(message);
        match self.deflate {
            None => self.frame(opcode, payload),
            Some(deflate) => self.compressed(opcode, payload, deflate),
        }
    }

    /// A message for a client that takes compressed ones. The first reserved bit says that it is one (RFC 7692, section 6). Apart, so
    /// that those who have nothing compressed do not carry it.
    #[inline(never)]
    fn compressed(&mut self, opcode: u8, payload: &[u8], deflate: Deflate) {
        if u32::try_from(payload.len()).is_ok_and(|length| length < deflate.from) {
            return self.frame(opcode, payload);
        }
        deflated(payload, deflate.window, |small| match small {
            Some(small) => self.frame(0x40 | opcode, small),
            None => self.frame(opcode, payload),
        });
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

    fn frame(&mut self, opcode: u8, payload: &[u8]) {
        frame(&mut self.bytes, opcode, payload);
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
        // What has been given to TLS is written when it is flushed.
        ready!(Pin::new(&mut *stream).poll_flush(cx))?;
        self.written = 0;
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        Poll::Ready(Ok(()))
    }
}

/// Puts the frame of a message, as it is, behind these bytes.
pub(super) fn put_message(bytes: &mut Vec<u8>, message: &Message) {
    let (opcode, payload) = opcode_and_payload(message);
    frame(bytes, opcode, payload);
}

fn opcode_and_payload(message: &Message) -> (u8, &[u8]) {
    match message {
        Message::Text(text) => (0x1, text.as_bytes()),
        Message::Binary(bytes) => (0x2, bytes.as_ref()),
    }
}

/// One whole frame, unmasked (RFC 6455, section 5.2).
fn frame(bytes: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    bytes.reserve(payload.len() + LONGEST_HEAD);
    bytes.push(0x80 | opcode);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length), _) if length < 126 => bytes.push(length),
        (_, Ok(length)) => {
            bytes.push(126);
            bytes.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            bytes.push(127);
            // No machine has a longer slice.
            bytes.extend_from_slice(&u64::try_from(payload.len()).unwrap_or(u64::MAX).to_be_bytes());
        }
    }
    bytes.extend_from_slice(payload);
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
