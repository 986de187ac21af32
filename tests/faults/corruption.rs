//! Bytes that arrive as others: whatever comes of a handshake or a frame then, the host ends it, or the client goes, and nothing is left.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::iter;

use crate::books::Books;
use crate::harness::{Fault, Line, Plan, Random, Tally, Way};
use crate::talk::{Length, converse};

/// A client that is not answered for so long leaves: a length that has become larger is waited for by the host, too.
const IMPATIENCE: Duration = Duration::from_millis(400);

/// So many clients are there at once.
const AT_ONCE: usize = 64;

/// Which bits of each byte are turned over: all; the one that makes UTF-8 and the final bit; and one of the others, by chance.
fn masks(random: &mut Random) -> [u8; 3] {
    [0xff, 0x80, 1 << random.next(7)]
}

async fn corrupt(way: Way) -> anyhow::Result<()> {
    let mut books = Books::open(|config| {
        config.listen.header_timeout = IMPATIENCE;
        config.listen.close_timeout = IMPATIENCE;
    })
    .await?;
    let length = Length::of(&books).await?;
    books.balance().await?;
    let (mut random, tally) = (Random(length.all(way)), Arc::new(Tally::default()));
    let plans: Vec<Plan> = (0..length.all(way))
        .flat_map(|at| masks(&mut random).map(|mask| Plan::default().with(way, at, Fault::Flip(mask))))
        .collect();

    let (address, whole) = (books.address(), plans.len());
    let talks = plans.into_iter().map(|plan| {
        let tally = Arc::clone(&tally);
        async move {
            let line = Line::lay(address, plan, &tally).await?;
            // Whether it is content: some bytes do not matter, or are those of a number that is only echoed.
            anyhow::Ok(matches!(tokio::time::timeout(IMPATIENCE, converse(line.address())).await, Ok(Ok(()))))
        }
    });
    let outcomes: Vec<_> = iter(talks).buffer_unordered(AT_ONCE).collect().await;
    let content =
        outcomes.into_iter().collect::<anyhow::Result<Vec<_>>>()?.into_iter().filter(|content| *content).count();

    let balance = books.balance().await?;
    eprintln!("{way:?}: {tally}; {balance}; {content} of {whole} clients were content");
    assert!(content < whole / 2, "{content} of {whole} clients have noticed nothing");
    converse(address).await?;
    assert_eq!(books.balance().await?.connections, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_the_client_says() -> anyhow::Result<()> {
    corrupt(Way::ToHost).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_the_host_says() -> anyhow::Result<()> {
    corrupt(Way::ToClient).await
}
