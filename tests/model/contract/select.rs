//! `select` receives: the item and where it came from, once, with a turn for every channel.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdline::hub::{Channel, ChannelError, select};
use tokio::task::JoinHandle;

use crate::door::{Host, channel, item, settle};

const SECOND: Duration = Duration::from_secs(1);

fn channels<const N: usize>(host: &Host, capacity: u32) -> [Arc<Channel>; N] {
    std::array::from_fn(|number| channel(host, &format!("channel-{number}"), capacity))
}

/// A select that waits by now.
async fn selecting(channels: &[Arc<Channel>]) -> JoinHandle<Result<(usize, Bytes), ChannelError>> {
    let channels = channels.to_vec();
    let selecting = tokio::spawn(async move { select(&channels, None).await });
    settle().await;
    selecting
}

#[tokio::test(start_paused = true)]
async fn the_item_and_its_channel_come_back_together_and_it_is_received() {
    let host = Host::new();
    let both = channels::<2>(&host, 4);
    assert_eq!(both[1].offer(item("one")), Ok(()));
    assert_eq!(select(&both, None).await, Ok((1, item("one"))));
    assert_eq!((both[0].len(), both[1].len()), (0, 0));
    assert_eq!(select(&both, Some(SECOND)).await, Err(ChannelError::Timeout));
}

#[tokio::test(start_paused = true)]
async fn whichever_channel_has_an_item_first_ends_the_wait() {
    let host = Host::new();
    for capacity in [0, 4] {
        for index in 0..3 {
            let all: [_; 3] = std::array::from_fn(|n| channel(&host, &format!("{capacity}-{index}-{n}"), capacity));
            let selecting = selecting(&all).await;
            assert_eq!(all[index].offer(item("one")), Ok(()));
            assert_eq!(selecting.await.expect("no panic"), Ok((index, item("one"))));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_on_many_channels_takes_one_item_of_them_all() {
    let host = Host::new();
    let all = channels::<3>(&host, 0);
    let selecting = selecting(&all).await;
    assert_eq!(all[2].offer(item("one")), Ok(()));
    for other in &all {
        assert_eq!(other.offer(item("two")), Err(ChannelError::Full), "nobody waits there any more");
    }
    assert_eq!(selecting.await.expect("no panic"), Ok((2, item("one"))));
}

#[tokio::test(start_paused = true)]
async fn a_sender_of_a_rendezvous_is_served_by_a_select() {
    let host = Host::new();
    let both = channels::<2>(&host, 0);
    let sender = tokio::spawn({
        let sender = Arc::clone(&both[1]);
        async move { sender.send(item("one"), None).await }
    });
    settle().await;
    assert_eq!(select(&both, None).await, Ok((1, item("one"))));
    assert_eq!(sender.await.expect("no panic"), Ok(()));
}

/// How many of these rounds each of the full channels was served in.
async fn rounds(all: &[Arc<Channel>], rounds: usize) -> Vec<usize> {
    let mut served = vec![0; all.len()];
    for _ in 0..rounds {
        for full in all {
            // It may still be full.
            let _full = full.offer(item("x"));
        }
        let (index, _) = select(all, None).await.expect("an item");
        if let Some(served) = served.get_mut(index) {
            *served += 1;
        }
    }
    served
}

#[tokio::test(start_paused = true)]
async fn each_channel_that_has_items_gets_its_turn() {
    let host = Host::new();
    let all = channels::<4>(&host, 4);
    let served = rounds(&all, 400).await;
    assert!(served.iter().all(|served| *served > 50), "{served:?}");
}

#[tokio::test(start_paused = true)]
async fn two_loops_that_take_turns_do_not_take_turns_from_each_other() {
    let host = Host::new();
    let all = channels::<4>(&host, 4);
    let (left, right) = all.split_at(2);
    let mut served = [0; 4];
    for _ in 0..200 {
        for (offset, pair) in [(0, left), (2, right)] {
            for (index, count) in rounds(pair, 1).await.into_iter().enumerate() {
                served[offset + index] += count;
            }
        }
    }
    assert!(served.iter().all(|served| *served > 50), "{served:?}");
}

#[tokio::test(start_paused = true)]
async fn a_select_is_closed_when_all_its_channels_are_closed_and_empty() {
    let host = Host::new();
    let both = channels::<2>(&host, 4);
    assert_eq!(both[0].offer(item("left")), Ok(()));
    both[0].close();
    assert_eq!(select(&both, None).await, Ok((0, item("left"))), "it is drained first");
    let selecting = selecting(&both).await;
    assert!(!selecting.is_finished(), "the other one is open");
    both[1].close();
    assert_eq!(selecting.await.expect("no panic"), Err(ChannelError::Closed));
    assert_eq!(select(&both, Some(SECOND)).await, Err(ChannelError::Closed));
}

#[tokio::test(start_paused = true)]
async fn what_a_select_did_not_live_to_see_goes_back_to_its_channel() {
    let host = Host::new();
    let both = channels::<2>(&host, 4);
    let selecting = selecting(&both).await;
    assert_eq!(both[1].offer(item("first")), Ok(()));
    selecting.abort();
    assert!(selecting.await.is_err_and(|error| error.is_cancelled()));
    assert_eq!(both[1].offer(item("second")), Ok(()));
    assert_eq!((both[1].poll(), both[0].poll()), (Ok(Some(item("first"))), Ok(None)));
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_is_named_twice_is_still_one() {
    let host = Host::new();
    let [one] = channels::<1>(&host, 0);
    let selecting = selecting(&[Arc::clone(&one), Arc::clone(&one)]).await;
    assert_eq!(one.offer(item("one")), Ok(()));
    assert_eq!(one.offer(item("two")), Err(ChannelError::Full));
    assert!(selecting.await.expect("no panic").is_ok_and(|(_, received)| received == item("one")));
}
