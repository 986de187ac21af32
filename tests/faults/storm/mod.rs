//! Many clients at once, each on a line with a random plan: they echo, are held and delivered to, leave, trap handlers and crash workers.
//! After each round all have left, and the books come out even.

mod client;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use holdline::gate::Reason;

use crate::books::Books;
use crate::harness::{Tally, resident};
use client::{Account, Client, Stay};

/// How long the host bears who says nothing or takes nothing. Clients with whom nothing is wrong must not be late on a machine that is busy.
const SHORT: Duration = Duration::from_secs(3);

/// How long for the head of a request: one that comes in single bytes, between those of hundreds of others, takes seconds.
const HEAD: Duration = Duration::from_secs(30);

/// How much there is of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storm {
    pub(crate) rounds: usize,
    /// In these what grows once grows.
    pub(crate) warm_up: usize,
    pub(crate) round: Duration,
    pub(crate) clients: u64,
    /// How many seconds a client waits at most on a line that does harm.
    pub(crate) impatience: u64,
    /// The same clients do the same on the same lines.
    pub(crate) seed: u64,
}

impl Storm {
    /// Runs it, and says what has happened.
    #[allow(clippy::print_stdout, reason = "it is how a bench tells its figures")]
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let Self { rounds, warm_up, round, clients, impatience, seed } = self;
        println!("seed     {seed}: {rounds} rounds of {round:?} with {clients} clients at once");
        let mut books = Books::open(|config| {
            config.listen.header_timeout = HEAD;
            config.listen.keepalive = SHORT;
            config.listen.keepalive_timeout = SHORT;
            config.listen.slow_consumer = SHORT;
            config.listen.close_timeout = SHORT;
        })
        .await?;
        let (tally, mut whole) = (Arc::new(Tally::default()), Account::default());
        let (mut before, mut after) = (0, 0);
        for number in 1..=rounds {
            let stay = Stay { host: books.address(), end: Instant::now() + round, impatience };
            let tasks: Vec<_> = (0..clients)
                .map(|place| {
                    let seed = seed ^ (number as u64) << 32 ^ place << 48;
                    tokio::spawn(Client::new(stay, seed, Arc::clone(&tally)).run())
                })
                .collect();
            let mut account = Account::default();
            for task in tasks {
                account.add(&task.await?.with_context(|| {
                    let refused = Reason::ALL.map(|reason| (reason.name(), books.host.refused(reason)));
                    format!(
                        "the host has sent away {:?}",
                        refused.iter().filter(|(_, count)| *count > 0).collect::<Vec<_>>()
                    )
                })?);
            }
            let balance = books.balance().await.with_context(|| format!("after round {number}"))?;
            // A head may have come whole whose client never heard of it.
            ensure!(balance.connections >= account.connections, "{balance}, and clients had {account}");
            after = resident()?;
            if number == warm_up {
                before = after;
            }
            println!("round    {number}: {balance}; {after} kB in memory when all have left");
            whole.add(&account);
        }
        println!("faults   {tally}");
        println!("clients  {whole}");
        println!("memory   {before} kB after the warm-up, {after} kB at the end");
        ensure!(after * 10 <= before * 11, "the memory has grown by more than a tenth since the warm-up");
        whole.check()?;
        println!("all is accounted for");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_storm_leaves_nothing_behind() -> anyhow::Result<()> {
    Storm { rounds: 2, warm_up: 1, round: Duration::from_secs(4), clients: 100, impatience: 3, seed: 7 }.run().await
}
