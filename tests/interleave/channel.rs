//! Channels, and all who send, receive, give up and close at the same time.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::iter;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use shuttle::future::{block_on, spawn};

use crate::explore::{another_may_go_first, any, in_every_order, in_many_orders};
use crate::handle::tenant;
use crate::hub::{Channel, ChannelError, Hub, Settings, select};
use crate::ids::NodeId;

/// Channels of this capacity, opened before anyone races.
pub(crate) fn channels<const N: usize>(capacity: u32) -> [Arc<Channel>; N] {
    let (hub, _no_timers) = Hub::new(NodeId::default(), Settings::default()).expect("random numbers");
    std::array::from_fn(|index| hub.channels().open(&tenant(), &index.to_string(), capacity).expect("a channel"))
}

pub(crate) fn item(number: u8) -> Bytes {
    Bytes::from(vec![number])
}

pub(crate) fn number(item: &Bytes) -> u8 {
    *item.first().expect("a number")
}

/// Begins, lets others go first, looks once more and gives up.
async fn given_up_soon<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..2 {
        if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(output);
        }
        another_may_go_first();
    }
    None
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// What is not possible at once is not done.
    None,
    /// It waits, and its time is over in the same moment.
    Moment,
    /// It is dropped while it waits.
    Dropped,
    /// It waits for as long as it takes.
    Endless,
}

const HASTY: [Patience; 3] = [Patience::None, Patience::Moment, Patience::Dropped];
const ANY: [Patience; 4] = [Patience::None, Patience::Moment, Patience::Dropped, Patience::Endless];

/// Sends; nothing if it was dropped, so that nobody knows.
async fn send(channel: &Channel, number: u8, patience: Patience) -> Option<Result<(), ChannelError>> {
    match patience {
        Patience::None => Some(channel.offer(item(number))),
        Patience::Moment => Some(channel.send(item(number), Some(Duration::ZERO)).await),
        Patience::Dropped => given_up_soon(channel.send(item(number), None)).await,
        Patience::Endless => Some(channel.send(item(number), None).await),
    }
}

async fn receive(channels: &[Arc<Channel>], patience: Patience) -> Result<u8, ChannelError> {
    let received = match patience {
        Patience::None => {
            // One that is closed says nothing about the others.
            let polled = any_of(channels).poll().unwrap_or_default();
            return polled.map(|item| number(&item)).ok_or(ChannelError::Timeout);
        }
        Patience::Moment => select(channels, Some(Duration::ZERO)).await,
        Patience::Dropped => given_up_soon(select(channels, None)).await.unwrap_or(Err(ChannelError::Timeout)),
        Patience::Endless => select(channels, None).await,
    };
    received.map(|(_, item)| number(&item))
}

fn any_of(channels: &[Arc<Channel>]) -> Arc<Channel> {
    // One alone is not thrown dice for: where all orders are tried there are none.
    if let [only] = channels { Arc::clone(only) } else { any(channels) }
}

/// What went in and what came out. To write it down is no step of the race.
#[derive(Default)]
struct Books(Mutex<Page>);

#[derive(Debug, Default)]
struct Page {
    sent: BTreeSet<u8>,
    // Given up, and perhaps received.
    unknown: BTreeSet<u8>,
    received: Vec<u8>,
}

impl Books {
    fn with(&self, write: impl FnOnce(&mut Page)) {
        write(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Sends the number and writes down what came of it.
    async fn send(&self, channel: &Channel, number: u8, patience: Patience) {
        match send(channel, number, patience).await {
            Some(Ok(())) => self.with(|page| _ = page.sent.insert(number)),
            None => self.with(|page| _ = page.unknown.insert(number)),
            Some(Err(ChannelError::Full)) => assert_eq!(patience, Patience::None),
            Some(Err(ChannelError::Timeout)) => assert_eq!(patience, Patience::Moment),
            Some(Err(error)) => assert_eq!(error, ChannelError::Closed),
        }
    }

    /// Receives and writes it down; false if there will be nothing more.
    async fn receive(&self, channels: &[Arc<Channel>], patience: Patience) -> bool {
        match receive(channels, patience).await {
            Ok(number) => self.with(|page| page.received.push(number)),
            Err(ChannelError::Timeout) => assert_ne!(patience, Patience::Endless),
            Err(error) => {
                assert_eq!(error, ChannelError::Closed);
                return false;
            }
        }
        true
    }

    /// Takes out what is left and compares.
    fn balance(&self, channels: &[Arc<Channel>]) {
        let left = channels.iter().flat_map(|channel| iter::from_fn(|| channel.poll().ok().flatten()));
        let left: Vec<u8> = left.map(|item| number(&item)).collect();
        self.with(|page| {
            page.received.extend(left);
            let received = BTreeSet::from_iter(page.received.iter().copied());
            assert_eq!(received.len(), page.received.len(), "doubled: {page:?}");
            assert!(received.is_superset(&page.sent), "lost: {page:?}");
            let sent: BTreeSet<u8> = page.sent.union(&page.unknown).copied().collect();
            assert!(received.is_subset(&sent), "received though it was taken back: {page:?}");
        });
    }
}

fn one_send_and_one_receive(capacity: u32, sender: Patience, receiver: Patience) {
    let (channels, books) = (channels::<1>(capacity), Arc::new(Books::default()));
    let sending = spawn({
        let (channels, books) = (channels.clone(), Arc::clone(&books));
        async move { books.send(&any_of(&channels), 1, sender).await }
    });
    let receiving = spawn({
        let (channels, books) = (channels.clone(), Arc::clone(&books));
        async move { books.receive(&channels, receiver).await }
    });
    block_on(sending).expect("no panic");
    assert!(block_on(receiving).expect("no panic"), "nobody has closed it");
    books.balance(&channels);
}

#[test]
fn one_send_and_one_receive_agree_on_what_was_handed_over() {
    for capacity in [0, 1] {
        for (sender, receiver) in HASTY.into_iter().flat_map(|sender| HASTY.map(|receiver| (sender, receiver))) {
            let race = move || one_send_and_one_receive(capacity, sender, receiver);
            // Where one begins to wait there are more orders than can all be tried.
            if sender == Patience::None && receiver == Patience::None {
                in_every_order(race);
            } else {
                in_many_orders(3000, race);
            }
        }
    }
}

/// Two send in all ways and two receive in all ways, until a fifth closes: at once, or when all is sent.
fn nothing_is_lost_or_doubled<const N: usize>(capacity: u32) {
    let (channels, books) = (channels::<N>(capacity), Arc::new(Books::default()));
    let senders = [1_u8, 11].map(|first| {
        let (channels, books) = (channels.clone(), Arc::clone(&books));
        spawn(async move {
            for number in [first, first + 1] {
                books.send(&any_of(&channels), number, any(&ANY)).await;
            }
        })
    });
    let receivers = [1, 2].map(|hasty| {
        let (channels, books) = (channels.clone(), Arc::clone(&books));
        spawn(async move {
            for _ in 0..hasty {
                books.receive(&channels, any(&HASTY)).await;
            }
            while books.receive(&channels, Patience::Endless).await {}
        })
    });
    let close = || channels.iter().for_each(|channel| channel.close());
    if any(&[true, false, false]) {
        close();
    }
    for sender in senders {
        block_on(sender).expect("no panic");
    }
    close();
    for receiver in receivers {
        block_on(receiver).expect("no panic");
    }
    books.balance(&channels);
}

#[test]
fn a_rendezvous_loses_and_doubles_nothing_whoever_gives_up_or_closes() {
    in_many_orders(5000, || nothing_is_lost_or_doubled::<1>(0));
}

#[test]
fn a_channel_with_room_loses_and_doubles_nothing_whoever_gives_up_or_closes() {
    in_many_orders(5000, || nothing_is_lost_or_doubled::<1>(1));
}

#[test]
fn two_channels_lose_and_double_nothing_whoever_selects_gives_up_or_closes() {
    in_many_orders(5000, || nothing_is_lost_or_doubled::<2>(any(&[0, 1])));
}

#[test]
fn items_of_one_sender_come_in_order_to_one_receiver() {
    in_many_orders(3000, || {
        let [jobs] = channels::<1>(any(&[0, 1]));
        let sending = spawn({
            let jobs = Arc::clone(&jobs);
            async move {
                let mut sent = Vec::new();
                for number in 0..3 {
                    if send(&jobs, number, any(&[Patience::Moment, Patience::Endless])).await == Some(Ok(())) {
                        sent.push(number);
                    }
                }
                jobs.close();
                sent
            }
        });
        let mut received = Vec::new();
        loop {
            match block_on(receive(std::slice::from_ref(&jobs), any(&[Patience::Moment, Patience::Endless]))) {
                Ok(number) => received.push(number),
                Err(ChannelError::Timeout) => block_on(async { another_may_go_first() }),
                Err(_) => break,
            }
        }
        assert_eq!(block_on(sending).expect("no panic"), received);
    });
}
