//! What was acknowledged over the admin API is there after a restart, however the host ended.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, ensure};
use holdline::plugin::embed;
use serde_json::json;

use crate::harness::{COUNTER, Client, Operator, Payload, Served, Setup, folder, holdline};

fn variant(component: &[u8], number: usize) -> Vec<u8> {
    embed(component, &format!("name = \"counted\"\nisolation = \"pooled\"\n# {number}\n"))
}

/// A port that was free a moment ago.
fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

async fn serve(folder: &Path) -> anyhow::Result<(Served, Operator)> {
    let admin = free()?;
    let config = format!(
        "[log]\nlevel = \"warn\"\n[listen]\naddress = \"127.0.0.1:0\"\n[engine]\ninstances = 64\n[store]\nfolder = \"store\"\n[admin]\naddress = \"{admin}\"\n\
         [[plugin]]\nsource = \"declared.wasm\"\nroute = \"/declared\"\n"
    );
    std::fs::write(folder.join("holdline.toml"), config)?;
    std::fs::write(folder.join("declared.wasm"), COUNTER.component()?)?;
    let config = folder.join("holdline.toml");
    let served = Served::spawn(holdline(&["serve", "--config", &config.to_string_lossy()])?).await?;
    let operator = Operator::first(admin, &folder.join("store"))?;
    Ok((served, operator))
}

#[tokio::test]
async fn a_kill_in_the_middle_of_deploys_loses_nothing_that_was_acknowledged() -> anyhow::Result<()> {
    let folder = folder("admin-killed")?;
    let component = COUNTER.component()?;
    let mut acknowledged: Vec<Option<(usize, String)>> = vec![None; 4];
    let mut number = 0;
    for round in 0..3 {
        let (served, operator) = serve(&folder).await?;
        for (place, known) in acknowledged.iter().enumerate() {
            let Some((_, digest)) = known else { continue };
            let plugin = operator.get(&format!("/v1/tenants/default/plugins/p{place}")).await?.with(200)?;
            // The last one may have come to its end without its answer; an older one must not be back.
            let versions = operator.get(&format!("/v1/tenants/default/plugins/p{place}/versions")).await?;
            ensure!(versions.text.contains(digest.as_str()), "round {round}, p{place}: {plugin} has lost {digest}");
            let mut client = Client::connect(served.address(), &format!("/p{place}"), &[]).await?;
            client.send_text("x").await?;
            ensure!(client.text().await? == "1", "p{place} does not serve");
        }
        let mut under_way = tokio::task::JoinSet::new();
        for place in 0..acknowledged.len() {
            let (operator, component, from) = (operator.clone(), component.clone(), number + place * 100);
            under_way.spawn(async move {
                let mut last = None;
                for number in from..from + 100 {
                    let path = format!("/v1/tenants/default/plugins/p{place}?route=/p{place}");
                    let Ok(reply) = operator.put(&path, Payload::wasm(variant(&component, number))).await else {
                        break;
                    };
                    let body = reply.json()?;
                    ensure!(matches!(reply.status, 200 | 201), "{body}");
                    last = Some((number, body["version"]["digest"].as_str().context("a digest")?.to_owned()));
                }
                Ok((place, last))
            });
        }
        number += acknowledged.len() * 100;
        // Some of each have been acknowledged, and others are under way.
        loop {
            let log = operator.get("/v1/audit?last=1").await?.with(200)?;
            let entries = log["items"][0]["sequence"].as_u64().unwrap_or(0);
            if entries > 24 * (round + 1) {
                break;
            }
        }
        served.kill().await?;
        while let Some(done) = under_way.join_next().await {
            let (place, last) = done??;
            if last.is_some() {
                acknowledged[place] = last;
            }
        }
        ensure!(acknowledged.iter().flatten().count() > 0, "nothing was acknowledged");
    }
    let (served, operator) = serve(&folder).await?;
    for (place, known) in acknowledged.iter().enumerate() {
        let Some((_, digest)) = known else { continue };
        let versions = operator.get(&format!("/v1/tenants/default/plugins/p{place}/versions")).await?;
        ensure!(versions.text.contains(digest.as_str()), "p{place} has lost {digest}");
    }
    served.kill().await
}

#[tokio::test]
async fn tenants_plugins_canaries_secrets_and_tokens_survive_a_restart() -> anyhow::Result<()> {
    let folder = folder("admin-restarted")?;
    let component = COUNTER.component()?;
    let (served, operator) = serve(&folder).await?;
    let mode = std::fs::metadata(folder.join("store/admin-token"))?.permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let declared = operator.get("/v1/tenants/default/plugins/declared").await?.with(200)?;
    assert_eq!(declared["declared-in"], "configuration");
    let tenant = json!({ "name": "shop" });
    operator.post("/v1/tenants", &tenant).await?.with(201)?;
    operator.put("/v1/tenants/shop/limits", Payload::json(&json!({ "timers": 7 }))).await?.with(200)?;
    operator.put("/v1/tenants/shop/secrets/key", Payload::of("text/plain", "hunter2")).await?.with(204)?;
    let deployer = operator.made("deployer", Some("shop")).await?;
    let path = "/v1/tenants/shop/plugins/counted";
    let first =
        deployer.put(&format!("{path}?route=/counted"), Payload::wasm(variant(&component, 1))).await?.with(201)?;
    let second = deployer.put(path, Payload::wasm(variant(&component, 2))).await?.with(200)?;
    let canary =
        deployer.put(&format!("{path}/canary?share=20"), Payload::wasm(variant(&component, 3))).await?.with(200)?;
    assert_eq!(served.terminate().await?, Some(0));

    let (served, operator) = serve(&folder).await?;
    let deployer = operator.with(Some(deployer.token()));
    let limits = operator.get("/v1/tenants/shop/limits").await?.with(200)?;
    let timers = limits["items"].as_array().and_then(|all| all.iter().find(|it| it["key"] == "timers")).cloned();
    assert_eq!(timers.context("it is there")?["value"], 7);
    assert_eq!(operator.get("/v1/tenants/shop/secrets").await?.with(200)?["items"][0]["name"], "key");
    let plugin = deployer.get(path).await?.with(200)?;
    assert_eq!(
        (&plugin["serving"], &plugin["canary"], &plugin["route"]),
        (&second["version"]["digest"], &canary["digest"], &json!("/counted"))
    );
    let mut client = Client::connect(served.address(), "/counted", &[]).await?;
    client.send_text("x").await?;
    assert_eq!(client.text().await?, "1");
    let again = deployer.get(&format!("{path}/canary")).await?.with(200)?;
    assert_eq!((&again["state"], &again["share"]), (&json!("running"), &json!(20.0)));
    // One that served before the restart can be gone back to.
    let back = deployer.post(&format!("{path}/rollback"), &json!({})).await?.with(200)?;
    assert_eq!(back["version"]["digest"], first["version"]["digest"]);
    operator.delete("/v1/tenants/shop").await?.with(204)?;
    served.kill().await?;

    let (served, operator) = serve(&folder).await?;
    assert_eq!(operator.get("/v1/tenants/shop").await?.status, 404);
    assert_eq!(operator.with(Some(deployer.token())).get(path).await?.code(), "bad-token");
    let left = std::fs::read_dir(folder.join("store/components"))?.count();
    assert_eq!(left, 0, "components of what is gone are gone");
    served.kill().await
}

#[tokio::test]
async fn an_admin_api_without_a_store_that_is_kept_is_refused() -> anyhow::Result<()> {
    let setup =
        Setup::new().configured(|config| config.admin.address = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))));
    let error = setup.refusal().await?;
    assert!(error.hint().is_some_and(|hint| hint.contains("[store]")), "{error}");
    Ok(())
}
