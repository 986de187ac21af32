//! Connections that are cut at each byte of a handshake and a conversation.

use crate::books::Books;
use crate::harness::{Fault, Plan, Way};
use crate::talk::{Length, on_lines};

/// Cuts at each byte this way: how many connections there were, and how many conversations came to their end.
async fn cut(books: &mut Books, length: &Length, way: Way, how: Fault) -> anyhow::Result<(u64, usize)> {
    let plans = (0..=length.all(way)).map(|at| Plan::default().with(way, at, how));
    let content = on_lines(books, plans).await?;
    let balance = books.balance().await?;
    eprintln!("{how:?} {way:?}: {balance}");
    Ok((balance.connections, content.into_iter().filter(|content| *content).count()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_of_what_the_client_says() -> anyhow::Result<()> {
    let mut books = Books::open(|_| {}).await?;
    let length = Length::of(&books).await?;
    books.balance().await?;

    let (connections, content) = cut(&mut books, &length, Way::ToHost, Fault::Fin).await?;

    // What ends with the request may be too late for a connection; before it there is none, and after it there is.
    let after = length.to_host - length.request;
    assert!(connections == after || connections == after + 1, "{connections} of {after}");
    assert!(content >= 1, "the last one was cut after the last byte");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_of_what_the_host_says() -> anyhow::Result<()> {
    let mut books = Books::open(|_| {}).await?;
    let length = Length::of(&books).await?;
    books.balance().await?;

    let (connections, content) = cut(&mut books, &length, Way::ToClient, Fault::Fin).await?;

    // At the first byte it may be the client that is faster.
    assert!(connections >= length.to_client, "{connections} of {}", length.to_client);
    assert!(content >= 1, "the last one was cut after the last byte");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_while_the_client_speaks() -> anyhow::Result<()> {
    let mut books = Books::open(|_| {}).await?;
    let length = Length::of(&books).await?;
    books.balance().await?;

    let (connections, _) = cut(&mut books, &length, Way::ToHost, Fault::Reset).await?;

    // One that has begun to talk was connected.
    let after = length.to_host - length.request;
    assert!(connections == after || connections == after + 1, "{connections} of {after}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_while_the_host_speaks() -> anyhow::Result<()> {
    let mut books = Books::open(|_| {}).await?;
    let length = Length::of(&books).await?;
    books.balance().await?;

    let (connections, _) = cut(&mut books, &length, Way::ToClient, Fault::Reset).await?;

    assert!(connections >= length.to_client, "{connections} of {}", length.to_client);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_come_one_by_one() -> anyhow::Result<()> {
    let mut books = Books::open(|_| {}).await?;

    let plans = [[Some(Way::ToHost), None], [None, Some(Way::ToClient)], Way::BOTH.map(Some)]
        .map(|ways| ways.into_iter().flatten().fold(Plan::default(), Plan::spelled));
    let content = on_lines(&books, plans.into_iter()).await?;

    assert_eq!(content, [true; 3]);
    assert_eq!(books.balance().await?.connections, 3);
    Ok(())
}
