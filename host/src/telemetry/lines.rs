//! What plugins say, kept for whoever operates the host: the last lines of each tenant, and those that come. Who follows and is too
//! slow learns how many it has missed; nobody waits for it.

use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::sync::broadcast;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The target of all that is said by plugins or about them.
const TARGET: &str = "plugin";

/// So many lines of a tenant are kept.
pub const KEPT_LINES: usize = 1_000;

/// And no more bytes of them: a thousand tenants that say much must not have the host's memory.
const KEPT_BYTES: usize = 256 << 10;

/// What a line counts beside its text: the digest of a version has 71 characters.
const LINE: usize = 224;

/// So many lines may wait for one who follows.
const WAITING: usize = 256;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: SystemTime,
    /// How bad it is.
    pub level: Level,
    /// Which plugin said it or is meant.
    pub plugin: Option<String>,
    /// The digest of its version, if it is about one.
    pub version: Option<String>,
    /// The text, and what else is told with it.
    pub message: String,
}

/// The lines of a tenant as they come.
pub type Following = broadcast::Receiver<Arc<Line>>;

/// The lines of all tenants, by name. The process has one log, and so one of these.
#[derive(Default)]
pub struct Lines {
    tenants: DashMap<String, Arc<Mutex<Kept>>>,
}

#[derive(Default)]
struct Kept {
    lines: VecDeque<Arc<Line>>,
    bytes: usize,
    // Made for the first who follows.
    following: Option<broadcast::Sender<Arc<Line>>>,
}

/// The lines that plugins of this process have said.
#[must_use]
pub fn lines() -> &'static Lines {
    static LINES: LazyLock<Lines> = LazyLock::new(Lines::default);
    &LINES
}

impl Lines {
    /// The last lines of a tenant, at most so many, and those that come after them: none is missed between the two.
    #[must_use]
    pub fn follow(&self, tenant: &str, most: usize) -> (Vec<Arc<Line>>, Following) {
        let kept = Arc::clone(&self.tenants.entry(tenant.to_owned()).or_default());
        let mut kept = kept.lock();
        let skip = kept.lines.len().saturating_sub(most);
        let last = kept.lines.iter().skip(skip).cloned().collect();
        let following = kept.following.get_or_insert_with(|| broadcast::Sender::new(WAITING)).subscribe();
        (last, following)
    }

    /// Forgets the lines of a tenant that has gone. Those who follow come to an end.
    pub fn forget(&self, tenant: &str) {
        self.tenants.remove(tenant);
    }

    fn push(&self, tenant: &str, line: Line) {
        let kept = match self.tenants.get(tenant) {
            Some(kept) => Arc::clone(kept.value()),
            None => Arc::clone(&self.tenants.entry(tenant.to_owned()).or_default()),
        };
        kept.lock().push(Arc::new(line));
    }
}

impl Kept {
    fn push(&mut self, line: Arc<Line>) {
        self.bytes += LINE + line.message.len();
        if let Some(following) = &self.following {
            // Without anybody who follows, the room for them is given back.
            if following.send(Arc::clone(&line)).is_err() {
                self.following = None;
            }
        }
        self.lines.push_back(line);
        while self.lines.len() > KEPT_LINES || self.bytes > KEPT_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(LINE + oldest.message.len());
        }
    }
}

/// The part of a log that keeps the lines of plugins.
pub fn keeper<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    // No more than is told: the level that somebody wants to see is paid for by all who have something to tell, libraries included.
    Keeper.with_filter(Targets::new().with_target(TARGET, LevelFilter::INFO))
}

struct Keeper;

impl<S: Subscriber> Layer<S> for Keeper {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        // What has no tenant is nobody's to see.
        let Some(tenant) = said.tenant else { return };
        let message = said.message + &said.others;
        let (at, level) = (SystemTime::now(), *event.metadata().level());
        let line = Line { at, level, plugin: said.plugin, version: said.version, message };
        lines().push(&tenant, line);
    }
}

/// The fields of an event. They are the host's: what a plugin prints is in the message, whatever it looks like.
#[derive(Default)]
struct Said {
    tenant: Option<String>,
    plugin: Option<String>,
    version: Option<String>,
    message: String,
    others: String,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "tenant" => self.tenant = Some(value.to_owned()),
            "plugin" => self.plugin = Some(value.to_owned()),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a text never fails.
        let _always = match field.name() {
            // What is brief in the log is kept whole.
            "version" => write!(self.version.insert(String::new()), "{value:#?}"),
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.others, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str) -> Line {
        Line { at: SystemTime::now(), level: Level::INFO, plugin: None, version: None, message: message.to_owned() }
    }

    fn texts(lines: &[Arc<Line>]) -> Vec<&str> {
        lines.iter().map(|line| line.message.as_str()).collect()
    }

    #[test]
    fn the_last_lines_of_a_tenant_are_kept_and_nobody_elses() {
        let lines = Lines::default();
        (0..KEPT_LINES + 5).for_each(|number| lines.push("a", line(&number.to_string())));
        lines.push("b", line("other"));
        assert_eq!(texts(&lines.follow("a", 2).0), ["1003", "1004"]);
        assert_eq!(lines.follow("a", usize::MAX).0.len(), KEPT_LINES);
        assert_eq!(texts(&lines.follow("b", 9).0), ["other"]);
        lines.forget("a");
        assert!(lines.follow("a", 9).0.is_empty());
    }

    #[test]
    fn lines_are_bounded_in_bytes_too() {
        let lines = Lines::default();
        (0..100).for_each(|_| lines.push("a", line(&"x".repeat(8 << 10))));
        assert!(lines.follow("a", usize::MAX).0.len() < 32);
    }

    #[test]
    fn who_is_too_slow_learns_how_many_it_has_missed() {
        let lines = Lines::default();
        let (_, mut following) = lines.follow("a", 0);
        (0..WAITING + 3).for_each(|number| lines.push("a", line(&number.to_string())));
        assert_eq!(following.try_recv(), Err(broadcast::error::TryRecvError::Lagged(3)));
        assert_eq!(following.try_recv().map(|line| line.message.clone()), Ok("3".to_owned()));
    }
}
