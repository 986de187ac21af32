//! What cannot run is refused before anything runs, and the error says what is wrong and what to do.

use holdline::app::StartError;
use holdline::plugin::{Deployment, Manifest};
use holdline::tenant::TenantName;

use crate::harness::{Guest, POSTMAN, PUPPET, SILENT, Setup};

/// The error's whole chain in one line, and what it advises.
async fn refused(setup: Setup) -> anyhow::Result<(String, String)> {
    let error = setup.refusal().await?;
    let hint = StartError::hint(&error).unwrap_or_default();
    Ok((format!("{:#}", anyhow::Error::new(error)), hint))
}

fn component(bytes: impl Into<Vec<u8>>) -> Setup {
    Setup::new().source(Deployment {
        manifest: Manifest::bare("broken"),
        component: bytes.into(),
        route: Some("/broken".to_owned()),
        tenant: TenantName::default(),
    })
}

/// The guest with one text in its binary replaced by another of the same length, wherever it stands.
fn altered(guest: Guest, old: &str, new: &str) -> anyhow::Result<Setup> {
    assert_eq!(old.len(), new.len(), "lengths are part of the binary");
    let mut bytes = guest.component()?;
    let places: Vec<usize> =
        bytes.windows(old.len()).enumerate().filter(|(_, it)| *it == old.as_bytes()).map(|(place, _)| place).collect();
    assert!(!places.is_empty(), "`{old}` is not in the guest");
    for place in places {
        bytes.splice(place..place + old.len(), new.bytes());
    }
    Ok(component(bytes))
}

#[tokio::test]
async fn a_file_that_is_not_wasm_is_refused() -> anyhow::Result<()> {
    for bytes in [&b"#!/bin/sh\n"[..], b"", b"\0as", b"\0asm"] {
        let (error, hint) = refused(component(bytes)).await?;
        assert!(error.contains("`broken`") && error.contains("not WebAssembly"), "{error}");
        assert!(hint.contains("holdline build"), "{hint}");
    }
    Ok(())
}

#[tokio::test]
async fn a_core_module_is_refused_as_one() -> anyhow::Result<()> {
    let (error, hint) = refused(component(*b"\0asm\x01\0\0\0")).await?;

    assert!(error.contains("core WebAssembly module, not a component"), "{error}");
    assert!(hint.contains("wasm32-wasip2"), "{hint}");
    Ok(())
}

#[tokio::test]
async fn a_component_that_is_cut_off_is_refused() -> anyhow::Result<()> {
    let mut bytes = PUPPET.component()?;
    bytes.truncate(bytes.len() / 2);

    let (error, _) = refused(component(bytes)).await?;

    assert!(error.contains("broken"), "{error}");
    Ok(())
}

#[tokio::test]
async fn an_import_that_is_not_offered_is_named_with_the_nearest_that_is() -> anyhow::Result<()> {
    let setup = altered(PUPPET, "holdline:websocket/requests@0.1.0", "holdline:websocket/requestz@0.1.0")?;

    let (error, hint) = refused(setup).await?;

    assert!(error.contains("imports `holdline:websocket/requestz@0.1.0`"), "{error}");
    assert!(error.contains("nearest that it offers is `holdline:websocket/requests`"), "{error}");
    assert!(hint.contains("WASI 0.2"), "{hint}");
    Ok(())
}

#[tokio::test]
async fn an_import_like_no_other_is_named_alone() -> anyhow::Result<()> {
    let setup = altered(PUPPET, "holdline:websocket/requests@0.1.0", "somebody:something/else-000@0.1.0")?;

    let (error, _) = refused(setup).await?;

    assert!(error.contains("imports `somebody:something/else-000@0.1.0`"), "{error}");
    assert!(!error.contains("nearest"), "{error}");
    Ok(())
}

#[tokio::test]
async fn another_version_of_the_contract_is_refused_with_both_versions() -> anyhow::Result<()> {
    let (error, hint) = refused(altered(PUPPET, "@0.1.0", "@9.1.0")?).await?;

    assert!(error.contains("@9.1.0`") && error.contains("holdline:websocket 0.1.0"), "{error}");
    assert!(hint.contains("SDK"), "{hint}");
    Ok(())
}

#[tokio::test]
async fn a_later_patch_of_the_contract_is_compatible() -> anyhow::Result<()> {
    let host = altered(PUPPET, "@0.1.0", "@0.1.9")?.start().await?;
    let mut client = host.connect("/broken").await?;

    client.send_binary(b"as ever").await?;

    assert_eq!(client.next().await?.into_data(), "as ever");
    Ok(())
}

#[tokio::test]
async fn a_component_that_exports_nothing_for_the_host_is_refused() -> anyhow::Result<()> {
    let (error, hint) = refused(component(SILENT.component()?)).await?;

    assert!(error.contains("exports nothing that the host calls"), "{error}");
    assert!(hint.contains("export!"), "{hint}");
    Ok(())
}

#[tokio::test]
async fn a_component_that_only_migrates_is_refused() -> anyhow::Result<()> {
    let text = r#"(component (instance $it) (export "holdline:websocket/migration@0.1.0" (instance $it)))"#;
    let (error, _) = refused(component(wat::parse_str(text)?)).await?;

    assert!(error.contains("exports nothing that the host calls"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_plugin_that_handles_no_connections_gets_no_route() -> anyhow::Result<()> {
    let (error, _) = refused(component(POSTMAN.component()?)).await?;

    assert!(error.contains("`broken`") && error.contains("`/broken`") && error.contains("handler"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_plugin_that_wants_more_memory_than_the_engine_gives_is_refused() -> anyhow::Result<()> {
    let (error, hint) = refused(Setup::new().guest(PUPPET, "greedy", "[limits]\nmemory = \"1GiB\"")?).await?;

    assert!(error.contains("1.0 GiB") && error.contains("256.0 MiB"), "{error}");
    assert!(hint.contains("[limits]") && hint.contains("[engine]"), "{hint}");
    Ok(())
}

#[tokio::test]
async fn a_route_that_is_claimed_twice_names_both_plugins() -> anyhow::Result<()> {
    let setup = Setup::new().guest(PUPPET, "first", "")?.at(Some("/chat"));
    let setup = setup.guest(PUPPET, "second", "")?.at(Some("/chat/"));

    let (error, hint) = refused(setup).await?;

    assert!(error.contains("`first`") && error.contains("`second`") && error.contains("`/chat"), "{error}");
    assert!(hint.contains("route of its own"), "{hint}");
    Ok(())
}

#[tokio::test]
async fn a_route_that_is_no_path_is_refused() -> anyhow::Result<()> {
    for route in ["chat", "", "/a b", "/a//b", "/a?b"] {
        let (error, _) = refused(Setup::new().guest(PUPPET, "lost", "")?.at(Some(route))).await?;
        assert!(error.contains(&format!("`{route}` is not a route")), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_in_use_is_named() -> anyhow::Result<()> {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let address = taken.local_addr()?;

    let (error, hint) = refused(Setup::new().configured(|config| config.listen.address = address)).await?;

    assert!(error.contains(&address.to_string()) && error.contains("in use"), "{error}");
    assert!(hint.contains("--listen"), "{hint}");
    Ok(())
}

#[tokio::test]
async fn a_channel_whose_name_cannot_be_is_named() -> anyhow::Result<()> {
    let (error, _) = refused(Setup::new().guest(PUPPET, "misnamed", "[[channel]]\nname = \"\"\ncapacity = 1")?).await?;

    assert!(error.contains("`misnamed` cannot have the channel ``"), "{error}");
    Ok(())
}
