//! What the suite stands on: the real host in this process, real clients, guests that are built once, the log, and the real
//! program.

mod client;
#[allow(dead_code, reason = "it is for the tests of faults, which are a program of their own")]
mod fault;
mod guests;
mod host;
mod http;
mod log;
#[allow(dead_code, reason = "it is the suite's")]
mod operator;
mod program;
mod puppet;
#[allow(dead_code, reason = "it is for the tests of faults and the soak, which are programs of their own")]
mod random;

use std::time::Duration;

use anyhow::Context;

pub(crate) use client::Client;
#[allow(unused_imports, reason = "they are those of the tests of faults, which are a program of their own")]
pub(crate) use fault::{Fault, Line, Plan, Tally, Way};
#[allow(
    unused_imports,
    reason = "they are those of the suite, of the benchmarks and of the soak, which are programs of their own"
)]
pub(crate) use guests::{AT_ONCE, CALLER, CRIER, HOLDER, HOSTILE, KEEPER, MUTE, RELAY, SOAK, SOAK_MANIFEST};
pub(crate) use guests::{COUNTER, GATE, Guest, POSTMAN, PUPPET, SILENT, sample};
pub(crate) use host::{Host, Setup};
pub(crate) use http::{Answer, handshake, request};
pub(crate) use log::{lines, logged};
#[allow(unused_imports, reason = "it is the suite's")]
pub(crate) use operator::{Operator, Payload, Reply};
pub(crate) use program::{Served, allow_open_files, folder, holdline};
#[allow(
    unused_imports,
    reason = "they are those of the tests of languages and others, which are programs of their own"
)]
pub(crate) use program::{forget_peak, peak, resident, root};
pub(crate) use puppet::{case, value};
#[allow(
    unused_imports,
    reason = "it is that of the tests of faults and of the soak, which are programs of their own"
)]
pub(crate) use random::Random;

/// How long a test waits for what is to come. A machine that is busy may take long; one that is broken is found out in half a
/// minute.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the future comes to, or an error that says what did not come.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> anyhow::Result<T> {
    tokio::time::timeout(PATIENCE, future).await.with_context(|| format!("{what} did not come"))
}
