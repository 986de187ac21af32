//! The timers of plugins: they belong to the plugin, not to an instance. What is due goes into a bounded queue that is drained
//! above, where the plugin's handler is called; whoever called it says `finished`, and only then a repeating timer is set again,
//! so its runs never overlap.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use dashmap::{DashMap, DashSet};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::cron::Cron;
use super::error::TimerError;
use crate::ids::{PluginId, TimerId};
use crate::schedule::Schedule;
use crate::tenant::{Lease, Limit, Tenant};

/// Longer delays and intervals are refused.
const LONGEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// What goes by the clock on the wall looks at it at least this often: it may be set, and it goes on while the machine sleeps.
const LOOK: Duration = Duration::from_secs(10);

/// A clock that is set back by no more than this was corrected: what has run is not run again. One that was set back further was wrong,
/// and cron timers go by what it says now, instead of waiting until it is where it was.
const CORRECTION: Duration = Duration::from_secs(60);

/// When a timer runs.
#[derive(Clone, Debug)]
pub enum Recurrence {
    /// Once, after this long.
    After(Duration),
    /// Once, at this time of day; at once if it has passed.
    At(SystemTime),
    /// Again and again, this far apart, anchored at the moment of setting.
    Every(Duration),
    /// Again and again, as a cron expression says, in this time zone or UTC.
    Cron {
        /// Five or six fields.
        expression: String,
        /// An IANA name.
        time_zone: Option<String>,
    },
}

/// What a repeating timer does with runs that are past when their turn comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missed {
    /// They are left out.
    #[default]
    Skip,
    /// Each is made up for.
    Burst,
    /// One run stands for all of them.
    Coalesce,
}

/// A timer that is pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimerInfo {
    /// Its id.
    pub id: TimerId,
    /// When it runs next.
    pub next: SystemTime,
    /// What its handler will be given.
    pub payload: Bytes,
    /// How it repeats, for a person; none if it runs once.
    pub repeats: Option<String>,
}

/// A timer whose time has come. Give it back to [`Timers::finished`].
#[derive(Debug)]
pub struct TimerDue {
    /// Which.
    pub id: TimerId,
    timer: Timer,
}

impl TimerDue {
    /// Whose handler is to be called.
    #[must_use]
    pub fn plugin(&self) -> PluginId {
        self.timer.plugin
    }

    /// What it is to be given.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.timer.payload
    }
}

/// The timers of all plugins.
pub struct Timers {
    pending: Schedule<Timer>,
    // Timers whose handler is being called, and whether they were cancelled meanwhile.
    running: DashMap<TimerId, Run>,
    // Those that can have timers.
    plugins: DashSet<PluginId>,
    due: mpsc::Sender<TimerDue>,
    limit: usize,
}

struct Run {
    plugin: PluginId,
    repeats: bool,
    cancelled: bool,
}

#[derive(Debug)]
struct Timer {
    plugin: PluginId,
    payload: Bytes,
    missed: Missed,
    beat: Beat,
    #[allow(dead_code, reason = "it is given back when it is dropped")]
    lease: Lease,
}

/// When the run was planned for which a timer is pending, and how the one after it is found.
#[derive(Debug)]
enum Beat {
    Once,
    At(SystemTime),
    Every { planned: Instant, period: Duration },
    // With when the clock was looked at last.
    Cron { planned: SystemTime, cron: Box<Cron>, looked: SystemTime },
}

impl Timers {
    pub(super) fn new(queue: usize, limit: usize) -> (Self, mpsc::Receiver<TimerDue>) {
        let (due, drain) = mpsc::channel(queue);
        (Self { pending: Schedule::default(), running: DashMap::new(), plugins: DashSet::new(), due, limit }, drain)
    }

    /// From now on, and until it is forgotten, a plugin can have timers.
    pub fn admit(&self, plugin: PluginId) {
        self.plugins.insert(plugin);
    }

    /// Sets a timer.
    ///
    /// # Errors
    /// `InvalidSchedule` says what is wrong with the recurrence and where; `QuotaExceeded`; `Gone`.
    pub fn set(
        &self,
        tenant: &Arc<Tenant>,
        plugin: PluginId,
        recurrence: Recurrence,
        payload: Bytes,
        missed: Missed,
    ) -> Result<TimerId, TimerError> {
        if self.pending.len() >= self.limit {
            return Err(TimerError::QuotaExceeded);
        }
        let now = Instant::now();
        let (due, beat) = match recurrence {
            Recurrence::After(delay) => (now + bounded(delay)?, Beat::Once),
            Recurrence::At(at) => (now + bounded(until(at))?.min(LOOK), Beat::At(at)),
            Recurrence::Every(period) if period.is_zero() => {
                return Err(TimerError::InvalidSchedule("an interval must be at least 1 ms".to_owned()));
            }
            Recurrence::Every(period) => {
                let planned = now + bounded(period)?;
                (planned, Beat::Every { planned, period })
            }
            Recurrence::Cron { expression, time_zone } => {
                let cron = Cron::new(&expression, time_zone.as_deref()).map_err(TimerError::InvalidSchedule)?;
                let looked = SystemTime::now();
                let planned = cron
                    .after(looked)
                    .ok_or_else(|| TimerError::InvalidSchedule(format!("`{expression}` never comes")))?;
                (now + until(planned).min(LOOK), Beat::Cron { planned, cron: Box::new(cron), looked })
            }
        };
        let lease = tenant.lease(Limit::Timers).ok_or(TimerError::QuotaExceeded)?;
        let id = TimerId(self.pending.insert(due, |_| Timer { plugin, payload, missed, beat, lease }));
        if self.is_gone(plugin, id) { Err(TimerError::Gone) } else { Ok(id) }
    }

    /// Takes a timer back. A run that has started is not stopped.
    ///
    /// # Errors
    /// `Unknown`.
    pub fn cancel(&self, plugin: PluginId, id: TimerId) -> Result<(), TimerError> {
        // Between two runs a timer is pending, and while its handler is called it is running.
        let running = || self.cancel_running(plugin, id);
        let is_cancelled = self.pending.remove_or(id.0, |timer| timer.plugin == plugin, running);
        if is_cancelled { Ok(()) } else { Err(TimerError::Unknown) }
    }

    /// The pending timers of a plugin, those first that run first.
    #[must_use]
    pub fn list(&self, plugin: PluginId) -> Vec<TimerInfo> {
        let (now, time) = (Instant::now(), SystemTime::now());
        let mut timers = self.pending.pick(|number, due, timer| {
            (timer.plugin == plugin).then(|| TimerInfo {
                id: TimerId(number),
                next: timer.beat.planned().unwrap_or_else(|| time + due.saturating_duration_since(now)),
                payload: timer.payload.clone(),
                repeats: timer.beat.repeats(),
            })
        });
        timers.sort_by_key(|timer| (timer.next, timer.id));
        timers
    }

    /// A plugin has gone: it has no timers any more. What it still runs can set none, and those whose handler is being called do not
    /// repeat.
    pub fn forget(&self, plugin: PluginId) {
        self.plugins.remove(&plugin);
        for timer in self.list(plugin) {
            let _has_begun_meanwhile = self.cancel(plugin, timer.id);
        }
    }

    /// Whoever has just made a timer pending looks whether its plugin was forgotten meanwhile: that did not find this one, which goes now.
    fn is_gone(&self, plugin: PluginId, id: TimerId) -> bool {
        let is_gone = !self.plugins.contains(&plugin);
        if is_gone {
            let _was_found = self.cancel(plugin, id);
        }
        is_gone
    }

    /// How many timers are pending.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// True if no timer is pending.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// The run of a timer is over: a repeating one is set for its next, unless it was cancelled meanwhile.
    pub fn finished(&self, due: TimerDue) {
        let TimerDue { id, mut timer } = due;
        let Some(next) = timer.beat.next(timer.missed) else {
            self.running.remove(&id);
            return;
        };
        let plugin = timer.plugin;
        // The schedule's lock is taken first, as it is when a timer begins to run.
        self.pending.again_if(id.0, next, timer, || self.running.remove(&id).is_some_and(|(_, run)| !run.cancelled));
        let _has_gone = self.is_gone(plugin, id);
    }

    fn cancel_running(&self, plugin: PluginId, id: TimerId) -> bool {
        let Some(mut run) = self.running.get_mut(&id) else { return false };
        let effective = run.plugin == plugin && run.repeats && !run.cancelled;
        run.cancelled |= effective;
        effective
    }

    /// Moves what is due into the queue, for as long as it is polled.
    pub(super) async fn run(&self) {
        loop {
            let later = |number, timer: &mut Timer| {
                let early = timer.beat.early();
                if early.is_none() {
                    let run = Run { plugin: timer.plugin, repeats: !timer.beat.is_once(), cancelled: false };
                    self.running.insert(TimerId(number), run);
                }
                early.map(|early| Instant::now() + early.min(LOOK))
            };
            let (number, timer) = self.pending.next(later).await;
            let id = TimerId(number);
            if let Err(refused) = self.due.send(TimerDue { id, timer }).await {
                // Nobody drains any more: the host is stopping.
                self.running.remove(&refused.0.id);
                return;
            }
        }
    }
}

impl Beat {
    fn is_once(&self) -> bool {
        matches!(self, Self::Once | Self::At(_))
    }

    fn repeats(&self) -> Option<String> {
        match self {
            Self::Once | Self::At(_) => None,
            Self::Every { period, .. } => Some(format!("every {period:?}")),
            Self::Cron { cron, .. } => Some(cron.to_string()),
        }
    }

    /// The time of day for which it is planned, if it goes by the clock on the wall.
    fn planned(&self) -> Option<SystemTime> {
        match self {
            Self::Once | Self::Every { .. } => None,
            Self::At(planned) | Self::Cron { planned, .. } => Some(*planned),
        }
    }

    /// Looks at the clock on the wall: how far away the planned time of day still is.
    fn early(&mut self) -> Option<Duration> {
        if let Self::Cron { planned, cron, looked } = self {
            let now = SystemTime::now();
            let before = std::mem::replace(looked, now);
            // A run that lies between now and the planned one was made when the clock was there before.
            let was_wrong = now < before && cron.after(now + CORRECTION).is_some_and(|again| again < *planned);
            if was_wrong && let Some(anew) = cron.after(now) {
                *planned = anew;
            }
        }
        self.planned().map(until).filter(|left| !left.is_zero())
    }

    /// Moves on to the next run and says when it is; runs that are past are treated as the policy says.
    fn next(&mut self, missed: Missed) -> Option<Instant> {
        match self {
            Self::Once | Self::At(_) => None,
            Self::Every { planned, period } => {
                let late = planned.elapsed();
                // How many runs have been missed by now. The interval is not zero: `set` refuses that.
                let behind = late.as_nanos().checked_div(period.as_nanos()).unwrap_or(0);
                let behind = u32::try_from(behind).unwrap_or(u32::MAX);
                *planned += match (missed, behind) {
                    (Missed::Burst, _) | (_, 0) => *period,
                    (Missed::Skip, _) => period.saturating_mul(behind.saturating_add(1)),
                    (Missed::Coalesce, _) => period.saturating_mul(behind),
                };
                Some(*planned)
            }
            Self::Cron { planned, cron, .. } => {
                let now = SystemTime::now();
                let following = cron.after(*planned)?;
                *planned = match missed {
                    _ if following > now => following,
                    Missed::Burst => following,
                    Missed::Skip => cron.after(now)?,
                    Missed::Coalesce => now,
                };
                Some(Instant::now() + until(*planned).min(LOOK))
            }
        }
    }
}

/// How long until a time of day; nothing if it has passed.
fn until(time: SystemTime) -> Duration {
    let left = time.duration_since(SystemTime::now()).unwrap_or_default();
    // The queue counts whole milliseconds; what is left of one must not look like a time that has come.
    Duration::from_millis(u64::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
}

fn bounded(delay: Duration) -> Result<Duration, TimerError> {
    if delay > LONGEST {
        return Err(TimerError::InvalidSchedule(format!("{} ms is longer than 400 days", delay.as_millis())));
    }
    Ok(delay)
}

/// A time in milliseconds since the Unix epoch.
#[must_use]
pub fn unix_time(milliseconds: u64) -> SystemTime {
    // Beyond what the clock can name is as far away as the bounds above refuse anyway.
    UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds)).unwrap_or(UNIX_EPOCH + Duration::from_secs(1 << 40))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A timer of each second, whose next run is planned for then by a clock that said so when it was looked at last.
    fn each_second(said: SystemTime) -> Beat {
        let cron = Box::new(Cron::new("* * * * * *", None).expect("an expression"));
        Beat::Cron { planned: cron.after(said).expect("a next second"), cron, looked: said }
    }

    #[test]
    fn a_clock_that_was_far_ahead_and_is_set_back_is_gone_by() {
        let mut beat = each_second(SystemTime::now() + Duration::from_secs(3600));
        assert!(beat.early().is_none_or(|left| left <= Duration::from_secs(1)));
    }

    #[test]
    fn a_clock_that_is_corrected_repeats_no_run() {
        let mut beat = each_second(SystemTime::now() + Duration::from_secs(30));
        assert!(beat.early().is_some_and(|left| left > Duration::from_secs(28)));
    }

    #[test]
    fn a_clock_that_goes_right_changes_nothing() {
        let mut beat = each_second(SystemTime::now());
        let planned = beat.planned();
        assert!(beat.early().is_none_or(|left| left <= Duration::from_secs(1)));
        assert_eq!(beat.planned(), planned);
    }
}
