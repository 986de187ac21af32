//! A conversation that has one of each: what is answered at once, what a timer delivers, what a worker delivers, a ping, fragments by
//! way of pieces, and a Close.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, ensure};
use futures_util::StreamExt;
use futures_util::stream::iter;
use tokio::time::error::Elapsed;

use crate::books::Books;
use crate::harness::{Client, Line, Plan, Tally, Way};

/// So many conversations go on at once.
const AT_ONCE: usize = 48;

/// All of it, as a client that is content.
pub(crate) async fn converse(address: SocketAddr) -> anyhow::Result<()> {
    let client = Client::connect(address, "/soak", &[]).await?;
    go_on(client).await
}

async fn go_on(mut client: Client) -> anyhow::Result<()> {
    for (said, answer) in [("echo 1", "answered 1"), ("after 2", "answered 2"), ("work 3", "answered 3")] {
        client.send_text(said).await?;
        let heard = client.text().await?;
        ensure!(heard == answer, "`{heard}` instead of `{answer}`");
    }
    client.ping("are you there").await?;
    ensure!(client.next().await?.is_pong(), "no pong");
    client.close(1000, "bye").await
}

/// How many bytes there are in it.
pub(crate) struct Length {
    /// Of the request.
    pub(crate) request: u64,
    /// Of the answer to it.
    pub(crate) answer: u64,
    /// Of all that the client says, the request included.
    pub(crate) to_host: u64,
    /// Of all that the host says.
    pub(crate) to_client: u64,
}

impl Length {
    /// By a conversation with which nothing is wrong.
    pub(crate) async fn of(books: &Books) -> anyhow::Result<Self> {
        let line = Line::lay(books.address(), Plan::default(), &Arc::default()).await?;
        let client = Client::connect(line.address(), "/soak", &[]).await?;
        let [request, answer] = Way::BOTH.map(|way| line.carried(way));
        go_on(client).await?;
        let [to_host, to_client] = Way::BOTH.map(|way| line.carried(way));
        let length = Self { request, answer, to_host, to_client };
        ensure!(100 < request && request + 40 < to_host && answer + 40 < to_client, "it is too short");
        Ok(length)
    }

    pub(crate) fn all(&self, way: Way) -> u64 {
        match way {
            Way::ToHost => self.to_host,
            Way::ToClient => self.to_client,
        }
    }
}

/// Holds a conversation on each of these lines. Clients end as they may, but none of them waits for ever.
pub(crate) async fn on_lines(books: &Books, plans: impl Iterator<Item = Plan>) -> anyhow::Result<Vec<bool>> {
    let tally = Arc::new(Tally::default());
    let talks = plans.map(|plan| {
        let tally = Arc::clone(&tally);
        async move {
            let line = Line::lay(books.address(), plan.clone(), &tally).await?;
            match converse(line.address()).await {
                Err(error) if error.is::<Elapsed>() => Err(error.context(format!("{plan:?}"))),
                outcome => Ok(outcome.is_ok()),
            }
        }
    });
    let outcomes: Vec<anyhow::Result<bool>> = iter(talks).buffer_unordered(AT_ONCE).collect().await;
    eprintln!("{tally}");
    outcomes.into_iter().collect::<anyhow::Result<_>>().context("a client waits for ever")
}
