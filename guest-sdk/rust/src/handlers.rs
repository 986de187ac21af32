//! What a plugin can be called for. It implements any subset of these traits and names them in
//! [`export!`](macro@crate::export).
//!
//! The functions have no `self`: an instance may be fresh for each event, so that what is to last belongs in the
//! connection's attachment, in a channel, or in the payload of a timer.

use crate::timers::TimerId;
use crate::{Message, Request, Result};

pub use crate::bindings::handler::exports::holdline::websocket::handler::CloseInfo;

/// Handles the events of connections. Those of one connection never overlap, and the next one waits while the
/// connection is held.
///
/// An error, like a panic, undoes the event's retention and closes the connection with 1011; its text goes to the
/// plugin's log.
pub trait Handler {
    /// The connection is open. Comes once, before any message. Unless written, it does nothing.
    ///
    /// # Errors
    /// Whatever the plugin cannot go on with.
    fn open(request: &Request) -> Result<()> {
        let _ = request;
        Ok(())
    }

    /// The client sent a message. They come one at a time and in order.
    ///
    /// # Errors
    /// Whatever the plugin cannot go on with.
    fn message(request: &Request, message: Message) -> Result<()>;

    /// The connection has ended. Comes exactly once for each connection that was opened, after all its messages.
    /// Nothing can be sent any more; the request can be read. Unless written, it does nothing.
    ///
    /// # Errors
    /// They go to the plugin's log and change nothing.
    fn close(request: &Request, info: CloseInfo) -> Result<()> {
        let _ = (request, info);
        Ok(())
    }
}

/// Runs on its own, beside the connections.
pub trait Worker {
    /// Is run in as many instances as the plugin's manifest says, and once for each
    /// [`workers::start`](crate::workers::start), with the name and the argument given there. One that returns well is
    /// done.
    ///
    /// # Errors
    /// A worker of the manifest that fails or panics is run again after a pause, 100 ms at first and doubled each time
    /// up to 30 s.
    fn run(name: &str, argument: &[u8]) -> Result<()>;
}

/// Is called by the plugin's [timers](crate::timers).
pub trait TimerHandler {
    /// The timer is due. Runs of one timer never overlap.
    ///
    /// # Errors
    /// They go to the plugin's log; a repeating timer goes on.
    fn timer(timer: TimerId, payload: &[u8]) -> Result<()>;
}

/// Is called for each item of the channels that the plugin's manifest names: the same hand-over as to a worker, with
/// nothing resident.
pub trait ChannelHandler {
    /// An item was taken from the channel. As many calls run at once as the manifest says.
    ///
    /// # Errors
    /// They go to the plugin's log; the item is gone.
    fn item(channel: &str, item: &[u8]) -> Result<()>;
}

/// Makes the attachments of another version of the plugin its own. Without it they stay as they are.
pub trait Migration {
    /// Is called when a connection that has an attachment moves to this version from another one, which is another
    /// component: by a deploy, by a rollback, to a canary and back. What it returns is the attachment from then on; an
    /// empty one is none. `from_version` is the digest of the version that the connection comes from: `sha256:` and 64
    /// hexadecimal digits.
    ///
    /// Comes once for each move, before the first event that this version handles. There is no request: nothing can be
    /// sent to the connection, nor can it be retained.
    ///
    /// # Errors
    /// The connection is closed with 1011, and the text goes to the plugin's log. The version that it comes from gets the
    /// close event, with the attachment as it was. A panic, or an attachment over the limit, does the same.
    fn migrate(attachment: Vec<u8>, from_version: &str) -> Result<Vec<u8>>;
}
