//! One client of the storm: it comes again and again, each time on a line with another plan.

use std::collections::HashSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio_tungstenite::tungstenite::Message;

use super::SHORT;
use crate::harness::{self, Line, Plan, Random, Tally};

/// On a line that only delays, everything comes: much later than a retention lasts whose worker has crashed.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a client says, and how often in ten thousand times. A worker that has crashed is started again after a while, the longer the more
/// often it has: with many of them one would only see how long clients wait.
const VERBS: [(u64, &str); 8] = [
    (4000, "echo"),
    (6400, "work"),
    (7600, "after"),
    (8600, "push"),
    (9600, "expire"),
    (9799, "trap"),
    (9999, "fail"),
    (10_000, "crash"),
];

/// What became of clients and their messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    visits: u64,
    /// Visits on which the handshake succeeded, as the client saw it.
    pub(crate) connections: u64,
    sent: u64,
    answered: u64,
    left: u64,
    closed: u64,
    broken: u64,
    late: u64,
    crowded: u64,
}

impl Account {
    /// Hardly anybody was late with whom nothing was wrong, or found no way to its line.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!((self.late + self.crowded) * 100 <= self.visits, "too many were late to say anything: {self}");
        Ok(())
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.visits += other.visits;
        self.connections += other.connections;
        self.sent += other.sent;
        self.answered += other.answered;
        self.left += other.left;
        self.closed += other.closed;
        self.broken += other.broken;
        self.late += other.late;
        self.crowded += other.crowded;
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { visits, connections, sent, answered, left, closed, broken, late, crowded } = self;
        write!(
            f,
            "{visits} visits, {connections} handshakes, {sent} messages, {answered} answers; {left} left without a word, {closed} closed \
             by the host or the client, {broken} ended by a fault, {late} late on a line without one, {crowded} kept off by a port that \
             was another's"
        )
    }
}

/// How a visit ends, if no fault ends it.
enum End {
    Left,
    Closed,
}

/// Where clients come, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct Stay {
    pub(crate) host: SocketAddr,
    pub(crate) end: Instant,
    /// On a line that does harm nothing more may come, and the client leaves after so many seconds at most: before the host gives it up, or
    /// long after.
    pub(crate) impatience: u64,
}

/// One client.
pub(crate) struct Client {
    stay: Stay,
    random: Random,
    tally: Arc<Tally>,
    account: Account,
    // When it began to wait for what it waits for.
    asked: Instant,
}

impl Client {
    pub(crate) fn new(stay: Stay, seed: u64, tally: Arc<Tally>) -> Self {
        Self { stay, random: Random(seed), tally, account: Account::default(), asked: Instant::now() }
    }

    /// Comes again and again until the time is over.
    pub(crate) async fn run(mut self) -> anyhow::Result<Account> {
        while Instant::now() < self.stay.end {
            self.visit().await?;
        }
        Ok(self.account)
    }

    async fn visit(&mut self) -> anyhow::Result<()> {
        let plan = Plan::random(&mut self.random);
        let line = Line::lay(self.stay.host, plan.clone(), &self.tally).await?;
        self.account.visits += 1;
        let impatience = Duration::from_secs(1 + self.random.next(self.stay.impatience));
        let patience = if plan.is_harmless() { PATIENCE } else { impatience };
        let outcome = match tokio::time::timeout(patience, self.talk(&line)).await {
            Ok(outcome) => outcome,
            Err(late) => Err(late).context("an answer did not come"),
        };
        match outcome {
            Ok(End::Left) => self.account.left += 1,
            Ok(End::Closed) => self.account.closed += 1,
            // It has not even come to the line: with so many connections ports are used again while they still are another's.
            Err(error) if error.to_string() == "nobody listens" => self.account.crowded += 1,
            // Nothing is lost where nothing is done to the bytes, unless the machine is so busy that a client was late itself.
            Err(error) if plan.is_harmless() => {
                let waited = self.asked.elapsed();
                ensure!(waited >= SHORT, "{error:#}, and the client had waited only {waited:?} on {plan:?}");
                self.account.late += 1;
            }
            Err(_) => self.account.broken += 1,
        }
        Ok(())
    }

    /// One connection: some messages at a time and their answers, until the client has had enough.
    async fn talk(&mut self, line: &Line) -> anyhow::Result<End> {
        self.asked = Instant::now();
        let mut client = harness::Client::connect(line.address(), "/soak", &[]).await?;
        self.account.connections += 1;
        for round in 0..=self.random.next(6) {
            let (mut open, mut may_close) = (HashSet::new(), false);
            for message in 0..=self.random.next(4) {
                let (verb, number) = (self.verb(), format!("{round}-{message}"));
                may_close |= matches!(verb, "trap" | "fail");
                if client.send_text(format!("{verb} {number}")).await.is_err() {
                    // Why is what it hears next.
                    break;
                }
                self.account.sent += 1;
                open.insert(number);
            }
            match self.random.next(24) {
                0 => return Ok(End::Left),
                1 => {
                    client.into_stream().set_zero_linger()?;
                    return Ok(End::Left);
                }
                _ => {}
            }
            self.asked = Instant::now();
            if !self.hear(&mut client, &mut open).await? {
                ensure!(may_close, "the host has closed it without a reason, and {open:?} are open");
                return Ok(End::Closed);
            }
            tokio::time::sleep(Duration::from_millis(self.random.next(100))).await;
        }
        self.asked = Instant::now();
        client.close(1000, "").await?;
        Ok(End::Closed)
    }

    /// Waits until all that is open is answered. False if the host has closed the connection before.
    async fn hear(&mut self, client: &mut harness::Client, open: &mut HashSet<String>) -> anyhow::Result<bool> {
        while !open.is_empty() {
            match client.next().await? {
                Message::Text(text) => {
                    let Some((what, number)) = text.split_once(' ') else { bail!("`{text}` is no answer") };
                    match what {
                        "part" => continue,
                        "answered" | "expired" | "refused" => self.account.answered += 1,
                        _ => bail!("`{text}` is no answer"),
                    }
                    ensure!(open.remove(number), "{number} was answered twice, or never asked");
                }
                Message::Close(_) => return Ok(false),
                _ => {}
            }
        }
        Ok(true)
    }

    fn verb(&mut self) -> &'static str {
        let roll = self.random.next(10_000);
        VERBS.iter().find(|(below, _)| roll < *below).map_or("echo", |(_, verb)| verb)
    }
}
