//! Accepting clients, whatever happens: when the process has no file descriptor left they wait at the system's door, nothing spins, and
//! the log hears when that begins and ends, and seldom between. It does not know what becomes of clients.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// After an accept that failed the next one waits this long.
const PAUSE: Duration = Duration::from_millis(100);

/// While it goes on there is a line this often.
const BETWEEN_LINES: Duration = Duration::from_secs(60);

/// Accepts the clients of one listener.
pub(crate) struct Acceptor {
    listener: TcpListener,
    // What the log calls them.
    whose: &'static str,
    pause: Pause,
}

/// How it stands with accepts that fail.
#[derive(Default)]
struct Pause {
    // When the last line was written about what still goes on.
    told: Option<Instant>,
}

impl Acceptor {
    pub(crate) fn new(listener: TcpListener, whose: &'static str) -> Self {
        Self { listener, whose, pause: Pause::default() }
    }

    /// The next client. Giving this up loses nobody.
    pub(crate) async fn next(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok(client) => {
                    if self.pause.is_over() {
                        tracing::info!(whose = self.whose, "clients are accepted again");
                    }
                    return client;
                }
                Err(error) if is_of_client(&error) => {
                    tracing::debug!(whose = self.whose, %error, "a client has gone before it was accepted");
                }
                Err(error) => {
                    if self.pause.is_to_be_told() {
                        tracing::warn!(whose = self.whose, %error, "a client could not be accepted; those who come wait");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

impl Pause {
    fn is_over(&mut self) -> bool {
        self.told.take().is_some()
    }

    fn is_to_be_told(&mut self) -> bool {
        let is_time = self.told.is_none_or(|told| told.elapsed() >= BETWEEN_LINES);
        if is_time {
            self.told = Some(Instant::now());
        }
        is_time
    }
}

/// Nothing is wrong with the host, and the next client need not wait.
fn is_of_client(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn many_failures_in_a_row_are_a_line_a_minute() {
        let (mut pause, begun) = (Pause::default(), Instant::now());
        assert!(!pause.is_over());
        let mut lines = 0;
        while begun.elapsed() < 3 * BETWEEN_LINES {
            lines += u32::from(pause.is_to_be_told());
            tokio::time::sleep(PAUSE).await;
        }
        assert_eq!(lines, 3);
        assert!(pause.is_over() && !pause.is_over());
        assert!(pause.is_to_be_told(), "it has begun anew");
    }

    #[test]
    fn a_client_that_has_gone_keeps_nobody_waiting() {
        assert!(is_of_client(&ErrorKind::ConnectionAborted.into()));
        assert!(!is_of_client(&Error::from_raw_os_error(24)), "EMFILE");
    }
}
