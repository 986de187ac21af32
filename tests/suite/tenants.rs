//! Tenants of one host have nothing in common: not their routes, not their channels, not their handles, not even names.

use anyhow::Context;
use holdline::tenant::Limits;
use serde_json::json;

use crate::harness::{Client, Host, PUPPET, Setup, case, request};

/// Two tenants with the same plugin at the same route, each at a host name of its own.
async fn two() -> anyhow::Result<(Host, Client, Client)> {
    let mut setup = Setup::new();
    for tenant in ["one", "other"] {
        let host = format!("{tenant}.example");
        setup = setup.tenant(tenant, &[&host], Limits::default())?.guest(PUPPET, "twin", "")?.of(tenant)?;
    }
    let host = setup.start().await?;
    let one = host.connect_with("/twin", &[("host", "one.example")]).await?;
    let other = host.connect_with("/twin", &[("host", "OTHER.example:8080")]).await?;
    Ok((host, one, other))
}

#[tokio::test]
async fn a_handle_of_another_tenant_is_no_handle() -> anyhow::Result<()> {
    let (host, mut one, mut other) = two().await?;
    let handle = one.hold().await?;
    for command in ["deliver", "push", "close-held", "release", "extend", "send-after"] {
        let command = match command {
            "extend" => json!({"do": command, "handle": handle, "deadline-ms": 5}),
            "send-after" => json!({"do": command, "handle": handle, "text": "theirs", "delay-ms": 1}),
            "close-held" | "release" => json!({"do": command, "handle": handle}),
            _ => json!({"do": command, "handle": handle, "text": "theirs"}),
        };
        assert_eq!(case(&other.ask(command.clone()).await?), "InvalidHandle", "{command}");
    }
    let mut hand = host.connect_with("/twin", &[("host", "one.example")]).await?;
    let later = json!({"do": "send-after", "handle": handle, "text": "ours", "delay-ms": 200});
    let delivery = hand.get(later).await?;
    assert_eq!(case(&other.ask(json!({"do": "cancel", "delivery": delivery})).await?), "UnknownTimer");
    assert_eq!(one.text().await?, "ours");
    Ok(())
}

#[tokio::test]
async fn channels_and_broadcasts_end_at_the_tenant() -> anyhow::Result<()> {
    let (_host, mut one, mut other) = two().await?;
    one.get(json!({"do": "open", "channel": "shared?", "capacity": 3})).await?;
    one.get(json!({"do": "offer", "channel": "shared?", "item": "mine"})).await?;
    // Of another capacity, which would be an error if it were the same.
    other.get(json!({"do": "open", "channel": "shared?", "capacity": 5})).await?;
    assert_eq!(other.get(json!({"do": "len", "channel": "shared?"})).await?, 0);

    one.tell(json!({"do": "broadcast", "path": "/", "text": "to all of mine"})).await?;
    assert_eq!(one.text().await?, "to all of mine");
    assert_eq!(one.report().await?, [json!({"ok": 1})]);
    Ok(())
}

#[tokio::test]
async fn a_host_name_leads_to_its_tenant_and_no_other_name_does() -> anyhow::Result<()> {
    let (host, _one, _other) = two().await?;
    for name in ["third.example", "example", "one.example.evil"] {
        let answer = request(host.address(), "/twin", &[("host", name)]).await?;
        assert_eq!((answer.status, answer.body.as_str()), (404, "there is nothing at /twin\n"), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_tenant_that_goes_takes_all_that_is_its_own_along_and_nothing_else() -> anyhow::Result<()> {
    let (host, one, mut other) = two().await?;
    let tenant = host.registry().tenants().get("one").context("it is there")?;

    host.registry().remove_tenant(&tenant);

    assert_eq!(one.closed().await?.0, 1001);
    let answer = request(host.address(), "/twin", &[("host", "one.example")]).await?;
    assert_eq!(answer.status, 404);
    other.get(json!({"do": "describe"})).await?;
    Ok(())
}

#[tokio::test]
async fn names_and_routes_are_refused_when_they_are_taken_twice() -> anyhow::Result<()> {
    let twice = Setup::new().guest(PUPPET, "same", "")?.guest(PUPPET, "same", "")?.at(Some("/elsewhere"));
    assert_eq!(twice.refusal().await?.to_string(), "there is a plugin `same` already");

    let clash = Setup::new()
        .tenant("hidden", &[], Limits::default())?
        .guest(PUPPET, "first", "")?
        .at(Some("/same"))
        .of("hidden")?
        .guest(PUPPET, "second", "")?
        .at(Some("/same"));
    let error = clash.refusal().await?.to_string();
    assert_eq!(error, "the route `/same` cannot be had on this host name");
    let nobody = Setup::new().guest(PUPPET, "orphan", "")?.of("nobody")?.refusal().await?.to_string();
    assert_eq!(nobody, "plugin `orphan` is of the tenant `nobody`, which does not exist");
    let twins = Setup::new().tenant("twin", &[], Limits::default())?.tenant("twin", &[], Limits::default())?;
    assert_eq!(twins.refusal().await?.to_string(), "there is a tenant `twin` already");
    Ok(())
}
