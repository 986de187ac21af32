//! The hub under a scheduler that the test holds in its hand (`shuttle`): small races of two to four tasks, small enough that all
//! orders in which they can come by are tried, or thousands of them by chance. A failure prints the order in which it came.
//!
//! The hub's own sources are compiled here a second time, with another mutex in the place of `crate::sync`; what the hub tells from
//! a deadline needs a clock, and that one stands still. Timers and deliveries are not part of it. The unit tests of those sources
//! come along.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails by saying what it lacked")]

#[path = "../../host/src/duration.rs"]
#[allow(dead_code, unreachable_pub, reason = "the hub uses a part of it")]
mod duration;
#[path = "../../host/src/hub/mod.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "it is a room of the host; here only its races are of interest"
)]
mod hub;
#[path = "../../host/src/ids.rs"]
#[allow(dead_code, unreachable_pub, reason = "the hub uses a part of it")]
mod ids;
#[path = "../../host/src/message.rs"]
#[allow(dead_code, unreachable_pub, reason = "the hub uses a part of it")]
mod message;
#[path = "../../host/src/schedule.rs"]
#[allow(dead_code, unreachable_pub, reason = "the hub uses a part of it")]
mod schedule;
mod sync;
#[path = "../../host/src/tenant/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "the hub uses a part of it")]
mod tenant;

mod channel;
mod explore;
mod handle;
mod history;
mod model;
mod waiting;
