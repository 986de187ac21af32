//! Logs: for people in a terminal, or one JSON object a line. What plugins say is kept besides.

mod lines;

use std::io::IsTerminal;

use clap::ValueEnum;
use serde::Deserialize;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

pub use lines::{Following, KEPT_LINES, Line, Lines, keeper, lines};

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line, for programs.
    Json,
}

/// What is logged and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// How a line looks.
    pub format: LogFormat,
    /// Which lines: a level (`error`, `warn`, `info`, `debug`, `trace`), or directives as in `info,plugin=debug`. What plugins print
    /// has the target `plugin`.
    pub level: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { format: LogFormat::Human, level: "info".to_owned() }
    }
}

/// The level cannot be understood, or there is a log already.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level cannot be understood.
    #[error("`{level}` is not a log level")]
    Level {
        /// What it says.
        level: String,
        /// Why not.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The process has a log already.
    #[error("the log could not be started: {0}")]
    Taken(String),
}

/// Starts the log of this process, on standard error.
///
/// # Errors
/// The level cannot be understood, or the process has a log already.
pub fn start(settings: &Settings) -> Result<(), LogError> {
    let filter = EnvFilter::builder()
        .parse(&settings.level)
        .map_err(|source| LogError::Level { level: settings.level.clone(), source })?;
    let shown =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let shown = match settings.format {
        LogFormat::Human => shown.boxed(),
        LogFormat::Json => shown.json().flatten_event(true).boxed(),
    };
    let started = tracing_subscriber::registry().with(shown.with_filter(filter)).with(keeper()).try_init();
    started.map_err(|error| LogError::Taken(error.to_string()))
}

/// An error with its causes, in one line; some carry their cause in their own words.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = cause.source();
    }
    text
}
