//! What becomes of attachments when another version of a plugin takes over: `migrate` of the version that a connection comes to.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use holdline::digest::Digest;
use holdline::ids::TenantId;
use holdline::plugin::{CanaryRules, Manifest, Plugin};
use serde_json::json;

use crate::harness::{Client, GATE, Host, PUPPET, Setup, lines, logged, within};

/// What the puppet prints in a close event.
const BEFORE: &str = "close event: ";

/// What it prints as another version.
const AFTER: &str = "final event: ";

/// The puppet once more, with another word in it.
fn another() -> anyhow::Result<Vec<u8>> {
    let mut component = PUPPET.component()?;
    let place = component.windows(BEFORE.len()).position(|bytes| bytes == BEFORE.as_bytes()).context("the word")?;
    component.splice(place..place + BEFORE.len(), AFTER.bytes());
    Ok(component)
}

/// A host with the puppet, and the plugin.
async fn puppet(name: &str, manifest: &str) -> anyhow::Result<(Host, Arc<Plugin>)> {
    let host = Setup::new().guest(PUPPET, name, manifest)?.start().await?;
    let plugin = host.registry().find(TenantId::default(), name).context("it is there")?;
    Ok((host, plugin))
}

/// A client whose connection has this attachment.
async fn with(host: &Host, name: &str, attachment: &str) -> anyhow::Result<Client> {
    let mut client = host.connect(&format!("/{name}")).await?;
    client.get(json!({"do": "attach", "text": attachment})).await?;
    Ok(client)
}

async fn attachment(client: &mut Client) -> anyhow::Result<String> {
    let found = client.get(json!({"do": "attachment"})).await?;
    Ok(found.as_str().context("it is a text")?.to_owned())
}

#[tokio::test]
async fn the_new_version_turns_the_attachment_into_its_own_before_its_first_event() -> anyhow::Result<()> {
    let old = Digest::of(&PUPPET.component()?);
    for isolation in ["event", "pooled", "connection"] {
        let (name, manifest) = (format!("moved-{isolation}"), format!("isolation = {isolation:?}"));
        let (host, _) = puppet(&name, &manifest).await?;
        let mut client = with(&host, &name, "mine").await?;
        let mut forgetful = with(&host, &name, "forget").await?;

        host.swap(&name, &manifest, another()?).await?;

        for event in ["the first", "the second"] {
            assert_eq!(attachment(&mut client).await?, format!("mine from {old}"), "{isolation}, {event}");
        }
        assert_eq!(attachment(&mut forgetful).await?, "", "{isolation}");
    }
    Ok(())
}

#[tokio::test]
async fn a_rollback_is_a_move_too_but_only_for_those_who_were_there() -> anyhow::Result<()> {
    let (host, plugin) = puppet("moved-back", "").await?;
    let (old, new) = (Digest::of(&PUPPET.component()?), Digest::of(&another()?));
    let mut client = with(&host, "moved-back", "mine").await?;
    let mut silent = with(&host, "moved-back", "untouched").await?;
    host.swap("moved-back", "", another()?).await?;
    assert_eq!(attachment(&mut client).await?, format!("mine from {old}"));

    host.registry().roll_back(&plugin, None).await?;

    assert_eq!(attachment(&mut client).await?, format!("mine from {old} from {new}"));
    assert_eq!(attachment(&mut silent).await?, "untouched");
    Ok(())
}

#[tokio::test]
async fn a_held_connection_moves_with_its_next_event() -> anyhow::Result<()> {
    let (host, _) = puppet("moved-held", "").await?;
    let old = Digest::of(&PUPPET.component()?);
    let mut held = with(&host, "moved-held", "mine").await?;
    let handle = held.hold().await?;
    let mut other = host.connect("/moved-held").await?;

    host.swap("moved-held", "", another()?).await?;

    held.tell(json!({"do": "attachment"})).await?;
    other.get(json!({"do": "deliver", "handle": handle, "text": "still held"})).await?;
    assert_eq!(held.text().await?, "still held");
    assert_eq!(held.report().await?, [json!({"ok": format!("mine from {old}")})]);
    Ok(())
}

#[tokio::test]
async fn it_is_not_asked_without_an_attachment_nor_for_the_same_component() -> anyhow::Result<()> {
    let (host, _) = puppet("unmoved", "").await?;
    let mut empty = host.connect("/unmoved").await?;
    let mut client = with(&host, "unmoved", "fail").await?;

    host.swap("unmoved", "isolation = \"pooled\"", PUPPET.component()?).await?;
    assert_eq!(attachment(&mut client).await?, "fail", "the same component knows its own attachments");
    client.get(json!({"do": "attach", "text": ""})).await?;
    host.swap("unmoved", "", another()?).await?;

    assert_eq!((attachment(&mut empty).await?, attachment(&mut client).await?), (String::new(), String::new()));
    Ok(())
}

#[tokio::test]
async fn without_the_export_the_attachment_stays_as_it_is() -> anyhow::Result<()> {
    let (host, _) = puppet("kept-as-it-is", "").await?;
    let mut client = with(&host, "kept-as-it-is", "fail").await?;

    host.swap("kept-as-it-is", "", GATE.component()?).await?;

    client.send_text("").await?;
    assert_eq!(client.json().await?["attachment"], "fail");
    Ok(())
}

#[tokio::test]
async fn one_that_fails_closes_and_the_version_before_sees_the_end() -> anyhow::Result<()> {
    for (attachment, said) in [
        ("fail", "returned an error: that was never an attachment"),
        ("trap", "trapped"),
        ("loop", "trapped"),
        ("grow", "returned an attachment of 65537 bytes, which is over the limit"),
    ] {
        let name = format!("unable-to-{attachment}");
        let (host, _) = puppet(&name, "").await?;
        let close = r#"[{"do": "attachment"}]"#;
        let mut client = host.connect_with(&format!("/{name}"), &[("x-close", close)]).await?;
        client.get(json!({"do": "attach", "text": attachment})).await?;
        let mut other = with(&host, &name, "fine").await?;

        host.swap(&name, "limits = { cpu = \"50ms\" }", another()?).await?;
        client.tell(json!({"do": "send", "text": "is not handled"})).await?;

        assert_eq!(client.closed().await?, (1011, String::new()), "{attachment}");
        logged(&name, BEFORE).await?;
        let line = logged(&name, "untold: ").await?;
        assert!(line.contains(&format!(r#"[{{"ok":"{attachment}"}}]"#)), "{line}");
        let told: Vec<_> = lines(&name).into_iter().filter(|line| line.contains("event=migrate")).collect();
        assert!(told.len() == 1 && told.iter().all(|line| line.contains(said)), "{told:#?}");
        assert!(self::attachment(&mut other).await?.starts_with("fine from "), "{attachment}");
        other.close(1000, "").await?;
        logged(&name, AFTER).await?;
    }
    Ok(())
}

/// Its connection has ended before the new version saw a message.
#[tokio::test]
async fn the_close_event_comes_though_the_attachment_cannot_be_migrated() -> anyhow::Result<()> {
    let (host, _) = puppet("ended-unmoved", "").await?;
    let client = with(&host, "ended-unmoved", "fail").await?;
    let moved = with(&host, "ended-unmoved", "fine").await?;

    host.swap("ended-unmoved", "", another()?).await?;
    client.close(1000, "").await?;
    logged("ended-unmoved", BEFORE).await?;
    moved.close(1000, "").await?;
    logged("ended-unmoved", AFTER).await?;

    let count = |text: &str| lines("ended-unmoved").iter().filter(|line| line.contains(text)).count();
    assert_eq!((count(BEFORE), count(AFTER), count("event=migrate")), (1, 1, 1));
    Ok(())
}

#[tokio::test]
async fn one_that_is_given_up_leaves_the_end_to_the_version_before() -> anyhow::Result<()> {
    let setup = Setup::new().configured(|config| config.listen.close_timeout = Duration::from_millis(200));
    let host = setup.guest(PUPPET, "given-up", "")?.start().await?;
    let mut client = with(&host, "given-up", "loop").await?;
    host.swap("given-up", "limits = { cpu = \"1h\", timeout = \"1h\" }", another()?).await?;
    client.tell(json!({"do": "attachment"})).await?;
    logged("given-up", "it never ends").await?;

    within("the end of the host", host.stop()).await?;

    let log = lines("given-up");
    assert!(log.iter().any(|line| line.contains(BEFORE)), "{log:#?}");
    assert_eq!(log.iter().filter(|line| line.contains("it never ends")).count(), 1, "{log:#?}");
    Ok(())
}

#[tokio::test]
async fn a_canary_migrates_and_so_does_the_way_back() -> anyhow::Result<()> {
    let (host, plugin) = puppet("moved-to-canary", "").await?;
    let (old, new) = (Digest::of(&PUPPET.component()?), Digest::of(&another()?));
    let mut client = with(&host, "moved-to-canary", "mine").await?;
    try_out(&host, &plugin, 1.0).await?;
    assert_eq!(attachment(&mut client).await?, format!("mine from {old}"));

    host.registry().take_back(&plugin)?;

    assert_eq!(attachment(&mut client).await?, format!("mine from {old} from {new}"));
    try_out(&host, &plugin, 1.0).await?;
    let there = attachment(&mut client).await?;
    host.registry().promote(&plugin).await?;
    assert_eq!(attachment(&mut client).await?, there, "it is with this version already");
    Ok(())
}

#[tokio::test]
async fn a_canary_that_cannot_migrate_is_taken_back() -> anyhow::Result<()> {
    let (host, plugin) = puppet("failing-canary", "").await?;
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(with(&host, "failing-canary", "fail").await?);
    }
    try_out(&host, &plugin, 20.0).await?;
    let mut last = clients.pop().context("there are four")?;

    for mut client in clients {
        client.tell(json!({"do": "attachment"})).await?;
        assert_eq!(client.closed().await?.0, 1011);
    }

    logged("failing-canary", "the canary was taken back").await?;
    assert_eq!(attachment(&mut last).await?, "fail", "it was not asked for this one");
    Ok(())
}

async fn try_out(host: &Host, plugin: &Arc<Plugin>, max_failures: f64) -> anyhow::Result<()> {
    let manifest = Manifest::parse(&format!("name = {:?}", plugin.name()), "canary")?;
    let rules = CanaryRules { share: 100.0, max_failures, ..CanaryRules::default() };
    Ok(host.registry().try_out(plugin, manifest, another()?, rules).await?)
}
