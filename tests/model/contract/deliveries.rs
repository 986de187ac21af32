//! `send-after` and `send-at`: a timer of the host takes the handle over, and `cancel` gives it back.

use std::time::{Duration, SystemTime};

use holdline::hub::{DelayedError, Expiry, Settings};
use holdline::ids::DeliveryId;
use tokio::time::Instant;

use crate::door::{Client, Host, NEIGHBOUR, TENANT, bytes, frames, look, narrow, passes, state_of, text};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A client that is held, and a delivery to it that is due after this long.
fn delivered_after(host: &Host, delay: Duration) -> (Client, u64, DeliveryId) {
    let client = host.client();
    let handle = client.held();
    let delivery = host.send_after(TENANT, handle, text("late"), delay).expect("a delivery");
    (client, handle, delivery)
}

#[tokio::test(start_paused = true)]
async fn a_timer_sends_the_message_in_time_and_ends_the_retention() {
    let host = Host::new();
    let (mut client, _, _) = delivered_after(&host, 10 * SECOND);
    client.says("waited");
    passes(10 * SECOND - MILLISECOND).await;
    assert_eq!(client.reads(), [], "never early");
    assert!(client.is_waiting() && client.connection.is_held());
    passes(MILLISECOND).await;
    assert_eq!(client.reads(), frames(["late"]));
    assert_eq!(host.held_count(), 0);
    assert_eq!(client.next_event(), Some(text("waited")));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_does_not_count_while_the_timer_has_the_handle() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held_for(SECOND, Expiry::Resume);
    assert!(host.send_after(TENANT, handle, text("late"), HOUR).is_ok());
    assert_eq!(look(&client.connection).deadline, None);
    passes(HOUR - MILLISECOND).await;
    client.looks_at_the_clock();
    assert!(client.is_waiting());
    passes(MILLISECOND).await;
    assert_eq!(client.reads(), frames(["late"]));
    assert_eq!(host.expired_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_delay_of_nothing_sends_at_once() {
    let host = Host::new();
    let (client, handle, delivery) = delivered_after(&host, Duration::ZERO);
    assert_eq!(client.reads(), frames(["late"]));
    assert!(client.is_free());
    assert_eq!(state_of(&host, handle), Err(DelayedError::InvalidHandle));
    assert_eq!(host.cancel(TENANT, delivery), Err(DelayedError::UnknownTimer));
}

#[tokio::test(start_paused = true)]
async fn a_time_that_has_passed_sends_at_once() {
    let host = Host::new();
    for at in [SystemTime::UNIX_EPOCH, SystemTime::now() - SECOND] {
        let client = host.client();
        assert!(host.send_at(TENANT, client.held(), text("now"), at).is_ok());
        assert_eq!(client.reads(), frames(["now"]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_to_come_is_waited_for() {
    let host = Host::new();
    let client = host.client();
    assert!(host.send_at(TENANT, client.held(), text("then"), SystemTime::now() + HOUR).is_ok());
    // The clock on the wall goes on by itself, so the hour may have been a little shorter.
    passes(HOUR - SECOND).await;
    assert_eq!(client.reads(), []);
    passes(SECOND).await;
    assert_eq!(client.reads(), frames(["then"]));
}

#[tokio::test(start_paused = true)]
async fn a_delay_that_is_too_long_leaves_the_handle_valid() {
    let host = Host::with(Settings { longest_delay: HOUR, ..Settings::default() });
    let client = host.client();
    let handle = client.held();
    let too_long = HOUR + MILLISECOND;
    assert_eq!(host.send_after(TENANT, handle, text("x"), too_long), Err(DelayedError::InvalidDelay));
    let at = SystemTime::now() + HOUR + SECOND;
    assert_eq!(host.send_at(TENANT, handle, text("x"), at), Err(DelayedError::InvalidDelay));
    assert_eq!(state_of(&host, handle), Ok(()));
    assert!(host.send_after(TENANT, handle, text("x"), HOUR).is_ok());
}

#[tokio::test(start_paused = true)]
async fn unless_configured_a_delay_may_be_400_days() {
    let host = Host::new();
    let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    let client = host.client();
    let handle = client.held();
    assert_eq!(host.send_after(TENANT, handle, text("x"), days(401)), Err(DelayedError::InvalidDelay));
    assert!(host.send_after(TENANT, handle, text("x"), days(400)).is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_longest_delay_can_be_had_after_a_year_without_one() {
    let host = Host::new();
    passes(400 * 24 * HOUR).await;
    let (client, _, _) = delivered_after(&host, 400 * 24 * HOUR);
    passes(400 * 24 * HOUR).await;
    assert_eq!(client.reads(), frames(["late"]));
}

#[tokio::test(start_paused = true)]
async fn a_timer_delivers_even_when_the_outbox_is_full() {
    let host = Host::with(narrow(4));
    let client = host.client();
    let handle = client.held();
    assert_eq!(host.push(TENANT, handle, text("full"), None), Ok(()));
    assert!(host.send_after(TENANT, handle, text("late"), SECOND).is_ok());
    passes(SECOND).await;
    assert_eq!(client.reads(), frames(["full", "late"]), "no guest is there to be told that there was no room");
}

#[tokio::test(start_paused = true)]
async fn a_delivery_at_once_is_told_when_the_outbox_is_full() {
    let host = Host::with(narrow(4));
    let client = host.client();
    let handle = client.held();
    assert_eq!(host.push(TENANT, handle, text("full"), None), Ok(()));
    let delivery = host.send_after(TENANT, handle, text("late"), Duration::ZERO);
    assert_eq!(delivery, Err(DelayedError::Overloaded));
    assert!(client.is_waiting());
}

#[tokio::test(start_paused = true)]
async fn cancelling_gives_the_same_handle_back_still_held_with_its_deadline_moved() {
    let host = Host::new();
    let mut client = host.client();
    client.says("waited");
    let handle = client.held_for(10 * SECOND, Expiry::Resume);
    passes(4 * SECOND).await;
    let delivery = host.send_after(TENANT, handle, text("late"), HOUR).expect("a delivery");
    passes(HOUR / 2).await;
    assert_eq!(host.cancel(TENANT, delivery).map(|handle| handle.get()), Ok(handle));
    assert_eq!(look(&client.connection).deadline, Some(Instant::now() + 6 * SECOND));
    assert!(client.is_waiting());
    passes(HOUR).await;
    assert_eq!(client.reads(), [], "the delivery was taken back");
    assert_eq!(host.send(TENANT, handle, text("sooner"), None), Ok(()));
    assert_eq!(client.reads(), frames(["sooner"]));
}

#[tokio::test(start_paused = true)]
async fn a_handle_that_came_back_can_be_given_to_a_timer_again() {
    let host = Host::new();
    let (client, handle, first) = delivered_after(&host, SECOND);
    assert!(host.cancel(TENANT, first).is_ok());
    let second = host.send_after(TENANT, handle, text("second"), 2 * SECOND).expect("a delivery");
    assert_ne!(first, second);
    assert_eq!(host.cancel(TENANT, first), Err(DelayedError::UnknownTimer), "cancelled before");
    passes(2 * SECOND).await;
    assert_eq!(client.reads(), frames(["second"]));
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_was_made_cannot_be_cancelled() {
    let host = Host::new();
    let (client, _, delivery) = delivered_after(&host, SECOND);
    passes(SECOND).await;
    assert_eq!(host.cancel(TENANT, delivery), Err(DelayedError::UnknownTimer));
    assert_eq!(client.reads(), frames(["late"]));
}

#[tokio::test(start_paused = true)]
async fn nobody_cancels_for_another_tenant() {
    let host = Host::new();
    let (client, _, delivery) = delivered_after(&host, SECOND);
    assert_eq!(host.cancel(NEIGHBOUR, delivery), Err(DelayedError::UnknownTimer));
    assert_eq!(host.cancel(TENANT, DeliveryId(delivery.0 + 1)), Err(DelayedError::UnknownTimer), "never set");
    passes(SECOND).await;
    assert_eq!(client.reads(), frames(["late"]), "the attempt changed nothing");
}

#[tokio::test(start_paused = true)]
async fn a_delivery_to_a_client_that_left_is_dropped() {
    let host = Host::new();
    let (client, handle, delivery) = delivered_after(&host, SECOND);
    client.leaves();
    client.ends();
    assert_eq!(host.held_count(), 0);
    assert_eq!(host.cancel(TENANT, delivery), Err(DelayedError::UnknownTimer));
    passes(2 * SECOND).await;
    assert_eq!(client.reads(), []);
    assert_eq!(state_of(&host, handle), Err(DelayedError::InvalidHandle), "the timer had used it");
}

#[tokio::test(start_paused = true)]
async fn cancelling_after_the_client_left_says_that_the_timer_is_unknown() {
    let host = Host::new();
    let (client, handle, delivery) = delivered_after(&host, SECOND);
    client.leaves();
    assert_eq!(host.cancel(TENANT, delivery), Err(DelayedError::UnknownTimer));
    passes(2 * SECOND).await;
    assert_eq!(client.reads(), []);
    assert_eq!(state_of(&host, handle), Err(DelayedError::Closed), "nobody has used it");
}

#[tokio::test(start_paused = true)]
async fn a_delivery_over_the_message_limit_is_refused_before_the_timer_is_set() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held();
    let delivery = host.send_after(TENANT, handle, bytes((1 << 20) + 1), SECOND);
    assert_eq!(delivery, Err(DelayedError::TooLarge));
    assert_eq!(state_of(&host, handle), Ok(()));
}
