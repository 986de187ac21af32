//! The log of a tenant's plugins as it comes: server-sent events, one line of JSON each.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::{HeaderValue, header};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Level;

use super::timestamp;
use crate::admin::ask::{Answer, Ask};
use crate::admin::fault::Fault;
use crate::admin::ledger::Holder;
use crate::admin::shapes::{self, LogLine};
use crate::telemetry::{Following, KEPT_LINES, Line, lines};

/// So often something is sent when nothing is said, so that whoever is between the two sees that the stream lives.
const PULSE: Duration = Duration::from_secs(15);

/// Which lines are wanted.
#[derive(Debug, Deserialize)]
struct Wanted {
    plugin: Option<String>,
    #[serde(default = "info")]
    level: shapes::Level,
    #[serde(default)]
    tail: usize,
    #[serde(default = "yes")]
    follow: bool,
}

fn info() -> shapes::Level {
    shapes::Level::Info
}

fn yes() -> bool {
    true
}

struct Stream {
    wanted: Wanted,
    // Until these are sent, nothing else is.
    past: VecDeque<Arc<Line>>,
    following: Following,
    holder: Arc<Holder>,
    closing: CancellationToken,
}

/// Lines, as they come.
pub(in crate::admin) async fn stream(ask: Ask) -> Answer {
    let wanted: Wanted = ask.query()?;
    if wanted.tail > KEPT_LINES {
        return Err(Fault::invalid(format!("`tail` is more than {KEPT_LINES}")));
    }
    let (past, following) = lines().follow(ask.tenant()?.name(), KEPT_LINES);
    let mut past: VecDeque<_> = past.into_iter().filter(|line| wanted.has(line)).collect();
    past.drain(..past.len().saturating_sub(wanted.tail));
    let (holder, closing) = (Arc::clone(&ask.caller.holder), ask.api.closing.clone());
    let stream = Stream { wanted, past, following, holder, closing };
    let events = futures_util::stream::unfold(stream, |mut stream| async move {
        let event = stream.next().await?;
        Some((Ok::<_, std::convert::Infallible>(event), stream))
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

impl Stream {
    /// The next event, as it is sent; nothing at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(line) = self.past.pop_front() {
            return Some(event(&line));
        }
        if !self.wanted.follow {
            return None;
        }
        let pulse = tokio::time::sleep(PULSE);
        tokio::pin!(pulse);
        loop {
            let expired = expiry(&self.holder);
            let received = tokio::select! {
                received = self.following.recv() => received,
                () = &mut pulse => return Some(Bytes::from_static(b": still here\n\n")),
                () = self.holder.ended().cancelled() => return None,
                () = self.closing.cancelled() => return None,
                () = expired => return None,
            };
            match received {
                Ok(line) if self.wanted.has(&line) => return Some(event(&line)),
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => {
                    return Some(format!("event: lost\ndata: {{\"lines\":{missed}}}\n\n").into());
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl Wanted {
    fn has(&self, line: &Line) -> bool {
        let of_plugin = self.plugin.is_none() || self.plugin == line.plugin;
        of_plugin && (level(line.level) as u8) <= (self.level as u8)
    }
}

/// Resolves when the token ends to be good.
async fn expiry(holder: &Holder) {
    let Some(expires) = holder.record().expires else { return std::future::pending().await };
    let left = expires.duration_since(Timestamp::now());
    let left = Duration::try_from(left).unwrap_or_default();
    match Instant::now().checked_add(left) {
        Some(then) => tokio::time::sleep_until(then).await,
        None => std::future::pending().await,
    }
}

fn level(level: Level) -> shapes::Level {
    match level {
        Level::ERROR => shapes::Level::Error,
        Level::WARN => shapes::Level::Warn,
        Level::INFO => shapes::Level::Info,
        Level::DEBUG => shapes::Level::Debug,
        Level::TRACE => shapes::Level::Trace,
    }
}

fn event(line: &Line) -> Bytes {
    let told = LogLine {
        at: timestamp(line.at),
        level: level(line.level),
        plugin: line.plugin.clone(),
        version: line.version.clone(),
        message: line.message.clone(),
    };
    // JSON has no line break that is not escaped, so it is one line of the stream.
    format!("data: {}\n\n", serde_json::to_string(&told).unwrap_or_default()).into()
}
