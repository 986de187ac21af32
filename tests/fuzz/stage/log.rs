//! The log of the host, which must not have an error of the host itself: what goes wrong with any input is the client's or the
//! plugin's affair.

use std::fmt::{Debug, Write as _};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

/// Whether a plugin may fail while this target runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Plugins {
    /// They may, by what the input has them do: in a way that has one of these words.
    MayFail(&'static [&'static str]),
    /// They may not.
    DoNotFail,
}

struct Watch(Plugins);

/// Ends the process at a line that must not be, from now on.
pub fn watch(plugins: Plugins) {
    let subscriber = tracing_subscriber::registry().with(Watch(plugins).with_filter(LevelFilter::WARN));
    tracing::subscriber::set_global_default(subscriber).expect("nobody else has set one");
}

impl<S: Subscriber> Layer<S> for Watch {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let Line(line) = line;
        let is_of_plugin = event.metadata().target() == "plugin";
        // Libraries have words of their own for what a client does.
        let is_of_host = event.metadata().target().starts_with("holdline");
        match self.0 {
            _ if is_of_host && *event.metadata().level() == Level::ERROR => panic!("the host has an error: {line}"),
            Plugins::DoNotFail if is_of_plugin => panic!("a plugin has failed: {line}"),
            Plugins::MayFail(words) if is_of_plugin && line.contains("trap=") => {
                assert!(words.iter().any(|word| line.contains(word)), "a trap that is not the guest's: {line}");
            }
            _ => {}
        }
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let written = write!(self.0, "{}={value:?} ", field.name());
        written.expect("a string takes what is written");
    }
}
