//! The one place that writes to the terminal: results to standard output, what is being done to standard error.
//!
//! Every command prints through it. A reader that has gone away, as in `holdline doctor | head -1`, is no error: what cannot
//! be written is dropped.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::bail;
use dialoguer::Confirm;
use indicatif::ProgressBar;

use super::source::Advice;
use crate::toolchain::News;

/// How often the spinner turns; it shows that the program lives while a tool is silent.
const TURN: Duration = Duration::from_millis(100);

/// Prints one line of a command's result.
pub(super) fn line(text: impl Display) {
    let _reader_gone = writeln!(io::stdout().lock(), "{text}");
}

/// Shows what is being done: one turning line on a terminal, plain lines in a file or a pipe.
#[derive(Debug)]
pub(super) struct Progress {
    /// None where no one watches.
    spinner: Option<ProgressBar>,
}

impl Progress {
    /// Begins, with the first step's text.
    #[must_use]
    pub(super) fn start(text: &str) -> Progress {
        let spinner = io::stderr().is_terminal().then(ProgressBar::new_spinner);
        if let Some(spinner) = &spinner {
            spinner.enable_steady_tick(TURN);
        }
        let progress = Progress { spinner };
        progress.step(text);
        progress
    }

    /// Says what is being done now, in place of the step before.
    pub(super) fn step(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.set_message(text.to_owned()),
            None => remark(text),
        }
    }

    /// Prints a line that stays, such as a compiler's warning.
    pub(super) fn line(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| remark(text)),
            None => remark(text),
        }
    }

    /// Shows what a tool of the guests has to say.
    pub(super) fn hear(&self, news: News<'_>) {
        match news {
            News::Step(text) => self.step(text),
            News::Line(text) => self.line(text),
        }
    }

    /// Ends well. Dropped without this, the spinner goes away and says nothing.
    pub(super) fn done(self, text: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
        remark(text);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

/// Prints one line beside the result: what happened, or what went wrong.
pub(super) fn remark(text: impl Display) {
    let _reader_gone = writeln!(io::stderr().lock(), "{text}");
}

/// Asks before something that cannot be taken back.
///
/// # Errors
/// The answer is no, or nobody is there to give one.
pub(super) fn confirm(question: &str) -> anyhow::Result<()> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        bail!(Advice { message: format!("{question} Nobody is there to answer"), hint: "--yes answers it".to_owned() });
    }
    if Confirm::new().with_prompt(question).default(false).interact()? {
        return Ok(());
    }
    bail!("nothing was done")
}
