//! One client of the soak: it connects, sends, waits, leaves and comes again, and keeps the books of its messages.

use std::collections::HashSet;
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::Random;

/// Longer than any answer takes: the deadline of a retention is ten seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client does, and how often in a thousand times.
const VERBS: [(u64, &str); 8] = [
    (400, "echo"),
    (640, "work"),
    (780, "after"),
    (880, "push"),
    (950, "expire"),
    (975, "trap"),
    (998, "fail"),
    (1000, "crash"),
];

/// Where the clients connect and until when.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    pub(crate) end: Instant,
}

/// What became of the messages.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) connections: u64,
    sent: u64,
    answered: u64,
    expired: u64,
    refused: u64,
    closed: u64,
}

impl Account {
    pub(crate) fn add(&mut self, other: &Self) {
        self.connections += other.connections;
        self.sent += other.sent;
        self.answered += other.answered;
        self.expired += other.expired;
        self.refused += other.refused;
        self.closed += other.closed;
    }

    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let found = self.answered + self.expired + self.refused + self.closed;
        ensure!(self.sent == found, "{} messages were sent and {found} are accounted for", self.sent);
        Ok(())
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, sent, answered, expired, refused, closed } = self;
        write!(
            f,
            "account  {sent} messages on {connections} connections: {answered} answered, {expired} expired, {refused} refused, \
             {closed} on a connection that closed"
        )
    }
}

/// Connects again and again until the time is over.
pub(crate) async fn run(plan: Plan, seed: u64) -> anyhow::Result<Account> {
    let mut random = Random(seed);
    let mut account = Account::default();
    while Instant::now() < plan.end {
        let stream = TcpStream::connect(plan.address).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://{}/soak", plan.address);
        let (socket, _) = tokio_tungstenite::client_async(url, stream).await?;
        account.connections += 1;
        visit(plan, &mut random, &mut account, socket).await?;
    }
    Ok(account)
}

/// One connection: some messages at a time, until it is closed, or the client leaves in the middle of it, or has had enough.
async fn visit(
    plan: Plan,
    random: &mut Random,
    account: &mut Account,
    mut socket: WebSocketStream<TcpStream>,
) -> anyhow::Result<()> {
    let mut open: HashSet<String> = HashSet::new();
    for round in 0..=random.next(20) {
        for _ in 0..=random.next(4) {
            let number = format!("{}-{}", round, random.next(u64::MAX));
            let verb = pick(random);
            if socket.send(Message::text(format!("{verb} {number}"))).await.is_err() {
                break;
            }
            account.sent += 1;
            open.insert(number);
        }
        if random.next(20) == 0 {
            // It leaves without a word, whatever is open.
            account.closed += count(&open);
            return Ok(());
        }
        while !open.is_empty() {
            let next = tokio::time::timeout(PATIENCE, socket.next()).await;
            match next.with_context(|| format!("{open:?} were never answered"))? {
                Some(Ok(Message::Text(text))) => settle(&text, &mut open, account)?,
                // A trap, or an error of the handler: its message and all behind it are lost with the connection.
                Some(Ok(Message::Close(_)) | Err(_)) | None => {
                    account.closed += count(&open);
                    return Ok(());
                }
                Some(Ok(_)) => {}
            }
        }
        if Instant::now() >= plan.end {
            break;
        }
        tokio::time::sleep(Duration::from_millis(random.next(200))).await;
    }
    // The host may have closed it meanwhile.
    let _gone = socket.close(None).await;
    Ok(())
}

fn settle(text: &str, open: &mut HashSet<String>, account: &mut Account) -> anyhow::Result<()> {
    let Some((what, number)) = text.split_once(' ') else { bail!("`{text}` is no answer") };
    let count = match what {
        "part" => return Ok(()),
        "answered" => &mut account.answered,
        "expired" => &mut account.expired,
        "refused" => &mut account.refused,
        _ => bail!("`{text}` is no answer"),
    };
    ensure!(open.remove(number), "{number} was answered twice, or never asked");
    *count += 1;
    Ok(())
}

fn pick(random: &mut Random) -> &'static str {
    let roll = random.next(1000);
    VERBS.iter().find(|(below, _)| roll < *below).map_or("echo", |(_, verb)| verb)
}

fn count(open: &HashSet<String>) -> u64 {
    u64::try_from(open.len()).unwrap_or(u64::MAX)
}
