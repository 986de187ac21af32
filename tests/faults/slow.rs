//! Clients that read slowly, or never.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use bytesize::ByteSize;
use futures_util::future::try_join_all;
use holdline::gate::Reason;

use crate::books::Books;
use crate::harness::{Client, Fault, Line, Plan, Tally, Way, forget_peak, peak, resident};
use crate::talk::{Length, converse};

/// How many clients there are at once.
const CLIENTS: usize = 40;

/// What the guest sends for a `flood`, as fast as it is taken: so many messages of so many bytes. All systems put less than that
/// between two sockets.
const PARTS: usize = 512;
const PART: usize = 64 << 10;

/// What one client may cost at most: its outbox of 1 MiB, as much again that is being written, and the instance that sends.
const EACH: u64 = 4 << 20;

/// What the process may take beside that, for instances and the like.
const BESIDE: u64 = 64 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn who_never_reads_is_closed_and_costs_a_bounded_amount() -> anyhow::Result<()> {
    let mut books = Books::open(|config| {
        config.listen.slow_consumer = Duration::from_millis(500);
        config.listen.close_timeout = Duration::from_millis(500);
        config.hub.outbox_size = ByteSize::mib(1);
    })
    .await?;
    let length = Length::of(&books).await?;
    books.balance().await?;
    let is_counted = forget_peak().is_ok();
    let before = resident()?;

    let (tally, mut there) = (Arc::new(Tally::default()), Vec::new());
    for _ in 0..CLIENTS {
        let plan = Plan::default().with(Way::ToClient, length.answer, Fault::Stop);
        let line = Line::lay(books.address(), plan, &tally).await?;
        let mut client = Client::connect(line.address(), "/soak", &[]).await?;
        client.send_text("flood 1").await?;
        there.push((line, client));
    }
    books.host.until("the end of all", |hub| hub.connection_count() == 0).await?;

    let most = if is_counted { peak()? } else { resident()? };
    let allowed = (CLIENTS as u64 * EACH + BESIDE) >> 10;
    eprintln!("{most} kB at most, {before} kB before, {allowed} kB more are allowed");
    ensure!(most.saturating_sub(before) <= allowed, "{most} kB, and {before} kB before");
    assert_eq!(books.host.refused(Reason::SlowConsumer), CLIENTS as u64);
    drop(there);
    let balance = books.balance().await?;
    assert_eq!(balance.connections, CLIENTS as u64);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_gets_all_of_a_flood() -> anyhow::Result<()> {
    let mut books = Books::open(|_| {}).await?;
    let mut client = books.host.connect("/soak").await?;
    client.send_text("flood 1").await?;

    for part in 0..PARTS {
        let message = client.next().await?;
        ensure!(message.len() == PART, "{message:?} and not part {part}");
    }
    client.send_text("echo 2").await?;
    assert_eq!(client.text().await?, "answered 2");

    client.close(1000, "").await?;
    assert_eq!(books.balance().await?.connections, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_slower_than_the_host_bears_hears_1013_at_last() -> anyhow::Result<()> {
    let mut books = Books::open(|config| {
        config.listen.slow_consumer = Duration::from_millis(500);
        config.listen.close_timeout = Duration::from_secs(20);
    })
    .await?;
    let tally = Arc::new(Tally::default());
    // Nothing is taken for longer than the host bears, and then all.
    let plan = Plan::default().with(Way::ToClient, 1 << 20, Fault::Delay(Duration::from_secs(2)));
    let clients = (0..4).map(|_| async {
        let line = Line::lay(books.address(), plan.clone(), &tally).await?;
        let mut client = Client::connect(line.address(), "/soak", &[]).await?;
        client.send_text("flood 1").await?;
        anyhow::Ok(client.closed_at_last().await?.0)
    });
    let codes = try_join_all(clients).await?;

    assert_eq!(codes, [1013; 4]);
    assert_eq!(books.host.refused(Reason::SlowConsumer), 4);
    assert_eq!(books.balance().await?.connections, 4);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_slowly_gets_all_of_it() -> anyhow::Result<()> {
    let mut books = Books::open(|_| {}).await?;
    let length = Length::of(&books).await?;
    let tally = Arc::new(Tally::default());
    let plan = (0..length.to_client)
        .fold(Plan::default(), |plan, at| plan.with(Way::ToClient, at, Fault::Delay(Duration::from_millis(2))));
    let line = Line::lay(books.address(), plan, &tally).await?;

    converse(line.address()).await?;

    drop(line);
    assert_eq!(books.balance().await?.connections, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_slow_to_come_to_a_ping_is_not_given_up_while_it_reads() -> anyhow::Result<()> {
    let mut books = Books::open(|config| {
        config.listen.keepalive = Duration::from_millis(100);
        config.listen.keepalive_timeout = Duration::from_secs(1);
    })
    .await?;
    let tally = Arc::new(Tally::default());
    // Pings are behind what fills the buffers between the two, and that takes longer than the host waits for their pongs.
    let (step, steps) = (256 << 10, 48);
    let pause = Fault::Delay(Duration::from_millis(150));
    let plan = (1..steps).fold(Plan::default(), |plan, at| plan.with(Way::ToClient, at * step, pause));
    let line = Line::lay(books.address(), plan, &tally).await?;
    let mut client = Client::connect(line.address(), "/soak", &[]).await?;
    client.send_text("flood 1").await?;

    let mut parts = 0;
    while parts < PARTS {
        let message = client.next().await?;
        parts += usize::from(message.is_binary());
    }
    client.close(1000, "").await?;

    assert_eq!(books.host.refused(Reason::KeepaliveTimeout), 0);
    drop(line);
    assert_eq!(books.balance().await?.connections, 1);
    Ok(())
}
