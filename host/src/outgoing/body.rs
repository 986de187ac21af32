//! The body of a response that may be silent for so long and no longer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use super::error::Error;

/// A body that fails when nothing of it comes for too long.
pub struct Timed<B> {
    body: B,
    limit: Duration,
    silence: Pin<Box<Sleep>>,
}

impl<B> Timed<B> {
    pub(super) fn new(body: B, limit: Duration) -> Self {
        Self { body, limit, silence: Box::pin(sleep(limit)) }
    }
}

impl<B: Body<Error = hyper::Error> + Unpin> Body for Timed<B> {
    type Data = B::Data;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            let begin = Instant::now() + self.limit;
            self.silence.as_mut().reset(begin);
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::Http)));
        }
        ready!(self.silence.as_mut().poll(cx));
        Poll::Ready(Some(Err(Error::BodyTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
