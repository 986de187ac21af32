//! Starting workers. A worker is a run of this plugin's [`Worker`](crate::Worker) in an instance of its own.

use serde::Deserialize;

use crate::bindings::imports::holdline::websocket::workers as wire;
use crate::error::typed_error;

pub use wire::WorkerId;

/// What the exit channel is offered when a worker ends: take it with
/// [`receive_json::<WorkerExit>`](crate::Channel::receive_json).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WorkerExit {
    /// Which start of a worker this was.
    pub worker: WorkerId,
    /// The name it was started with.
    pub name: String,
    /// How it ended.
    pub outcome: WorkerOutcome,
    /// The text of the error or of the trap; `None` if it finished.
    pub error: Option<String>,
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkerOutcome {
    /// It returned well.
    Finished,
    /// It returned an error.
    Failed,
    /// It trapped: a panic, or a limit that it ran into.
    Trapped,
}

typed_error! {
    /// Why a worker was not started.
    WorkerError from wire::WorkerError {
        /// The plugin exports no [`Worker`](crate::Worker).
        Unknown: "the plugin exports no worker",
        /// The tenant has as many workers as it may, or the host is stopping.
        QuotaExceeded: "the tenant has as many workers as it may, or the host is stopping",
        /// The argument is over 1 MiB, or the name over 255 bytes.
        TooLarge: "the argument is over 1 MiB, or the name over 255 bytes",
        /// No channel of the name of the exit channel is open.
        UnknownChannel: "no channel of the name of the exit channel is open",
        /// The host failed; its log says how.
        Internal: "the host failed; its log says how",
    }
}

/// Runs this plugin's [`Worker`](crate::Worker) once with this name and argument, and returns without waiting for it.
/// When it ends, the exit channel, if there is one, is offered a [`WorkerExit`]. A worker that was started like this is
/// not restarted.
///
/// # Errors
/// [`WorkerError`]: nothing was started.
pub fn start(name: &str, argument: impl AsRef<[u8]>, exit_channel: Option<&str>) -> Result<WorkerId, WorkerError> {
    Ok(wire::start(name, argument.as_ref(), exit_channel)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_is_read_as_the_contract_writes_it() {
        let json = r#"{"worker": 7, "name": "fold", "outcome": "trapped", "error": "unreachable"}"#;

        let exit = serde_json::from_str::<WorkerExit>(json);

        assert!(matches!(
            exit,
            Ok(WorkerExit { worker: 7, outcome: WorkerOutcome::Trapped, error: Some(text), .. })
                if text == "unreachable"
        ));
    }
}
