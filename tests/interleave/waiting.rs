//! Those who wait at a channel: they are served in the order in which they came, and a close leaves nobody behind.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use shuttle::future::{JoinHandle, block_on, spawn};

use crate::channel::{channels, item, number};
use crate::explore::{any, in_many_orders};
use crate::hub::{Channel, ChannelError, select};

type Waiting<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Lets it begin to wait, before anyone who begins later.
fn waits<T>(future: impl Future<Output = T> + Send + 'static) -> Waiting<T> {
    let mut waiting: Waiting<T> = Box::pin(future);
    let begun = block_on(poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx))));
    assert!(begun.is_pending(), "it does not wait");
    waiting
}

fn sends(channel: &Arc<Channel>, number: u8) -> Waiting<Result<(), ChannelError>> {
    let channel = Arc::clone(channel);
    waits(async move { channel.send(item(number), None).await })
}

fn selects(channels: &[Arc<Channel>]) -> Waiting<Result<u8, ChannelError>> {
    let channels = channels.to_vec();
    waits(async move { select(&channels, None).await.map(|(_, item)| number(&item)) })
}

fn joined<T: 'static>(task: JoinHandle<T>) -> T {
    block_on(task).expect("no panic")
}

#[test]
fn senders_that_wait_are_served_in_turn_though_one_of_them_gives_up() {
    in_many_orders(5000, || {
        let capacity = any(&[0, 1]);
        let [jobs] = channels::<1>(capacity);
        if capacity == 1 {
            jobs.offer(item(0)).expect("there is room");
        }
        let [first, second, third] = [1, 2, 3].map(|number| sends(&jobs, number));
        let gives_up = spawn(async move { drop(second) });
        let [first, third] = [first, third].map(|sender| spawn(sender));
        let receiving = spawn({
            let jobs = Arc::clone(&jobs);
            async move {
                let mut received = Vec::new();
                while let Ok(item) = jobs.receive(None).await {
                    received.push(number(&item));
                }
                received
            }
        });
        joined(gives_up);
        assert_eq!((joined(first), joined(third)), (Ok(()), Ok(())));
        jobs.close();
        let mut received = joined(receiving);
        if capacity == 1 {
            assert_eq!(received.remove(0), 0);
        }
        assert!(received == [1, 2, 3] || received == [1, 3], "{received:?}");
    });
}

/// Three wait at all the channels; the one in the middle gives up, and what it may have been handed goes to the next.
fn receivers_are_served_in_turn<const N: usize>() {
    let channels = channels::<N>(any(&[0, 1]));
    let [first, second, third] = [(); 3].map(|()| selects(&channels));
    let gives_up = spawn(async move { drop(second) });
    let [first, third] = [first, third].map(|receiver| spawn(receiver));
    let sending = spawn(async move {
        for (number, channel) in (1..=2).zip(channels.iter().cycle()) {
            channel.send(item(number), None).await.expect("it is open");
        }
    });
    joined(gives_up);
    joined(sending);
    assert_eq!((joined(first), joined(third)), (Ok(1), Ok(2)));
}

#[test]
fn receivers_that_wait_are_served_in_turn_though_one_of_them_gives_up() {
    in_many_orders(5000, receivers_are_served_in_turn::<1>);
}

#[test]
fn receivers_that_wait_at_two_channels_are_served_in_turn_though_one_of_them_gives_up() {
    in_many_orders(5000, receivers_are_served_in_turn::<2>);
}

#[test]
fn what_a_receiver_gives_back_is_the_next_again() {
    in_many_orders(3000, || {
        let channels = channels::<1>(2);
        let receiver = selects(&channels);
        let gives_up = spawn(async move { drop(receiver) });
        let sending = spawn({
            let [jobs] = channels.clone();
            async move { [1, 2].map(|number| jobs.offer(item(number))) }
        });
        joined(gives_up);
        assert_eq!(joined(sending), [Ok(()), Ok(())]);
        let [jobs] = channels;
        assert_eq!([jobs.poll(), jobs.poll()], [Ok(Some(item(1))), Ok(Some(item(2)))]);
    });
}

#[test]
fn what_a_sender_took_back_is_received_by_nobody_afterwards() {
    in_many_orders(3000, || {
        let [jobs] = channels::<1>(0);
        let sender = sends(&jobs, 1);
        let receiving = spawn({
            let jobs = Arc::clone(&jobs);
            async move { jobs.poll() }
        });
        drop(sender);
        assert_eq!(jobs.poll(), Ok(None));
        let received = joined(receiving).expect("it is open");
        assert!(received.is_none_or(|received| received == item(1)));
    });
}

#[test]
fn a_close_wakes_all_senders_that_wait() {
    in_many_orders(3000, || {
        let [jobs] = channels::<1>(0);
        let senders = [1, 2].map(|number| spawn(sends(&jobs, number)));
        let late = spawn({
            let jobs = Arc::clone(&jobs);
            async move { jobs.send(item(3), None).await }
        });
        jobs.close();
        assert_eq!(senders.map(joined), [Err(ChannelError::Closed); 2]);
        assert_eq!(joined(late), Err(ChannelError::Closed));
        assert_eq!(jobs.poll(), Err(ChannelError::Closed));
    });
}

#[test]
fn a_close_of_all_their_channels_wakes_all_receivers_and_takes_no_item_from_them() {
    in_many_orders(5000, || {
        let channels = channels::<2>(1);
        let waits = spawn(selects(&channels));
        let late = spawn({
            let channels = channels.clone();
            async move { select(&channels, None).await.map(|(_, item)| number(&item)) }
        });
        let offering = spawn({
            let [_, other] = channels.clone();
            async move { other.offer(item(1)) }
        });
        for channel in &channels {
            channel.close();
        }
        let offered = joined(offering);
        let received = [joined(waits), joined(late)];
        let got = received.iter().filter(|received| **received == Ok(1)).count();
        let closed = received.iter().filter(|received| **received == Err(ChannelError::Closed)).count();
        assert_eq!((got, closed), if offered.is_ok() { (1, 1) } else { (0, 2) }, "{offered:?} {received:?}");
    });
}
