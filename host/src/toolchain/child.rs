//! Runs one tool to its end and hands over what it says, line by line, as it says it.
//!
//! Builds and installers call it. It knows nothing of toolchains.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use super::News;
use super::error::Error;

/// Which of a tool's two outputs a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    Stdout,
    Stderr,
}

/// How a tool ended.
#[derive(Debug)]
pub(super) enum End {
    /// It ran to its own end.
    Exited(ExitStatus),
    /// It had not ended when its time was over, and was killed.
    OutOfTime,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Exited(status) => status.fmt(f),
            End::OutOfTime => f.write_str("killed, because it took too long"),
        }
    }
}

/// A tool that fills its outputs faster than they are shown waits for the reader; this many lines hide the thread switches.
const LINES_AHEAD: usize = 64;

/// Runs `command` with no input for at most `limit`, where there is one.
pub(super) fn listen(
    mut command: Command,
    limit: Option<Duration>,
    mut on_line: impl FnMut(Output, &str),
) -> Result<End, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |source| Error::Tool { program: program.clone(), source };
    let deadline = limit.map(|limit| Instant::now() + limit);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;

    let (sender, lines) = mpsc::sync_channel(LINES_AHEAD);
    if let Some(pipe) = child.stdout.take() {
        forward(pipe, Output::Stdout, sender.clone());
    }
    if let Some(pipe) = child.stderr.take() {
        forward(pipe, Output::Stderr, sender.clone());
    }
    // The channel ends when both readers have, and not before; this end of it would keep it open.
    drop(sender);

    loop {
        let next = match deadline {
            None => lines.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(deadline) => lines.recv_timeout(deadline.saturating_duration_since(Instant::now())),
        };
        match next {
            Ok((output, line)) => on_line(output, &line),
            Err(RecvTimeoutError::Disconnected) => {
                return child.wait().map(End::Exited).map_err(failed);
            }
            Err(RecvTimeoutError::Timeout) => {
                child.kill().map_err(failed)?;
                child.wait().map_err(failed)?;
                return Ok(End::OutOfTime);
            }
        }
    }
}

/// Runs what builds the plugin in `dir`, and passes its words on.
pub(super) fn compile(command: Command, dir: &Path, tool: &'static str, news: &dyn Fn(News<'_>)) -> Result<(), Error> {
    match listen(command, None, |_, line| news(News::Line(line)))? {
        End::Exited(status) if status.success() => Ok(()),
        end => Err(Error::Refused { dir: dir.into(), tool, status: end.to_string() }),
    }
}

/// The one line that a tool prints, or why there is none. It is asked in this folder, because some choose their version by it.
pub(super) fn answer(program: &Path, args: &[&str], dir: &Path) -> Result<String, String> {
    let asked = Command::new(program).args(args).current_dir(dir).output().map_err(|error| error.to_string())?;
    if asked.status.success() {
        Ok(String::from_utf8_lossy(&asked.stdout).trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&asked.stderr).trim().to_owned())
    }
}

/// Reads one output on a thread of its own: with one thread for both, a tool that fills the pipe not being read would stop
/// for ever. The thread is not joined, because a grandchild that outlives a killed tool may hold the pipe open.
fn forward(pipe: impl Read + Send + 'static, output: Output, lines: SyncSender<(Output, String)>) {
    thread::spawn(move || -> io::Result<()> {
        let mut pipe = BufReader::new(pipe);
        let mut bytes = Vec::new();
        // By bytes, because a compiler may quote a source file that is not UTF-8.
        while pipe.read_until(b'\n', &mut bytes)? > 0 {
            let line = String::from_utf8_lossy(&bytes);
            let line = line.trim_end_matches(['\n', '\r']).to_owned();
            if lines.send((output, line)).is_err() {
                break;
            }
            bytes.clear();
        }
        Ok(())
    });
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_outputs_are_heard_and_the_end_is_told() {
        let mut heard = Vec::new();
        let end = listen(shell("echo one; echo two >&2; exit 3"), None, |output, line| {
            heard.push((output, line.to_owned()));
        });
        heard.sort_by_key(|(_, line)| line.clone());
        assert_eq!(heard, [(Output::Stdout, "one".to_owned()), (Output::Stderr, "two".to_owned())]);
        assert!(matches!(end, Ok(End::Exited(status)) if status.code() == Some(3)));
    }

    #[test]
    fn a_tool_that_hangs_is_killed_when_its_time_is_over() {
        let begun = Instant::now();
        let limit = Duration::from_millis(50);
        let end = listen(shell("sleep 30"), Some(limit), |_, _| {});
        assert!(matches!(end, Ok(End::OutOfTime)));
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_tool_that_is_not_there_is_named() {
        let end = listen(Command::new("no-such-tool"), None, |_, _| {});
        assert!(matches!(end, Err(Error::Tool { program, .. }) if program == "no-such-tool"));
    }
}
