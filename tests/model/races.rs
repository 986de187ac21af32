//! Many threads at once: what must happen once happens once, and nothing is lost.

use std::collections::HashSet;
use std::iter;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use holdline::hub::{
    Channel, ChannelError, DelayedError, EventKind, Expiry, Hub, Missed, Recurrence, RetainOptions, Settings,
    TimerError, select,
};
use holdline::ids::PluginId;
use holdline::message::CloseFrame;
use tokio::runtime::Builder;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::door::{Client, Host, PLUGIN, TENANT, channel, frames, tenant, text};

const TASKS: usize = 16;
const HANDLES: usize = 100_000;
const MILLISECOND: Duration = Duration::from_millis(1);
/// Longer than anything here takes: past it nothing moves any more.
const STUCK: Duration = Duration::from_secs(60);

/// Runs a test on many threads, and ends it even if they stand in each other's way for ever.
fn in_time(test: impl Future<Output = ()> + Send + 'static) {
    let (done, is_done) = mpsc::sync_channel(1);
    let threads = thread::spawn(move || {
        let runtime = Builder::new_multi_thread().worker_threads(4).enable_time().build().expect("a runtime");
        runtime.block_on(test);
        // The other end is gone only after it has given up.
        let _given_up = done.send(());
    });
    assert_ne!(is_done.recv_timeout(STUCK), Err(RecvTimeoutError::Timeout), "nothing moves any more");
    if let Err(panic) = threads.join() {
        resume_unwind(panic);
    }
}

/// Runs the task this many times at once, all from the same moment on, and returns what each made.
async fn at_once<T, F>(tasks: usize, make: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(tasks));
    let mut racing = JoinSet::new();
    for number in 0..tasks {
        let (start, task) = (Arc::clone(&start), make(number));
        racing.spawn(async move {
            start.wait().await;
            task.await
        });
    }
    racing.join_all().await
}

fn terminal(hub: &Hub, kind: usize, handle: u64) -> Result<(), DelayedError> {
    match kind % 4 {
        0 => hub.send(TENANT, handle, text("sent"), None),
        1 => hub.release(TENANT, handle),
        2 => hub.close(TENANT, handle, CloseFrame::NORMAL),
        _ => hub.send_after(TENANT, handle, text("sent"), MILLISECOND).map(|_| ()),
    }
}

#[test]
fn of_all_terminal_operations_on_a_handle_exactly_one_succeeds() {
    in_time(async {
        let host = Host::new();
        let clients: Arc<Vec<Client>> = Arc::new((0..HANDLES).map(|_| host.client()).collect());
        let handles: Arc<Vec<u64>> = Arc::new(clients.iter().map(Client::held).collect());
        let won: Arc<Vec<AtomicUsize>> = Arc::new((0..HANDLES).map(|_| AtomicUsize::new(0)).collect());
        at_once(TASKS, |task| {
            let (hub, handles, won) = (host.share(), Arc::clone(&handles), Arc::clone(&won));
            async move {
                for (number, handle) in handles.iter().enumerate() {
                    match terminal(&hub, task + number, *handle) {
                        Ok(()) => _ = won[number].fetch_add(1, Ordering::Relaxed),
                        Err(error) => assert_eq!(error, DelayedError::InvalidHandle),
                    }
                }
            }
        })
        .await;
        let wrong = won.iter().filter(|won| won.load(Ordering::Relaxed) != 1).count();
        assert_eq!(wrong, 0, "handles that were not consumed exactly once");
        // Every handle is used up, by a timer if not by hand.
        host.none_held().await;
        let frames = clients.iter().map(|client| client.reads().len()).max();
        assert_eq!(frames, Some(1), "no connection was told twice");
    });
}

#[test]
fn a_handle_is_used_or_expired_or_closed_and_never_two_of_them() {
    in_time(async {
        let host = Host::new();
        let clients: Vec<Client> = (0..HANDLES / 10).map(|_| host.client()).collect();
        let handles: Arc<Vec<u64>> =
            Arc::new(clients.iter().map(|client| client.held_for(Duration::ZERO, Expiry::Resume)).collect());
        let clients = Arc::new(clients);
        let used = at_once(3, |task| {
            let (hub, handles, clients) = (host.share(), Arc::clone(&handles), Arc::clone(&clients));
            async move {
                let mut used = 0;
                for (handle, client) in handles.iter().zip(clients.iter()) {
                    match task {
                        0 => client.looks_at_the_clock(),
                        _ => used += usize::from(hub.release(TENANT, *handle).is_ok()),
                    }
                }
                used
            }
        })
        .await;
        assert_eq!(used.into_iter().sum::<usize>() + host.expired_count(), handles.len());
        assert_eq!(host.held_count(), 0);
    });
}

#[test]
fn no_more_connections_are_held_than_may_be_whoever_races() {
    in_time(async {
        let host = Host::with(Settings { held_connections: 10, ..Settings::default() });
        for _ in 0..200 {
            let held = at_once(TASKS, |_| {
                let (hub, client) = (host.share(), host.client());
                async move {
                    client.begin(EventKind::Message);
                    let retained = hub.retain(&client.connection, RetainOptions::default());
                    client.returns();
                    retained.map(|handle| handle.get())
                }
            })
            .await;
            let held: Vec<u64> = held.into_iter().flatten().collect();
            assert_eq!(held.len(), 10);
            for handle in held {
                assert_eq!(host.release(TENANT, handle), Ok(()));
            }
        }
    });
}

#[test]
fn a_delivery_is_made_or_cancelled_and_never_both() {
    in_time(async {
        let host = Host::new();
        let clients: Vec<Client> = (0..HANDLES / 5).map(|_| host.client()).collect();
        let mut cancelled = 0;
        for batch in clients.chunks(500) {
            let set = batch.iter().map(|client| {
                let delivery = host.send_after(TENANT, client.held(), text("late"), 2 * MILLISECOND);
                delivery.expect("a delivery")
            });
            let set: Vec<_> = set.collect();
            // One by one in the time in which they fire.
            for (client, delivery) in batch.iter().zip(set) {
                tokio::task::yield_now().await;
                match host.cancel(TENANT, delivery) {
                    Ok(handle) => {
                        cancelled += 1;
                        assert_eq!(host.send(TENANT, handle.get(), text("by hand"), None), Ok(()));
                        assert_eq!(client.reads(), frames(["by hand"]));
                    }
                    Err(error) => assert_eq!(error, DelayedError::UnknownTimer),
                }
            }
        }
        // What was not cancelled is delivered.
        host.none_held().await;
        let delivered: usize = clients.iter().filter(|client| client.reads() == frames(["late"])).count();
        assert_eq!(delivered + cancelled, clients.len());
    });
}

/// Sends these numbers, in every way there is, and says which of them were sent.
async fn send(channels: [Arc<Channel>; 2], numbers: Range<usize>) -> Vec<usize> {
    let mut sent = Vec::new();
    for (number, channel) in numbers.zip(channels.iter().cycle()) {
        let item = Bytes::from(number.to_string());
        let outcome = match number % 5 {
            0 => channel.offer(item),
            // Most of these waits end in the same moment in which they are served.
            1 => channel.send(item, Some(Duration::ZERO)).await,
            2 => channel.send(item, Some(MILLISECOND)).await,
            _ => channel.send(item, None).await,
        };
        match outcome {
            Ok(()) => sent.push(number),
            Err(error) => assert!(matches!(error, ChannelError::Full | ChannelError::Timeout), "{error}"),
        }
    }
    sent
}

/// Receives until all is closed, in every way there is.
async fn receive(channels: [Arc<Channel>; 2]) -> Vec<usize> {
    let mut received = Vec::new();
    for turn in 0.. {
        let item = match turn % 4 {
            0 => select(&channels, Some(MILLISECOND)).await,
            1 => select(&channels, Some(Duration::ZERO)).await,
            // Ended from outside while it waits, as a plugin can be.
            2 => {
                let channels = channels.clone();
                let ended = tokio::spawn(async move { select(&channels, None).await });
                tokio::task::yield_now().await;
                ended.abort();
                ended.await.unwrap_or(Err(ChannelError::Timeout))
            }
            _ => select(&channels, None).await,
        };
        match item {
            Ok((_, item)) => received.push(number(&item)),
            Err(ChannelError::Timeout) => {}
            Err(error) => {
                assert_eq!(error, ChannelError::Closed);
                break;
            }
        }
    }
    received
}

fn number(item: &Bytes) -> usize {
    String::from_utf8_lossy(item).parse().expect("a number")
}

/// Sends from all sides while all receive, and compares what came with what was sent.
async fn nothing_is_lost_or_doubled(capacity: u32) {
    const EACH: usize = 4000;
    let host = Host::new();
    let channels = ["jobs", "others"].map(|name| channel(&host, name, capacity));
    let still_sending = Arc::new(AtomicUsize::new(TASKS));
    let outcomes = at_once(2 * TASKS, |task| {
        let (channels, still_sending) = (channels.clone(), Arc::clone(&still_sending));
        async move {
            if task >= TASKS {
                return (Vec::new(), receive(channels).await);
            }
            let sent = send(channels.clone(), task * EACH..(task + 1) * EACH).await;
            if still_sending.fetch_sub(1, Ordering::AcqRel) == 1 {
                channels.iter().for_each(|channel| channel.close());
            }
            (sent, Vec::new())
        }
    })
    .await;
    let (sent, mut received): (Vec<_>, Vec<_>) = outcomes.into_iter().unzip();
    // What a receiver was handed as it was ended went back, and may be left by those that had seen the close.
    for channel in &channels {
        received.extend(iter::from_fn(|| channel.poll().ok().flatten()).map(|item| vec![number(&item)]));
    }
    let (sent, received) = (sent.concat(), received.concat());
    let (out, back) = (HashSet::<usize>::from_iter(sent.iter().copied()), HashSet::from_iter(received.iter().copied()));
    assert_eq!(out.difference(&back).count(), 0, "items were lost");
    assert_eq!(back.difference(&out).count(), 0, "items were received that were taken back");
    assert_eq!(received.len(), back.len(), "items were doubled");
    assert!(sent.len() >= 2 * EACH * TASKS / 5, "those that wait without limit are all sent");
}

#[test]
fn a_rendezvous_loses_and_doubles_nothing() {
    in_time(async {
        nothing_is_lost_or_doubled(0).await;
    });
}

#[test]
fn a_bounded_channel_loses_and_doubles_nothing() {
    in_time(async {
        nothing_is_lost_or_doubled(8).await;
    });
}

#[test]
fn items_of_one_sender_come_in_order_to_one_receiver() {
    in_time(async {
        let host = Host::new();
        for capacity in [0, 1, 8] {
            let jobs = channel(&host, &format!("jobs-{capacity}"), capacity);
            let sender = tokio::spawn({
                let jobs = Arc::clone(&jobs);
                async move {
                    for number in 0..10_000_u32 {
                        jobs.send(number.to_be_bytes().to_vec().into(), None).await.expect("it is open");
                    }
                }
            });
            for number in 0..10_000_u32 {
                let item = jobs.receive(None).await.expect("it is open");
                assert_eq!(item, number.to_be_bytes().to_vec());
            }
            sender.await.expect("no panic");
        }
    });
}

#[test]
fn timers_run_and_finish_on_all_threads_without_standing_in_each_others_way() {
    in_time(async {
        let mut host = Host::new();
        let every =
            || host.timers().set(tenant(TENANT), PLUGIN, Recurrence::Every(MILLISECOND), Bytes::new(), Missed::Skip);
        let ids: Vec<_> = (0..2000).map(|_| every().expect("a timer")).collect();
        let mut finishing = JoinSet::new();
        for _ in 0..100_000 {
            let due = host.due.recv().await.expect("the hub runs");
            let hub = host.share();
            finishing.spawn(async move { hub.timers().finished(due) });
        }
        finishing.join_all().await;
        // All of them still repeat, so each can be cancelled once, pending or running, and then no run is left but those that are due.
        for id in ids {
            assert_eq!(host.timers().cancel(PLUGIN, id), Ok(()));
            assert_eq!(host.timers().cancel(PLUGIN, id), Err(TimerError::Unknown));
        }
        while let Ok(due) = host.due.try_recv() {
            host.timers().finished(due);
        }
        assert!(host.timers().is_empty());
    });
}

#[test]
fn a_plugin_that_goes_while_its_timers_are_set_and_run_leaves_none() {
    in_time(async {
        let mut host = Host::new();
        for number in 100..400 {
            let plugin = PluginId(number);
            host.timers().admit(plugin);
            let mut setting = JoinSet::new();
            for _ in 0..2 {
                let hub = host.share();
                setting.spawn(async move {
                    let every = Recurrence::Every(MILLISECOND);
                    let set = || hub.timers().set(tenant(TENANT), plugin, every.clone(), Bytes::new(), Missed::Skip);
                    while set().is_ok() {
                        tokio::task::yield_now().await;
                    }
                });
            }
            let mut finishing = JoinSet::new();
            for _ in 0..20 {
                let (hub, due) = (host.share(), host.due.recv().await.expect("the hub runs"));
                finishing.spawn(async move { hub.timers().finished(due) });
            }
            host.timers().forget(plugin);
            setting.join_all().await;
            finishing.join_all().await;
            // Those that were under way come before one that is set now, and none of them comes again.
            let now = Recurrence::After(Duration::ZERO);
            let last = host.timers().set(tenant(TENANT), PLUGIN, now, Bytes::new(), Missed::Skip).expect("a timer");
            loop {
                let due = host.due.recv().await.expect("the hub runs");
                let is_last = due.id == last;
                host.timers().finished(due);
                if is_last {
                    break;
                }
            }
            assert!(host.timers().is_empty());
        }
    });
}
