//! What plugins do beside connections: workers, timers, and the items of their channels. All of it ends when the host stops.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Plugins;
use super::loaded::Plugin;
use super::manifest::{Channel, Worker};
use super::version::Version;
use crate::guest::v1::{Failure, WorkerStart};
use crate::hub::{Hub, TimerDue};
use crate::tenant::{Counter, Lease, Limit};

/// The pause before a resident worker that failed is run again: at first, and at most. It doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// So long a worker whose version is retired may take over its current item.
const LAST_ITEM: Duration = Duration::from_secs(30);

/// Runs workers, timer handlers and channel handlers.
#[derive(Clone)]
pub struct Background {
    plugins: Arc<Plugins>,
    hub: Arc<Hub>,
    tasks: TaskTracker,
    stop: CancellationToken,
    // How many timer events run at once, and how many workers that plugins have started: a quarter each of all instances that may
    // be alive, so that the events of connections have room. What is due or asked for beyond that waits in its queue, and what does
    // not fit there is refused to the guest that asks.
    places: usize,
}

impl Background {
    /// Nothing runs yet.
    #[must_use]
    pub fn new(plugins: Arc<Plugins>, hub: Arc<Hub>) -> Self {
        let places = (plugins.instances() / 4).max(1);
        Self { plugins, hub, tasks: TaskTracker::new(), stop: CancellationToken::new(), places }
    }

    /// Serves the two queues: timers that are due, and workers that plugins ask for.
    pub fn serve(&self, mut due: mpsc::Receiver<TimerDue>, mut asked: mpsc::Receiver<WorkerStart>) {
        let timers = self.clone();
        self.spawn(async move {
            let places = Arc::new(Semaphore::new(timers.places));
            while let Ok(place) = Arc::clone(&places).acquire_owned().await
                && let Some(timer) = due.recv().await
            {
                let background = timers.clone();
                timers.spawn(async move {
                    background.timer(timer).await;
                    drop(place);
                });
            }
        });
        let workers = self.clone();
        self.spawn(async move {
            let places = Arc::new(Semaphore::new(workers.places));
            while let Ok(place) = Arc::clone(&places).acquire_owned().await
                && let Some(start) = asked.recv().await
            {
                let background = workers.clone();
                workers.spawn(async move {
                    background.started(start).await;
                    drop(place);
                });
            }
        });
    }

    /// Starts the resident workers and channel handlers of a version. They end when it is retired.
    pub(super) fn start(&self, plugin: &Arc<Plugin>, version: &Arc<Version>) {
        let (tenant, name, manifest) = (plugin.owner().name(), plugin.name(), version.manifest());
        let digest = version.brief();
        // The one worker of a plugin without a manifest is only for those that export it.
        let declared = manifest.workers.iter().any(|worker| worker.name != manifest.name);
        if declared && !version.exports().worker {
            tracing::warn!(target: "plugin", tenant, plugin = name, version = %digest, "plugin.toml has a [[worker]], and the plugin does not export `worker`");
        }
        if version.exports().worker {
            for worker in &version.manifest().workers {
                for _ in 0..worker.instances {
                    let Some(lease) = plugin.owner().lease(Limit::Workers) else {
                        let (tenant, plugin, worker) = (plugin.owner().name(), plugin.name(), worker.name.as_str());
                        tracing::error!(target: "plugin", tenant, plugin, version = %digest, worker, "the tenant has as many workers as it may");
                        return;
                    };
                    self.spawn(resident(Arc::clone(plugin), Arc::clone(version), worker.clone(), lease));
                }
            }
        }
        if version.exports().channel_handler {
            for channel in &version.manifest().channels {
                for _ in 0..channel.concurrency {
                    self.spawn(consumer(
                        Arc::clone(plugin),
                        Arc::clone(version),
                        Arc::clone(&self.hub),
                        channel.clone(),
                    ));
                }
            }
        }
    }

    /// Ends all of it where it waits or computes.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.run_until_cancelled(task).await;
        });
    }

    async fn timer(&self, due: TimerDue) {
        if let Some(plugin) = self.plugins.get(due.plugin()) {
            let version = Arc::clone(&plugin.serving().version);
            plugin.usage().count(Counter::Events, 1);
            let call = async {
                let mut instance = version.lend().await?;
                let answer = instance.on_timer(due.id.0, due.payload()).await;
                version.give_back(instance);
                answer
            };
            if let Err(failure) = call.await {
                plugin.log(&version, "timer", &failure);
            }
        }
        self.hub.timers().finished(due);
    }

    async fn started(&self, start: WorkerStart) {
        let Some(plugin) = self.plugins.get(start.plugin) else { return };
        let version = Arc::clone(&plugin.serving().version);
        let result = run(&plugin, &version, &start.name, start.argument.as_slice(), None).await;
        let Some(channel) = &start.exit_channel else { return };
        let (outcome, error) = match &result {
            Ok(()) => ("finished", None),
            Err(Failure::Returned(text)) => ("failed", Some(text.clone())),
            Err(Failure::Trapped { source, .. }) => ("trapped", Some(format!("{source:#}"))),
            Err(failure) => ("failed", Some(failure.to_string())),
        };
        let told = json!({ "worker": start.id, "name": start.name, "outcome": outcome, "error": error }).to_string();
        let channels = self.hub.channels();
        let offered = channels.lookup(plugin.tenant(), channel).and_then(|channel| channel.offer(Bytes::from(told)));
        if let Err(error) = offered {
            let (tenant, plugin, worker) = (plugin.owner().name(), plugin.name(), start.name.as_str());
            tracing::warn!(target: "plugin", tenant, plugin, worker, channel, %error, "the worker's end could not be told");
        }
    }
}

async fn run(
    plugin: &Plugin,
    version: &Version,
    name: &str,
    argument: &[u8],
    retired: Option<CancellationToken>,
) -> Result<(), Failure> {
    let result = async { version.instantiate().await?.run(name, argument, retired).await }.await;
    if let Err(failure) = &result
        && !failure.is_retirement()
    {
        plugin.log(version, &format!("worker {name}"), failure);
    }
    result
}

/// Runs a worker again whenever it fails, after a pause that doubles. One that held out for as long as the longest pause begins
/// with the first again. When its version is retired it ends with its current item, or when it has had its time for that.
async fn resident(plugin: Arc<Plugin>, version: Arc<Version>, worker: Worker, _lease: Lease) {
    let retired = version.retired();
    let out_of_time = async {
        retired.cancelled().await;
        tokio::time::sleep(LAST_ITEM).await;
        let (tenant, plugin, version) = (plugin.owner().name(), plugin.name(), version.brief());
        tracing::warn!(target: "plugin", tenant, plugin, %version, worker = worker.name, "a worker of an older version is given up");
    };
    let runs = async {
        let mut pause = FIRST_PAUSE;
        while !retired.is_cancelled() {
            let begun = Instant::now();
            let run = run(&plugin, &version, &worker.name, worker.argument.as_bytes(), Some(retired.clone()));
            if run.await.is_ok() {
                return;
            }
            if begun.elapsed() >= LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            retired.run_until_cancelled(tokio::time::sleep(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    };
    tokio::select! {
        () = runs => {}
        () = out_of_time => {}
    }
}

/// Gives the items of a channel to the plugin, one at a time, until the channel is closed and drained, or the version is retired.
async fn consumer(plugin: Arc<Plugin>, version: Arc<Version>, hub: Arc<Hub>, settings: Channel) {
    let channel = match hub.channels().open(plugin.owner(), &settings.name, settings.capacity) {
        Ok(channel) => channel,
        Err(error) => {
            let (tenant, plugin, version) = (plugin.owner().name(), plugin.name(), version.brief());
            tracing::error!(target: "plugin", tenant, plugin, %version, channel = settings.name, %error, "the channel handler cannot have its channel");
            return;
        }
    };
    loop {
        let item = tokio::select! {
            biased;
            () = version.retired().cancelled() => return,
            item = channel.receive(None) => item,
        };
        let Ok(item) = item else { return };
        plugin.usage().count(Counter::Events, 1);
        let call = async {
            let mut instance = version.lend().await?;
            let answer = instance.on_item(&settings.name, &item).await;
            version.give_back(instance);
            answer
        };
        if let Err(failure) = call.await {
            plugin.log(&version, "item", &failure);
        }
    }
}
