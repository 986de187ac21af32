//! Connections of which the other end has gone without a word: nothing comes any more, and nothing arrives.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::books::{Books, until};
use crate::harness::{Fault, Line, Plan, Tally, Way};
use crate::talk::{Length, converse};

/// How long the host bears silence, in a handshake, in a conversation, and after a Close.
const SHORT: Duration = Duration::from_millis(300);

/// All connections fall silent, each at another byte this way, and the host lets go of all of them, although they stay open at the other
/// end.
async fn fall_silent(way: Way) -> anyhow::Result<()> {
    let mut books = Books::open(|config| {
        config.listen.header_timeout = SHORT;
        config.listen.keepalive = SHORT;
        config.listen.keepalive_timeout = SHORT;
        config.listen.close_timeout = SHORT;
    })
    .await?;
    let length = Length::of(&books).await?;
    books.balance().await?;

    let tally = Arc::new(Tally::default());
    let (mut lines, mut clients) = (Vec::new(), JoinSet::new());
    for at in 0..length.all(way) {
        let line = Line::lay(books.address(), Plan::default().with(way, at, Fault::Silence), &tally).await?;
        clients.spawn(converse(line.address()));
        lines.push(line);
    }

    until("the silence", || Ok(tally.silent() == lines.len() as u64)).await?;
    // The clients' ends and both of the lines' are still open; the host's are not.
    books.has_files(3 * lines.len()).await?;
    books.host.until("the end of the last connection", |hub| hub.connection_count() == 0).await?;
    books.host.holds(0).await?;
    assert!(clients.try_join_next().is_none(), "a client has heard of it");
    clients.shutdown().await;
    drop(lines);
    let balance = books.balance().await?;
    eprintln!("{way:?}: {tally}; {balance}");
    let least = match way {
        Way::ToHost => length.to_host - length.request - 1,
        Way::ToClient => length.to_client - 1,
    };
    assert!(balance.connections >= least, "{balance}, and not {least}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_client_speaks() -> anyhow::Result<()> {
    fall_silent(Way::ToHost).await
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_host_speaks() -> anyhow::Result<()> {
    fall_silent(Way::ToClient).await
}
