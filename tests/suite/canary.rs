//! A version on trial: who gets it, what becomes of it, and that nobody is dropped for it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use holdline::ids::TenantId;
use holdline::plugin::{CanaryRules, Deployment, Manifest, Plugin};
use holdline::tenant::TenantName;

use crate::harness::{COUNTER, Client, Host, Setup, logged, sample};

/// The old version is the echo, which says what it hears; the new one counts.
async fn echo(name: &str) -> anyhow::Result<(Host, Arc<Plugin>)> {
    let host = Setup::new().sample("echo", |manifest| manifest.name = name.to_owned())?.at(Some("/")).start().await?;
    let plugin = host.registry().find(TenantId::default(), name).context("it is there")?;
    Ok((host, plugin))
}

async fn try_out(host: &Host, plugin: &Arc<Plugin>, rules: CanaryRules) -> anyhow::Result<()> {
    let manifest = Manifest::parse(&format!("name = {:?}", plugin.name()), "canary")?;
    Ok(host.registry().try_out(plugin, manifest, COUNTER.component()?, rules).await?)
}

/// What a client hears: `new` if it is with the version that counts.
async fn hears(client: &mut Client) -> anyhow::Result<&'static str> {
    client.send_text("?").await?;
    Ok(if client.text().await? == "?" { "old" } else { "new" })
}

#[tokio::test]
async fn a_share_of_connections_gets_it_open_ones_too() -> anyhow::Result<()> {
    let (host, plugin) = echo("shared-out").await?;
    let mut clients = Vec::new();
    for _ in 0..40 {
        clients.push(host.connect("/").await?);
    }
    try_out(&host, &plugin, CanaryRules { share: 25.0, ..CanaryRules::default() }).await?;
    let mut new = 0;
    for client in &mut clients {
        let first = hears(client).await?;
        assert_eq!(first, hears(client).await?, "a connection keeps what it has");
        new += usize::from(first == "new");
    }
    assert!((8..=12).contains(&new), "{new} of 40");

    host.registry().promote(&plugin).await?;
    for client in &mut clients {
        assert_eq!(hears(client).await?, "new");
    }
    host.registry().roll_back(&plugin, None).await?;
    for client in &mut clients {
        assert_eq!(hears(client).await?, "old");
    }
    Ok(())
}

#[tokio::test]
async fn a_header_names_who_gets_it() -> anyhow::Result<()> {
    let (host, plugin) = echo("by-name").await?;
    let header = Some(("x-beta".to_owned(), "yes".to_owned()));
    try_out(&host, &plugin, CanaryRules { header, ..CanaryRules::default() }).await?;
    let mut beta = host.connect_with("/", &[("X-Beta", "yes")]).await?;
    let mut shy = host.connect_with("/", &[("X-Beta", "no")]).await?;
    assert_eq!((hears(&mut beta).await?, hears(&mut shy).await?), ("new", "old"));

    host.registry().take_back(&plugin)?;
    assert_eq!(hears(&mut beta).await?, "old");
    assert!(host.registry().take_back(&plugin).is_err_and(|error| error.to_string().contains("no canary")));
    Ok(())
}

#[tokio::test]
async fn a_plugin_that_was_removed_gets_none_and_leaves_its_name_to_another() -> anyhow::Result<()> {
    let (host, plugin) = echo("removed").await?;
    host.registry().remove(&plugin);
    let manifest = Manifest::parse("name = \"removed\"", "removed")?;
    let (component, tenant) = (COUNTER.component()?, TenantName::default());
    let other = Deployment { manifest, component, route: Some("/".to_owned()), tenant };
    host.registry().deploy(other).await?;
    let mut client = host.connect("/").await?;

    let late = try_out(&host, &plugin, CanaryRules::default()).await;
    assert!(late.is_err_and(|error| error.to_string() == "plugin `removed` was removed meanwhile"));

    assert_eq!(hears(&mut client).await?, "new");
    assert!(host.registry().find(TenantId::default(), "removed").is_some());
    Ok(())
}

#[tokio::test]
async fn one_that_fails_is_taken_back_by_itself() -> anyhow::Result<()> {
    let (host, plugin) = echo("failing").await?;
    let mut steady = host.connect("/").await?;
    try_out(&host, &plugin, CanaryRules { share: 100.0, max_failures: 20.0, ..CanaryRules::default() }).await?;
    assert_eq!(hears(&mut steady).await?, "new");
    let mut failed = 0;
    while plugin.serving().canary.is_some() {
        let mut client = host.connect("/").await?;
        client.send_text("fail").await?;
        assert_eq!(client.closed().await?.0, 1011);
        failed += 1;
        assert!(failed < 10, "it is still there");
    }
    assert_eq!(failed, 3, "two may be chance");
    logged("failing", "the canary was taken back").await?;
    assert_eq!(hears(&mut steady).await?, "old", "its connection was not dropped");
    Ok(())
}

#[tokio::test]
async fn one_that_is_slow_is_taken_back_by_itself() -> anyhow::Result<()> {
    let (host, plugin) = echo("slow").await?;
    let mut client = host.connect("/").await?;
    let rules = CanaryRules { share: 100.0, p99: Some(Duration::ZERO), ..CanaryRules::default() };
    try_out(&host, &plugin, rules).await?;
    for event in 1..100 {
        assert_eq!(hears(&mut client).await?, "new", "event {event}");
    }
    hears(&mut client).await?;
    assert!(plugin.serving().canary.is_none(), "no event is faster than no time");
    assert_eq!(hears(&mut client).await?, "old");
    Ok(())
}

#[tokio::test]
async fn connections_can_stay_with_the_version_that_they_came_to() -> anyhow::Result<()> {
    let (host, plugin) = echo("staying").await?;
    let mut before = host.connect("/").await?;
    let deploy = |drain: &str| {
        let manifest = format!("name = \"staying\"\nswap = \"new-connections\"\nswap-drain = {drain:?}");
        let manifest = Manifest::parse(&manifest, "staying")?;
        let tenant = TenantName::default();
        anyhow::Ok(Deployment { manifest, component: COUNTER.component()?, route: None, tenant })
    };
    host.registry().deploy(deploy("1h")?).await?;
    let mut after = host.connect("/").await?;
    assert_eq!((hears(&mut before).await?, hears(&mut after).await?), ("old", "new"));

    // The drain time of a second one is over at once; that of the first is the first's own.
    host.registry().roll_back(&plugin, None).await?;
    assert_eq!((hears(&mut before).await?, hears(&mut after).await?), ("old", "old"));
    let mut third = host.connect("/").await?;
    host.registry().deploy(deploy("0s")?).await?;
    assert_eq!(hears(&mut third).await?, "new");
    Ok(())
}

#[tokio::test]
async fn so_many_versions_are_kept() -> anyhow::Result<()> {
    let (host, plugin) = echo("kept").await?;
    let first = plugin.serving().version.digest();
    let gone = host.registry().roll_back(&plugin, None).await;
    assert!(gone.is_err_and(|error| error.to_string().contains("no version before this one")));

    for component in [COUNTER.component()?, sample("echo")?.1, COUNTER.component()?] {
        let manifest = Manifest::parse("name = \"kept\"", "kept")?;
        host.registry().deploy(Deployment { manifest, component, route: None, tenant: TenantName::default() }).await?;
    }
    assert_eq!(plugin.all_kept().len(), 1, "a version is known by its contents");
    host.registry().roll_back(&plugin, Some(first)).await?;
    assert_eq!(plugin.serving().version.digest(), first);
    Ok(())
}
