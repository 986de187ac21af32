//! `workers`: starting a worker by name. The ask goes into a queue; those who run plugins drain it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::bindings::holdline::websocket::workers::{Host, WorkerError};
use super::state::{State, WorkerStart};
use crate::tenant::Limit;

const MAX_NAME: usize = 255;
const MAX_ARGUMENT: usize = 1 << 20;

static LAST: AtomicU64 = AtomicU64::new(0);

impl Host for State {
    fn start(
        &mut self,
        name: String,
        argument: Vec<u8>,
        exit_channel: Option<String>,
    ) -> wasmtime::Result<Result<u64, WorkerError>> {
        Ok(self.start_worker(name, argument, exit_channel))
    }
}

impl State {
    fn start_worker(&self, name: String, argument: Vec<u8>, exit_channel: Option<String>) -> Result<u64, WorkerError> {
        if !self.owner.has_worker {
            return Err(WorkerError::Unknown);
        }
        if name.len() > MAX_NAME || argument.len() > MAX_ARGUMENT {
            return Err(WorkerError::TooLarge);
        }
        if let Some(channel) = &exit_channel {
            let found = self.owner.hub.channels().lookup(self.owner.tenant.id(), channel);
            found.map_err(|_| WorkerError::UnknownChannel)?;
        }
        let lease = self.owner.tenant.lease(Limit::Workers).ok_or(WorkerError::QuotaExceeded)?;
        let id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let start = WorkerStart { id, plugin: self.owner.plugin, name, argument, exit_channel, lease };
        // The queue is bounded, and a guest is not to wait for others here.
        self.owner.workers.try_send(start).map_err(|_| WorkerError::QuotaExceeded)?;
        Ok(id)
    }
}
