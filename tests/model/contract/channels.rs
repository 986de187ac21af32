//! Channels: their names and capacities, what is possible at once, and what a close leaves.

use holdline::hub::{ChannelError, Settings};

use crate::door::{Host, NEIGHBOUR, TENANT, channel, item, tenant};

#[tokio::test(start_paused = true)]
async fn a_name_means_one_channel_of_its_tenant() {
    let host = Host::new();
    let first = channel(&host, "jobs", 4);
    assert_eq!(first.offer(item("one")), Ok(()));
    assert_eq!(channel(&host, "jobs", 4).poll(), Ok(Some(item("one"))));
    let foreign = host.channels().open(tenant(NEIGHBOUR), "jobs", 9).expect("another tenant's channel");
    assert_eq!(first.offer(item("two")), Ok(()));
    assert_eq!(foreign.poll(), Ok(None));
    assert!(host.channels().lookup(TENANT, "jobs").is_ok_and(|found| found.len() == 1));
    assert_eq!(host.channels().lookup(TENANT, "other").map(|_| ()), Err(ChannelError::Unknown));
}

#[tokio::test(start_paused = true)]
async fn an_open_channel_keeps_its_capacity() {
    let host = Host::new();
    assert_eq!(channel(&host, "jobs", 4).capacity(), 4);
    let wrong = host.channels().open(tenant(TENANT), "jobs", 5);
    assert_eq!(wrong.map(|_| ()), Err(ChannelError::WrongCapacity));
}

#[tokio::test(start_paused = true)]
async fn a_name_has_1_to_255_bytes_and_no_control_character() {
    let host = Host::new();
    for name in ["", "a\nb", "a\0", "\u{7f}", &"é".repeat(128)] {
        let opened = host.channels().open(tenant(TENANT), name, 1).map(|_| ());
        assert_eq!(opened, Err(ChannelError::InvalidName), "{name:?}");
        assert_eq!(host.channels().lookup(TENANT, name).map(|_| ()), Err(ChannelError::InvalidName), "{name:?}");
    }
    for name in ["x", "a b/c:d", "é", &"x".repeat(255)] {
        assert!(host.channels().open(tenant(TENANT), name, 1).is_ok(), "{name:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn capacities_and_items_have_a_limit() {
    let host = Host::new();
    assert!(host.channels().open(tenant(TENANT), "large", 1 << 20).is_ok());
    let larger = host.channels().open(tenant(TENANT), "larger", (1 << 20) + 1);
    assert_eq!(larger.map(|_| ()), Err(ChannelError::TooLarge));
    let jobs = channel(&host, "jobs", 4);
    assert_eq!(jobs.offer(vec![0; 1 << 20].into()), Ok(()));
    assert_eq!(jobs.offer(vec![0; (1 << 20) + 1].into()), Err(ChannelError::TooLarge));
    assert_eq!(jobs.send(vec![0; (1 << 20) + 1].into(), None).await, Err(ChannelError::TooLarge));
    assert_eq!(jobs.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_channel_holds_as_many_items_as_its_capacity_in_order() {
    let host = Host::new();
    let jobs = channel(&host, "jobs", 2);
    assert_eq!(jobs.offer(item("one")), Ok(()));
    assert_eq!(jobs.offer(item("two")), Ok(()));
    assert_eq!(jobs.offer(item("three")), Err(ChannelError::Full));
    assert_eq!(jobs.len(), 2);
    assert_eq!(jobs.poll(), Ok(Some(item("one"))));
    assert_eq!(jobs.offer(item("four")), Ok(()));
    assert_eq!(jobs.poll(), Ok(Some(item("two"))));
    assert_eq!(jobs.poll(), Ok(Some(item("four"))));
    assert_eq!(jobs.poll(), Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_rendezvous_is_full_while_nobody_receives() {
    let host = Host::new();
    let jobs = channel(&host, "jobs", 0);
    assert_eq!(jobs.offer(item("one")), Err(ChannelError::Full));
    assert_eq!((jobs.len(), jobs.poll()), (0, Ok(None)));
}

#[tokio::test(start_paused = true)]
async fn peeking_shows_the_next_item_and_leaves_it() {
    let host = Host::new();
    let jobs = channel(&host, "jobs", 2);
    assert_eq!(jobs.peek(), Ok(None));
    assert_eq!(jobs.offer(item("one")), Ok(()));
    assert_eq!(jobs.offer(item("two")), Ok(()));
    assert_eq!((jobs.peek(), jobs.peek()), (Ok(Some(item("one"))), Ok(Some(item("one")))));
    assert_eq!(jobs.len(), 2);
    jobs.close();
    assert_eq!((jobs.poll(), jobs.poll()), (Ok(Some(item("one"))), Ok(Some(item("two")))));
    assert_eq!(jobs.peek(), Err(ChannelError::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_closed_channel_drains_what_it_holds_and_then_says_closed() {
    let host = Host::new();
    let jobs = channel(&host, "jobs", 4);
    for item in [item("one"), item("two"), item("three")] {
        assert_eq!(jobs.offer(item), Ok(()));
    }
    jobs.close();
    jobs.close();
    assert_eq!(jobs.offer(item("four")), Err(ChannelError::Closed));
    assert_eq!(jobs.send(item("four"), None).await, Err(ChannelError::Closed));
    assert_eq!(jobs.poll(), Ok(Some(item("one"))));
    assert_eq!(jobs.receive(None).await, Ok(item("two")));
    assert_eq!(jobs.peek(), Ok(Some(item("three"))));
    assert_eq!(jobs.poll(), Ok(Some(item("three"))));
    assert_eq!(jobs.poll(), Err(ChannelError::Closed));
    assert_eq!(jobs.receive(None).await, Err(ChannelError::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_name_can_be_opened_anew_once_its_channel_is_drained() {
    let host = Host::new();
    let old = channel(&host, "jobs", 4);
    assert_eq!(old.offer(item("left")), Ok(()));
    old.close();
    assert_eq!(host.channels().open(tenant(TENANT), "jobs", 4).map(|_| ()), Err(ChannelError::Closed));
    let found = host.channels().lookup(TENANT, "jobs").expect("it is not drained yet");
    assert_eq!(found.poll(), Ok(Some(item("left"))));
    assert_eq!(host.channels().lookup(TENANT, "jobs").map(|_| ()), Err(ChannelError::Unknown));
    let new = channel(&host, "jobs", 7);
    assert_eq!((new.capacity(), new.offer(item("fresh"))), (7, Ok(())));
    assert_eq!(old.poll(), Err(ChannelError::Closed), "the old one is over for good");
}

#[tokio::test(start_paused = true)]
async fn a_tenant_has_as_many_channels_as_it_may() {
    let host = two_channels();
    channel(&host, "one", 1);
    let two = channel(&host, "two", 1);
    let open = |name| host.channels().open(tenant(TENANT), name, 1).map(|_| ());
    assert_eq!(open("three"), Err(ChannelError::QuotaExceeded));
    assert_eq!(open("one"), Ok(()), "one that is open already is not one more");
    assert!(host.channels().open(tenant(NEIGHBOUR), "three", 1).is_ok(), "another tenant has its own quota");
    two.close();
    assert_eq!(open("two"), Ok(()), "in the place of the one that is over");
    assert_eq!(open("three"), Err(ChannelError::QuotaExceeded));
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_is_over_counts_no_more() {
    let host = two_channels();
    // As a plugin does that opens a channel for each answer it waits for: no name is ever looked at again.
    for name in ["reply-1", "reply-2", "reply-3", "reply-4", "reply-5"] {
        let reply = channel(&host, name, 1);
        assert_eq!(reply.offer(item("answer")), Ok(()));
        reply.close();
        assert_eq!(reply.poll(), Ok(Some(item("answer"))));
    }
    let undrained = channel(&host, "undrained", 1);
    assert_eq!(undrained.offer(item("answer")), Ok(()));
    undrained.close();
    channel(&host, "open", 1);
    let third = host.channels().open(tenant(TENANT), "third", 1).map(|_| ());
    assert_eq!(third, Err(ChannelError::QuotaExceeded), "one that still holds something counts");
    assert!(host.channels().lookup(TENANT, "undrained").is_ok());
}

fn two_channels() -> Host {
    let mut settings = Settings::default();
    settings.channels.count = 2;
    Host::with(settings)
}
