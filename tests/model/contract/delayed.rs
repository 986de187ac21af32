//! Using a handle: exactly one terminal operation succeeds, the others and all that is no handle of the tenant's get the same
//! answer, and an error leaves the retention as it was.

use std::time::{Duration, SystemTime};

use holdline::hub::{DelayedError, Expiry, Frame, Hub, NextStep};
use holdline::ids::{MAX_SAFE_INTEGER, TenantId};
use holdline::message::CloseFrame;

use crate::door::{Host, NEIGHBOUR, TENANT, bytes, close_frame, frames, passes, state_of, text};

const SECOND: Duration = Duration::from_secs(1);

type Operation = fn(&Hub, TenantId, u64) -> Result<(), DelayedError>;

const TERMINAL: [(&str, Operation); 5] = [
    ("send", |hub, tenant, handle| hub.send(tenant, handle, text("sent"), None)),
    ("close", |hub, tenant, handle| hub.close(tenant, handle, CloseFrame::NORMAL)),
    ("release", |hub, tenant, handle| hub.release(tenant, handle)),
    ("send-after", |hub, tenant, handle| hub.send_after(tenant, handle, text("sent"), SECOND).map(|_| ())),
    ("send-at", |hub, tenant, handle| {
        hub.send_at(tenant, handle, text("sent"), SystemTime::now() + SECOND).map(|_| ())
    }),
];

const HOLDING: [(&str, Operation); 2] = [
    ("push", |hub, tenant, handle| hub.push(tenant, handle, text("pushed"), None)),
    ("extend", |hub, tenant, handle| hub.extend(tenant, handle, SECOND)),
];

fn all() -> impl Iterator<Item = (&'static str, Operation)> {
    TERMINAL.into_iter().chain(HOLDING)
}

#[tokio::test(start_paused = true)]
async fn after_one_terminal_operation_every_other_is_invalid() {
    let host = Host::new();
    for (first, end) in TERMINAL {
        for (second, use_again) in all() {
            let client = host.client();
            let handle = client.held();
            assert_eq!(end(&host, TENANT, handle), Ok(()), "{first}");
            assert_eq!(use_again(&host, TENANT, handle), Err(DelayedError::InvalidHandle), "{second} after {first}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_used_handle_is_invalid_and_not_closed_after_its_peer_has_gone() {
    let host = Host::new();
    for (first, end) in TERMINAL {
        let client = host.client();
        let handle = client.held();
        assert_eq!(end(&host, TENANT, handle), Ok(()), "{first}");
        client.leaves();
        assert_eq!(state_of(&host, handle), Err(DelayedError::InvalidHandle), "{first}");
        client.ends();
        assert_eq!(state_of(&host, handle), Err(DelayedError::InvalidHandle), "{first}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_handle_of_the_tenant_is_one_and_the_same_error() {
    let host = Host::new();
    let client = host.client();
    let (used, expired) = (client.held(), client.held_for(SECOND, Expiry::Resume));
    passes(SECOND).await;
    client.looks_at_the_clock();
    let foreign = host.client_of(NEIGHBOUR, "/").held();
    let gone = host.client_of(NEIGHBOUR, "/");
    let foreign_and_gone = gone.held();
    gone.ends();
    let never_given = foreign ^ 1;
    for handle in [used, expired, foreign, foreign_and_gone, never_given, 0, MAX_SAFE_INTEGER + 1, u64::MAX] {
        for (name, operation) in all() {
            assert_eq!(operation(&host, TENANT, handle), Err(DelayedError::InvalidHandle), "{name} {handle}");
        }
    }
    assert_eq!(host.release(NEIGHBOUR, foreign), Ok(()), "its owner's it still is");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_handle_tells_nothing_of_the_message_limit() {
    let host = Host::new();
    let foreign = host.client_of(NEIGHBOUR, "/").held();
    let large = bytes((1 << 20) + 1);
    for handle in [foreign, 0] {
        assert_eq!(host.send(TENANT, handle, large.clone(), None), Err(DelayedError::InvalidHandle));
        assert_eq!(host.push(TENANT, handle, large.clone(), None), Err(DelayedError::InvalidHandle));
        let delayed = host.send_after(TENANT, handle, large.clone(), SECOND);
        assert_eq!(delayed, Err(DelayedError::InvalidHandle));
    }
}

#[tokio::test(start_paused = true)]
async fn any_plugin_of_the_tenant_delivers_from_the_number_alone() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held();
    let hub = host.share();
    let sent = tokio::spawn(async move { hub.send(TENANT, handle, text("from elsewhere"), None) });
    assert_eq!(sent.await.expect("no panic"), Ok(()));
    assert_eq!(client.reads(), frames(["from elsewhere"]));
}

#[tokio::test(start_paused = true)]
async fn sending_ends_the_retention_and_the_connection_goes_on() {
    let host = Host::new();
    let mut client = host.client();
    let handle = client.held();
    client.says("next");
    assert_eq!(host.send(TENANT, handle, text("reply"), None), Ok(()));
    assert!(!client.connection.is_held());
    assert_eq!(host.held_count(), 0);
    assert_eq!(client.next_event(), Some(text("next")));
    assert_eq!(client.connection.reply(text("again")), Ok(()));
    assert_eq!(client.reads(), frames(["reply", "again"]));
}

#[tokio::test(start_paused = true)]
async fn a_handle_works_already_while_its_event_is_under_way() {
    let host = Host::new();
    let client = host.client();
    client.begin(holdline::hub::EventKind::Open);
    let handle = host.retain(&client.connection, Default::default()).expect("a handle").get();
    assert_eq!(host.send(TENANT, handle, text("quick"), None), Ok(()));
    client.returns();
    assert!(client.is_free());
    assert_eq!(client.reads(), frames(["quick"]));
}

#[tokio::test(start_paused = true)]
async fn pushing_goes_on_holding() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held();
    for message in ["one", "two", "three"] {
        assert_eq!(host.push(TENANT, handle, text(message), None), Ok(()));
        assert!(client.is_waiting());
    }
    assert_eq!(host.send(TENANT, handle, text("end"), None), Ok(()));
    assert_eq!(client.reads(), frames(["one", "two", "three", "end"]));
}

#[tokio::test(start_paused = true)]
async fn pushing_moves_no_deadline() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held_for(SECOND, Expiry::Resume);
    passes(SECOND / 2).await;
    assert_eq!(host.push(TENANT, handle, text("one"), None), Ok(()));
    passes(SECOND / 2).await;
    client.looks_at_the_clock();
    assert_eq!(state_of(&host, handle), Err(DelayedError::InvalidHandle));
}

#[tokio::test(start_paused = true)]
async fn releasing_sends_nothing_and_the_connection_goes_on() {
    let host = Host::new();
    let mut client = host.client();
    let handle = client.held();
    client.says("next");
    assert_eq!(host.release(TENANT, handle), Ok(()));
    assert_eq!(client.reads(), []);
    assert_eq!(client.next_event(), Some(text("next")));
}

#[tokio::test(start_paused = true)]
async fn closing_sends_the_frame_and_what_waited_is_for_nobody() {
    let host = Host::new();
    let mut client = host.client();
    let handle = client.held();
    client.says("waited");
    assert_eq!(host.close(TENANT, handle, close_frame(4001, "done")), Ok(()));
    assert_eq!(client.connection.next_step(), NextStep::Close);
    assert_eq!(client.next_event(), None);
    assert_eq!(client.reads(), [Frame::Close(close_frame(4001, "done"))]);
    assert_eq!(host.held_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn once_the_host_has_closed_the_connection_its_handle_is_closed() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held();
    host.for_each(|connection| connection.close(CloseFrame::GOING_AWAY));
    for (name, operation) in all() {
        assert_eq!(operation(&host, TENANT, handle), Err(DelayedError::Closed), "{name}");
    }
    assert_eq!(client.reads(), [Frame::Close(CloseFrame::GOING_AWAY)], "nothing follows the Close frame");
}

#[tokio::test(start_paused = true)]
async fn a_message_over_the_limit_leaves_the_handle_valid() {
    let host = Host::new();
    let client = host.client();
    let handle = client.held();
    let large = bytes((1 << 20) + 1);
    assert_eq!(host.send(TENANT, handle, large.clone(), None), Err(DelayedError::TooLarge));
    assert_eq!(host.push(TENANT, handle, large.clone(), None), Err(DelayedError::TooLarge));
    assert_eq!(host.send_after(TENANT, handle, large.clone(), SECOND), Err(DelayedError::TooLarge));
    assert_eq!(host.send_after(TENANT, handle, large, Duration::ZERO), Err(DelayedError::TooLarge));
    assert!(client.is_waiting());
    assert_eq!(host.send(TENANT, handle, bytes(1 << 20), None), Ok(()), "the limit itself may be reached");
    assert_eq!(client.reads(), [Frame::Message(bytes(1 << 20))]);
}
