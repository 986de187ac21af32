//! The log of this process, kept so that a test can wait for a line of its own plugin.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::bail;
use tokio::sync::watch;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// The lines by the name of the plugin that they are about; those about none are under the empty name.
type Lines = HashMap<String, Vec<String>>;

struct Log {
    lines: Mutex<Lines>,
    // Tells those who wait that there is a line more.
    more: watch::Sender<()>,
}

static LOG: OnceLock<Log> = OnceLock::new();

/// Begins to keep the log; the first test to start a host does it for all.
pub(super) fn keep() {
    LOG.get_or_init(|| {
        let subscriber = tracing_subscriber::registry()
            .with(Keeper.with_filter(LevelFilter::INFO))
            .with(holdline::telemetry::keeper());
        // Only a test that has a log of its own could be first, and there is none.
        let _taken = tracing::subscriber::set_global_default(subscriber);
        Log { lines: Mutex::default(), more: watch::Sender::new(()) }
    });
}

/// The lines of this plugin so far.
pub(crate) fn lines(plugin: &str) -> Vec<String> {
    let Some(log) = LOG.get() else { return Vec::new() };
    log.lines.lock().unwrap_or_else(PoisonError::into_inner).get(plugin).cloned().unwrap_or_default()
}

/// Waits for a line of this plugin that contains the text, and returns the first.
pub(crate) async fn logged(plugin: &str, text: &str) -> anyhow::Result<String> {
    let Some(log) = LOG.get() else { bail!("no host was started, so nothing is logged") };
    let mut more = log.more.subscribe();
    let found = async {
        loop {
            if let Some(line) = lines(plugin).into_iter().find(|line| line.contains(text)) {
                return line;
            }
            // The sender is never dropped.
            let _sender_lives = more.changed().await;
        }
    };
    match super::within(text, found).await {
        Ok(line) => Ok(line),
        Err(error) => Err(error.context(format!("the log of {plugin} has {:#?}", lines(plugin)))),
    }
}

struct Keeper;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Keeper {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line { plugin: String::new(), text: event.metadata().level().to_string() };
        event.record(&mut line);
        // An event while the log is being made is not from a test.
        if let Some(log) = LOG.get() {
            log.lines.lock().unwrap_or_else(PoisonError::into_inner).entry(line.plugin).or_default().push(line.text);
            log.more.send_replace(());
        }
    }
}

struct Line {
    plugin: String,
    text: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "plugin" => value.clone_into(&mut self.plugin),
            name => self.add(name, &format_args!("{value}")),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field.name(), value);
    }
}

impl Line {
    fn add(&mut self, name: &str, value: &dyn fmt::Debug) {
        // Writing to a text never fails.
        let _always = match name {
            "message" => write!(self.text, " {value:?}"),
            name => write!(self.text, " {name}={value:?}"),
        };
    }
}
