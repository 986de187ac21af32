//! How long the parts of the host take, each alone: `cargo bench --package holdline-tests --bench micro`, with a part's name behind
//! it or without. Figures are those of this machine; two runs compare when nothing else runs.
#![allow(clippy::expect_used, reason = "a benchmark that cannot go on fails by saying what it lacked")]
#![allow(dead_code, unused_imports, reason = "it uses a part of what the suite and the model stand on")]

#[path = "../../model/door.rs"]
mod door;
#[path = "../../harness/mod.rs"]
mod harness;

mod call;
mod channel;
mod connection;
mod timer;

use std::time::Instant;

use criterion::{Bencher, Criterion};
use tokio::runtime::Runtime;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    call::measure(&mut criterion);
    connection::measure(&mut criterion);
    timer::measure(&mut criterion);
    channel::measure(&mut criterion);
    criterion.final_summary();
}

/// What is sent everywhere, 64 bytes long.
const TEXT: &str = "Sixty-four bytes of text, as a client of a chat may well send it";

/// One thread, as each connection has it at a time.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Measures what is asynchronous: as often as asked for, all within the runtime, so that entering it costs nothing.
fn each(bencher: &mut Bencher<'_>, runtime: &Runtime, mut one: impl AsyncFnMut()) {
    bencher.iter_custom(|times| {
        runtime.block_on(async {
            let begun = Instant::now();
            for _ in 0..times {
                one().await;
            }
            begun.elapsed()
        })
    });
}
