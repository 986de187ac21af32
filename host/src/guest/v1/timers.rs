//! `timers`: timers of the plugin, and sleeping.

use std::time::{Duration, UNIX_EPOCH};

use super::bindings::holdline::websocket::timers::{Host, Missed, Schedule, TimerError, TimerInfo};
use super::state::State;
use crate::hub::{self, Recurrence, unix_time};
use crate::ids::TimerId;

/// The largest payload of a timer.
const MAX_PAYLOAD: usize = 64 << 10;

impl Host for State {
    fn set(
        &mut self,
        schedule: Schedule,
        payload: Vec<u8>,
        missed: Missed,
    ) -> wasmtime::Result<Result<u64, TimerError>> {
        if !self.owner.has_timer_handler {
            return Ok(Err(TimerError::NoHandler));
        }
        if payload.len() > MAX_PAYLOAD {
            return Ok(Err(TimerError::TooLarge));
        }
        let recurrence = match schedule {
            Schedule::After(delay_ms) => Recurrence::After(Duration::from_millis(delay_ms)),
            Schedule::At(unix_ms) => Recurrence::At(unix_time(unix_ms)),
            Schedule::Every(period_ms) => Recurrence::Every(Duration::from_millis(period_ms)),
            Schedule::Cron(cron) => Recurrence::Cron { expression: cron.expression, time_zone: cron.time_zone },
        };
        let missed = match missed {
            Missed::Skip => hub::Missed::Skip,
            Missed::Burst => hub::Missed::Burst,
            Missed::Coalesce => hub::Missed::Coalesce,
        };
        let timer =
            self.owner.hub.timers().set(&self.owner.tenant, self.owner.plugin, recurrence, payload.into(), missed);
        Ok(timer.map(|timer| timer.0).map_err(TimerError::from))
    }

    fn cancel(&mut self, timer: u64) -> wasmtime::Result<Result<(), TimerError>> {
        Ok(self.owner.hub.timers().cancel(self.owner.plugin, TimerId(timer)).map_err(TimerError::from))
    }

    fn list(&mut self) -> wasmtime::Result<Vec<TimerInfo>> {
        let timers = self.owner.hub.timers().list(self.owner.plugin);
        Ok(timers.into_iter().map(TimerInfo::from).collect())
    }

    async fn sleep(&mut self, delay_ms: u64) -> wasmtime::Result<()> {
        self.waiting(tokio::time::sleep(Duration::from_millis(delay_ms))).await;
        Ok(())
    }
}

impl From<hub::TimerInfo> for TimerInfo {
    fn from(timer: hub::TimerInfo) -> Self {
        let next = timer.next.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            id: timer.id.0,
            next_ms: u64::try_from(next.as_millis()).unwrap_or(u64::MAX),
            payload: timer.payload.into(),
        }
    }
}
