//! Every retention has a deadline: whose it is, how it is moved, and what happens then.

use std::time::Duration;

use holdline::hub::{DelayedError, EventKind, Expiry, Frame, NextStep, RetainOptions, Settings};
use tokio::time::Instant;

use crate::door::{Client, Host, NEIGHBOUR, TENANT, close_frame, frames, look, narrow, passes, state_of, text};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Asserts that the retention lasts exactly this much longer.
async fn assert_lasts(host: &Host, client: &Client, handle: u64, time: Duration) {
    assert_eq!(look(&client.connection).deadline, Some(Instant::now() + time));
    passes(time - Duration::from_millis(1)).await;
    client.looks_at_the_clock();
    assert_eq!(state_of(host, handle), Ok(()), "a deadline is never early");
    passes(Duration::from_millis(1)).await;
    client.looks_at_the_clock();
    assert_eq!(state_of(host, handle), Err(DelayedError::InvalidHandle));
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_of_its_own_a_retention_lasts_as_long_as_configured() {
    let host = Host::with(Settings { retain_deadline: 7 * SECOND, ..Settings::default() });
    let client = host.client();
    let handle = client.held();
    assert_lasts(&host, &client, handle, 7 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn unless_configured_a_retention_lasts_a_minute() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held();
    assert_lasts(&host, &client, handle, MINUTE).await;
}

#[tokio::test(start_paused = true)]
async fn a_deadline_of_its_own_counts() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held_for(5 * SECOND, Expiry::Resume);
    assert_lasts(&host, &client, handle, 5 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn no_deadline_is_above_the_maximum() {
    let host = Host::with(Settings { retain_maximum: HOUR, retain_deadline: 5 * HOUR, ..Settings::default() });
    let client = host.client();
    let handle = client.held_for(2 * HOUR, Expiry::Resume);
    assert_lasts(&host, &client, handle, HOUR).await;
    let handle = client.held();
    assert_lasts(&host, &client, handle, HOUR).await;
    let handle = client.held_for(Duration::MAX, Expiry::Resume);
    assert_lasts(&host, &client, handle, HOUR).await;
}

#[tokio::test(start_paused = true)]
async fn a_deadline_of_nothing_expires_when_the_event_has_returned() {
    let host = Host::new();
    let client = host.client();
    client.begin(EventKind::Message);
    let options = RetainOptions { deadline: Some(Duration::ZERO), expiry: Expiry::Send(text("busy")) };
    assert!(host.retain(&client.connection, options).is_ok());
    client.returns();
    client.looks_at_the_clock();
    assert!(client.is_free());
    assert_eq!(client.reads(), frames(["busy"]));
}

#[tokio::test(start_paused = true)]
async fn by_default_the_connection_resumes_at_the_deadline() {
    let host = Host::new();
    let mut client = host.client();
    client.held_for(SECOND, Expiry::default());
    client.says("waited");
    passes(SECOND).await;
    assert!(client.is_waiting(), "only its own task ends a retention");
    client.looks_at_the_clock();
    assert_eq!(client.next_event(), Some(text("waited")));
    assert_eq!(client.reads(), []);
    assert_eq!((host.expired_count(), host.held_count()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_the_connection_is_closed_if_the_policy_says_so() {
    let host = Host::new();
    let client = host.client();
    client.held_for(SECOND, Expiry::Close(close_frame(4000, "too slow")));
    passes(SECOND).await;
    client.looks_at_the_clock();
    assert_eq!(client.reads(), [Frame::Close(close_frame(4000, "too slow"))]);
    assert_eq!(client.connection.next_step(), NextStep::Close);
    assert_eq!((host.expired_count(), host.held_count()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_a_message_is_sent_if_the_policy_says_so() {
    let host = Host::new();
    let mut client = host.client();
    client.held_for(SECOND, Expiry::Send(text("try again")));
    client.says("waited");
    passes(SECOND).await;
    client.looks_at_the_clock();
    assert_eq!(client.reads(), frames(["try again"]));
    assert_eq!(client.next_event(), Some(text("waited")));
}

#[tokio::test(start_paused = true)]
async fn the_expiry_message_goes_out_even_when_the_outbox_is_full() {
    let host = Host::with(narrow(4));
    let client = host.client();
    let handle = client.held_for(SECOND, Expiry::Send(text("busy")));
    assert_eq!(host.push(TENANT, handle, text("full"), None), Ok(()));
    passes(SECOND).await;
    client.looks_at_the_clock();
    assert_eq!(client.reads(), frames(["full", "busy"]));
}

#[tokio::test(start_paused = true)]
async fn an_expiry_happens_once() {
    let host = Host::new();
    let client = host.client();
    client.held_for(SECOND, Expiry::Send(text("try again")));
    passes(SECOND).await;
    client.looks_at_the_clock();
    passes(MINUTE).await;
    client.looks_at_the_clock();
    assert_eq!(client.reads(), frames(["try again"]));
    assert_eq!(host.expired_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_handle_that_was_used_expires_no_more() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held_for(SECOND, Expiry::Close(close_frame(4000, "")));
    assert_eq!(host.release(TENANT, handle), Ok(()));
    assert_eq!(look(&client.connection).deadline, None);
    passes(MINUTE).await;
    client.looks_at_the_clock();
    assert_eq!(client.reads(), []);
    assert_eq!(host.expired_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn extending_sets_the_deadline_anew_from_now_on() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held_for(10 * SECOND, Expiry::Resume);
    passes(9 * SECOND).await;
    assert_eq!(host.extend(TENANT, handle, 10 * SECOND), Ok(()));
    assert_lasts(&host, &client, handle, 10 * SECOND).await;
    let handle = client.held_for(10 * SECOND, Expiry::Resume);
    assert_eq!(host.extend(TENANT, handle, SECOND), Ok(()), "it may be sooner than before");
    assert_lasts(&host, &client, handle, SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn extending_never_goes_above_the_maximum() {
    let host = Host::with(Settings { retain_maximum: HOUR, ..Settings::default() });
    let client = host.client();
    let handle = client.held();
    passes(SECOND).await;
    assert_eq!(host.extend(TENANT, handle, Duration::MAX), Ok(()));
    assert_lasts(&host, &client, handle, HOUR).await;
}

#[tokio::test(start_paused = true)]
async fn a_handle_whose_connection_is_gone_is_closed_until_its_deadline_and_then_invalid() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held_for(10 * SECOND, Expiry::Resume);
    client.leaves();
    client.ends();
    assert_eq!((host.connection_count(), host.held_count()), (0, 0));
    passes(10 * SECOND - Duration::from_millis(1)).await;
    assert_eq!(state_of(&host, handle), Err(DelayedError::Closed));
    assert_eq!(host.release(TENANT, handle), Err(DelayedError::Closed), "it says so as often as it is asked");
    assert_eq!(host.release(TENANT, handle), Err(DelayedError::Closed));
    assert_eq!(host.release(NEIGHBOUR, handle), Err(DelayedError::InvalidHandle));
    passes(Duration::from_millis(1)).await;
    assert_eq!(state_of(&host, handle), Err(DelayedError::InvalidHandle));
    assert_eq!(host.expired_count(), 0, "nothing was held any more");
}

#[tokio::test(start_paused = true)]
async fn a_handle_is_invalid_after_its_deadline_while_its_connection_is_still_ending() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held_for(10 * SECOND, Expiry::Resume);
    client.leaves();
    client.begin(EventKind::Close);
    passes(10 * SECOND).await;
    assert_eq!(state_of(&host, handle), Err(DelayedError::InvalidHandle));
    client.ends();
    assert_eq!(state_of(&host, handle), Err(DelayedError::InvalidHandle), "it does not come back to life");
}
