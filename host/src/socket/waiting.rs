//! The writes that wait on a thread, until the runtime has no other task that is ready there, or there are enough.

use std::cell::RefCell;
use std::mem::take;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::cork::Cork;

/// So many writes of a thread wait. Of more, a client would not be woken less often by much.
pub(super) const MOST: usize = 32;

/// So long the first of them waits, or a little longer: the clock is looked at when every fourth has come.
const LONGEST: Duration = Duration::from_micros(500);

/// When a write has waited and no other has come, so many go out at once before one waits again: there is not much to do, and then
/// waiting brings nothing and costs a look for what else is ready.
pub(super) const AT_ONCE: u8 = 15;

/// The writes that wait on a thread.
#[derive(Default)]
struct Waiting {
    writes: Vec<Arc<Cork>>,
    since: Option<Instant>,
    at_once: u8,
}

thread_local! {
    static WAITING: RefCell<Waiting> = RefCell::default();
}

/// Who writes when there are enough.
#[derive(Clone, Copy)]
pub(super) enum Writes {
    /// This thread, at once.
    This,
    /// The first one that has nothing else to do, if there are several.
    Any,
}

/// True if what is to be written is not to wait.
pub(super) fn goes_at_once() -> bool {
    WAITING.with_borrow_mut(Waiting::goes_at_once)
}

/// Has this stream write what waits for it, with others of this thread.
pub(super) fn list(cork: Arc<Cork>, writes: Writes) {
    match WAITING.with_borrow_mut(|waiting| waiting.list(cork)) {
        Next::Wait => {}
        Next::Write => match writes {
            Writes::This => write_all(),
            Writes::Any => have_all_written(),
        },
        Next::Begin => {
            // The runtime wakes what has given way after it has looked what else is ready, on the thread on which that was.
            let _ready_later = pin!(tokio::task::yield_now()).poll(&mut Context::from_waker(&WRITE_ALL));
        }
    }
}

/// How many wait.
#[cfg(test)]
pub(super) fn count() -> usize {
    WAITING.with_borrow(|waiting| waiting.writes.len())
}

/// Writes what waits on this thread. To be called when something has begun that may last.
pub(super) fn write_all() {
    let mut writes = WAITING.with_borrow_mut(|waiting| take(&mut waiting.writes));
    writes.iter().for_each(|cork| cork.write());
    // Nothing has come meanwhile: no task runs on this thread.
    writes.clear();
    WAITING.with_borrow_mut(|waiting| waiting.writes = writes);
}

fn have_all_written() {
    match Handle::try_current() {
        Ok(runtime) => {
            let writes = WAITING.with_borrow_mut(|waiting| take(&mut waiting.writes));
            runtime.spawn(async move { writes.iter().for_each(|cork| cork.write()) });
        }
        Err(_) => write_all(),
    }
}

/// What is to be done when one more waits.
enum Next {
    Wait,
    Write,
    /// It is the first one.
    Begin,
}

impl Waiting {
    /// The runtime has looked what else is ready.
    fn ends(&mut self) {
        if self.writes.len() == 1 {
            self.at_once = AT_ONCE;
        }
    }

    fn goes_at_once(&mut self) -> bool {
        let goes = self.at_once > 0;
        self.at_once -= u8::from(goes);
        goes
    }

    fn list(&mut self, cork: Arc<Cork>) -> Next {
        self.writes.push(cork);
        match self.writes.len() {
            1 => {
                self.since = Some(Instant::now());
                Next::Begin
            }
            MOST.. => Next::Write,
            count if count.is_multiple_of(4) && self.since.is_some_and(|it| it.elapsed() > LONGEST) => Next::Write,
            _ => Next::Wait,
        }
    }
}

/// What the runtime wakes when it has looked what else is ready.
static WRITE_ALL: LazyLock<Waker> = LazyLock::new(|| Arc::new(WriteAll).into());

struct WriteAll;

impl Wake for WriteAll {
    fn wake(self: Arc<Self>) {
        WAITING.with_borrow_mut(Waiting::ends);
        write_all();
    }
}
