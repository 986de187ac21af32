//! Waiting on a channel: first come, first served; a wait that is over leaves nothing behind; a close ends every wait.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdline::hub::{Channel, ChannelError};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::door::{Host, channel, item, passes, settle};

const SECOND: Duration = Duration::from_secs(1);

type Sending = JoinHandle<Result<(), ChannelError>>;
type Receiving = JoinHandle<Result<Bytes, ChannelError>>;

/// A send that waits by now.
async fn sending(channel: &Arc<Channel>, item: Bytes, limit: Option<Duration>) -> Sending {
    let channel = Arc::clone(channel);
    let sending = tokio::spawn(async move { channel.send(item, limit).await });
    settle().await;
    sending
}

/// A receive that waits by now.
async fn receiving(channel: &Arc<Channel>, limit: Option<Duration>) -> Receiving {
    let channel = Arc::clone(channel);
    let receiving = tokio::spawn(async move { channel.receive(limit).await });
    settle().await;
    receiving
}

async fn outcome<T>(waiting: JoinHandle<T>) -> T {
    waiting.await.expect("no panic")
}

#[tokio::test(start_paused = true)]
async fn a_rendezvous_passes_an_item_from_hand_to_hand() {
    let host = Host::new();
    let jobs = channel(&host, "jobs", 0);
    let sender = sending(&jobs, item("one"), None).await;
    assert!(!sender.is_finished(), "nobody has received");
    assert_eq!((jobs.len(), jobs.peek()), (0, Ok(Some(item("one")))));
    assert_eq!(jobs.poll(), Ok(Some(item("one"))));
    assert_eq!(outcome(sender).await, Ok(()));
    let receiver = receiving(&jobs, None).await;
    assert_eq!(jobs.offer(item("two")), Ok(()));
    assert_eq!(jobs.offer(item("three")), Err(ChannelError::Full), "the one who waited has been served");
    assert_eq!(outcome(receiver).await, Ok(item("two")));
}

#[tokio::test(start_paused = true)]
async fn a_sender_waits_for_room() {
    let host = Host::new();
    let jobs = channel(&host, "jobs", 1);
    assert_eq!(jobs.send(item("one"), None).await, Ok(()));
    let sender = sending(&jobs, item("two"), None).await;
    assert!(!sender.is_finished());
    assert_eq!((jobs.len(), jobs.poll()), (1, Ok(Some(item("one")))));
    assert_eq!(outcome(sender).await, Ok(()));
    assert_eq!((jobs.len(), jobs.poll()), (1, Ok(Some(item("two")))));
}

#[tokio::test(start_paused = true)]
async fn timeouts_are_exact() {
    let host = Host::new();
    let jobs = channel(&host, "jobs", 0);
    let start = Instant::now();
    assert_eq!(jobs.receive(Some(SECOND)).await, Err(ChannelError::Timeout));
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(jobs.send(item("one"), Some(SECOND)).await, Err(ChannelError::Timeout));
    assert_eq!(start.elapsed(), 2 * SECOND);
    assert_eq!(jobs.receive(Some(Duration::ZERO)).await, Err(ChannelError::Timeout));
    assert_eq!(start.elapsed(), 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_send_that_timed_out_is_taken_back() {
    let host = Host::new();
    let rendezvous = channel(&host, "rendezvous", 0);
    assert_eq!(rendezvous.send(item("lost"), Some(SECOND)).await, Err(ChannelError::Timeout));
    assert_eq!((rendezvous.peek(), rendezvous.poll()), (Ok(None), Ok(None)));
    assert_eq!(rendezvous.receive(Some(SECOND)).await, Err(ChannelError::Timeout));
    let bounded = channel(&host, "bounded", 1);
    assert_eq!(bounded.offer(item("first")), Ok(()));
    assert_eq!(bounded.send(item("lost"), Some(SECOND)).await, Err(ChannelError::Timeout));
    assert_eq!((bounded.poll(), bounded.poll()), (Ok(Some(item("first"))), Ok(None)));
}

#[tokio::test(start_paused = true)]
async fn a_send_whose_plugin_was_ended_is_taken_back() {
    let host = Host::new();
    let jobs = channel(&host, "jobs", 0);
    let (ended, other) = (sending(&jobs, item("ended"), None).await, sending(&jobs, item("other"), None).await);
    ended.abort();
    assert!(ended.await.is_err_and(|error| error.is_cancelled()));
    assert_eq!((jobs.poll(), jobs.poll()), (Ok(Some(item("other"))), Ok(None)));
    assert_eq!(outcome(other).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn senders_are_served_in_the_order_in_which_they_came() {
    let host = Host::new();
    for (name, capacity) in [("rendezvous", 0), ("bounded", 1)] {
        let jobs = channel(&host, name, capacity);
        let mut senders = Vec::new();
        for number in 0..8_u8 {
            senders.push(sending(&jobs, Bytes::from(vec![number]), None).await);
        }
        assert_eq!(jobs.offer(item("impatient")), Err(ChannelError::Full), "those who wait were here first");
        for number in 0..8_u8 {
            assert_eq!(jobs.poll(), Ok(Some(Bytes::from(vec![number]))), "{name}");
        }
        for sender in senders {
            assert_eq!(outcome(sender).await, Ok(()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn receivers_are_served_in_the_order_in_which_they_came() {
    let host = Host::new();
    for (name, capacity) in [("rendezvous", 0), ("bounded", 8)] {
        let jobs = channel(&host, name, capacity);
        let mut receivers = Vec::new();
        for _ in 0..8 {
            receivers.push(receiving(&jobs, None).await);
        }
        for number in 0..8_u8 {
            assert_eq!(jobs.offer(Bytes::from(vec![number])), Ok(()));
        }
        assert_eq!(jobs.len(), 0, "{name}: all went from hand to hand");
        for (number, receiver) in (0..8_u8).zip(receivers) {
            assert_eq!(outcome(receiver).await, Ok(Bytes::from(vec![number])), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_no_longer_is_passed_over() {
    let host = Host::new();
    let jobs = channel(&host, "jobs", 0);
    let impatient = receiving(&jobs, Some(SECOND)).await;
    let patient = receiving(&jobs, None).await;
    passes(SECOND).await;
    assert_eq!(outcome(impatient).await, Err(ChannelError::Timeout));
    assert_eq!(jobs.offer(item("one")), Ok(()));
    assert_eq!(outcome(patient).await, Ok(item("one")));
    assert_eq!(jobs.offer(item("two")), Err(ChannelError::Full), "nobody is left");
}

#[tokio::test(start_paused = true)]
async fn closing_refuses_the_senders_that_wait_and_keeps_what_was_in() {
    let host = Host::new();
    for (name, capacity) in [("rendezvous", 0), ("bounded", 1)] {
        let jobs = channel(&host, name, capacity);
        if capacity == 1 {
            assert_eq!(jobs.offer(item("in")), Ok(()));
        }
        let sender = sending(&jobs, item("outside"), None).await;
        jobs.close();
        assert_eq!(outcome(sender).await, Err(ChannelError::Closed), "{name}");
        if capacity == 1 {
            assert_eq!(jobs.poll(), Ok(Some(item("in"))));
        }
        assert_eq!(jobs.poll(), Err(ChannelError::Closed), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn closing_wakes_the_receivers_that_wait() {
    let host = Host::new();
    let jobs = channel(&host, "jobs", 4);
    let receivers = [receiving(&jobs, None).await, receiving(&jobs, Some(60 * SECOND)).await];
    let start = Instant::now();
    jobs.close();
    for receiver in receivers {
        assert_eq!(outcome(receiver).await, Err(ChannelError::Closed));
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_item_handed_over_before_the_close_is_still_received() {
    let host = Host::new();
    let jobs = channel(&host, "jobs", 0);
    let receiver = receiving(&jobs, None).await;
    assert_eq!(jobs.offer(item("last")), Ok(()));
    jobs.close();
    assert_eq!(outcome(receiver).await, Ok(item("last")));
}

/// A channel whose first receiver was handed `first` and ended before it could look at it, and with `second` behind.
async fn given_back(host: &Host, capacity: u32) -> Arc<Channel> {
    let jobs = channel(host, "jobs", capacity);
    let receiver = receiving(&jobs, None).await;
    assert_eq!(jobs.offer(item("first")), Ok(()));
    receiver.abort();
    assert!(receiver.await.is_err_and(|error| error.is_cancelled()));
    jobs
}

#[tokio::test(start_paused = true)]
async fn what_a_receiver_did_not_live_to_see_is_the_next_item_again() {
    let host = Host::new();
    let jobs = given_back(&host, 4).await;
    assert_eq!(jobs.offer(item("second")), Ok(()));
    assert_eq!((jobs.poll(), jobs.poll()), (Ok(Some(item("first"))), Ok(Some(item("second")))));
}

#[tokio::test(start_paused = true)]
async fn an_item_that_came_back_makes_no_room_for_another_in_a_rendezvous() {
    let host = Host::new();
    let jobs = given_back(&host, 0).await;
    let sender = sending(&jobs, item("second"), None).await;
    assert_eq!(jobs.poll(), Ok(Some(item("first"))));
    settle().await;
    assert!(!sender.is_finished(), "nobody has received its item");
    assert_eq!((jobs.len(), jobs.poll()), (0, Ok(Some(item("second")))));
    assert_eq!(outcome(sender).await, Ok(()));
}
