//! A folder of components: what is put there serves, what is changed is swapped, what is taken away goes.

use std::fs;
use std::path::Path;

use anyhow::Context;
use holdline::ids::TenantId;
use holdline::plugin::embed;

use crate::harness::{COUNTER, Client, Guest, PUPPET, Setup, logged, sample, within};

/// A component with its manifest, put there in one step.
fn put(folder: &Path, name: &str, component: &[u8]) -> anyhow::Result<()> {
    let manifest = format!("name = {name:?}\nisolation = \"pooled\"");
    let unfinished = folder.join(format!("{name}.part"));
    fs::write(&unfinished, embed(component, &manifest))?;
    Ok(fs::rename(unfinished, folder.join(format!("{name}.wasm")))?)
}

fn guest(folder: &Path, name: &str, guest: Guest) -> anyhow::Result<()> {
    put(folder, name, &guest.component()?)
}

async fn says(client: &mut Client, text: &str) -> anyhow::Result<String> {
    client.send_text(text).await?;
    client.text().await
}

#[tokio::test]
async fn what_is_in_it_serves_and_follows_its_changes() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    guest(folder.path(), "from-the-start", COUNTER)?;
    let path = folder.path().to_owned();
    let setup = Setup::new().operated("folder-audit")?;
    let host = setup.configured(|config| config.folder = Some(path)).start().await?;
    let mut client = host.connect("/from-the-start").await?;
    assert_eq!((says(&mut client, "").await?, says(&mut client, "").await?), ("1".to_owned(), "2".to_owned()));

    guest(folder.path(), "came-later", PUPPET)?;
    logged("came-later", "deployed").await?;
    host.connect("/came-later").await?;

    fs::write(folder.path().join("from-the-start.wasm"), b"\0asm, half of it")?;
    let error = logged("from-the-start", "a plugin was not deployed").await?;
    assert!(error.contains("cannot be loaded"), "{error}");
    assert_eq!(says(&mut client, "").await?, "3", "what served goes on");

    put(folder.path(), "from-the-start", &sample("echo")?.1)?;
    logged("from-the-start", "deployed").await?;
    host.until("the swap", |_| {
        let plugin = host.registry().find(TenantId::default(), "from-the-start");
        plugin.is_some_and(|plugin| !plugin.all_kept().is_empty())
    })
    .await?;
    assert_eq!(says(&mut client, "echo").await?, "echo", "the connection stayed open");

    fs::remove_file(folder.path().join("from-the-start.wasm"))?;
    assert_eq!(client.closed().await?.0, 1001);
    host.until("the end of the plugin", |_| host.registry().find(TenantId::default(), "from-the-start").is_none())
        .await?;

    let entered = async {
        loop {
            let log = host.operator()?.get("/v1/tenants/default/audit").await?.with(200)?;
            let entries = log["items"].as_array().context("entries")?.clone();
            if entries.iter().any(|it| it["what"] == "plugin.deleted") {
                return anyhow::Ok(entries);
            }
        }
    };
    let entries = within("the entry of the end", entered).await??;
    let by_the_folder: Vec<_> = entries.iter().filter(|it| it["who"] == "folder").collect();
    let told: Vec<_> = by_the_folder.iter().map(|it| (it["what"].as_str(), it["subject"].as_str())).collect();
    let (deployed, deleted) = (Some("plugin.deployed"), Some("plugin.deleted"));
    let [first, later] = [Some("from-the-start"), Some("came-later")];
    assert_eq!(told, [(deployed, first), (deployed, later), (deployed, first), (deleted, first)]);
    let details: Vec<_> = by_the_folder.iter().map(|it| &it["details"]).collect();
    assert_eq!(details[2]["previous"], details[0]["digest"]);
    assert!(details[0].get("previous").is_none() && details[0]["digest"] != details[2]["digest"], "{details:?}");
    assert!(details.iter().all(|it| it["file"].as_str().is_some_and(|file| !file.contains('/'))), "{details:?}");
    Ok(())
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_an_error() -> anyhow::Result<()> {
    let missing = tempfile::tempdir()?.path().join("nowhere");
    let error = Setup::new().configured(|config| config.folder = Some(missing)).refusal().await?;
    assert!(error.to_string().ends_with("nowhere cannot be watched"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("make the folder")));
    Ok(())
}
