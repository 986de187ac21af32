//! Plugins over the admin API: they come, change, are tried and go, while clients stay connected.

use anyhow::Context;
use holdline::plugin::embed;
use serde_json::{Value, json};

use crate::harness::{COUNTER, Client, Operator, POSTMAN, PUPPET, Payload, Setup, within};

const PLUGIN: &str = "/v1/tenants/default/plugins/counted";

/// The component with another digest: what it does stays the same.
fn variant(component: &[u8], number: u32) -> Vec<u8> {
    embed(component, &format!("name = \"counted\"\nisolation = \"pooled\"\n# {number}\n"))
}

async fn deploy(operator: &Operator, path: &str, component: Vec<u8>, status: u16) -> anyhow::Result<Value> {
    operator.put(path, Payload::wasm(component)).await?.with(status)
}

async fn count(client: &mut Client) -> anyhow::Result<String> {
    client.send_text("count").await?;
    client.text().await
}

#[tokio::test]
async fn a_plugin_is_deployed_swapped_rolled_back_and_deleted_under_an_open_connection() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-deploy")?.start().await?;
    let owner = host.operator()?;
    let component = COUNTER.component()?;
    let (first, second) = (variant(&component, 1), variant(&component, 2));

    let made = deploy(&owner, &format!("{PLUGIN}?route=/counted&note=the%20first"), first.clone(), 201).await?;
    assert_eq!((&made["outcome"], &made["previous"]), (&json!("created"), &Value::Null), "{made}");
    assert_eq!(made["version"]["note"], "the first");
    assert_eq!(made["plugin"]["route"], "/counted");
    let mut client = host.connect("/counted").await?;
    assert_eq!((count(&mut client).await?, count(&mut client).await?), ("1".to_owned(), "2".to_owned()));

    let again = deploy(&owner, PLUGIN, first.clone(), 200).await?;
    assert_eq!(again["outcome"], "unchanged", "{again}");
    assert_eq!(count(&mut client).await?, "3");
    let swapped = deploy(&owner, PLUGIN, second, 200).await?;
    assert_eq!(
        (&swapped["outcome"], &swapped["previous"]),
        (&json!("swapped"), &made["version"]["digest"]),
        "{swapped}"
    );
    assert_eq!(swapped["plugin"]["route"], "/counted", "the route stays as it was");
    assert_eq!(count(&mut client).await?, "1", "the new version counts anew");

    let versions = owner.get(&format!("{PLUGIN}/versions")).await?.with(200)?;
    let states: Vec<_> = versions["items"].as_array().context("versions")?.iter().map(|it| &it["state"]).collect();
    assert_eq!(states, ["serving", "kept"], "{versions}");
    assert_eq!(versions["items"][0]["connections"], 1);
    let back = owner.post(&format!("{PLUGIN}/rollback"), &json!({})).await?.with(200)?;
    assert_eq!(back["version"]["digest"], made["version"]["digest"]);
    let digits = swapped["version"]["digest"].as_str().and_then(|digest| digest.get(7..19)).context("a digest")?;
    let forth = owner.post(&format!("{PLUGIN}/rollback"), &json!({ "version": digits })).await?.with(200)?;
    assert_eq!(forth["version"]["digest"], swapped["version"]["digest"]);
    let unknown = owner.post(&format!("{PLUGIN}/rollback"), &json!({ "version": "0000000000" })).await?;
    assert_eq!((unknown.status, unknown.code().as_str()), (409, "no-version"));
    let short = owner.post(&format!("{PLUGIN}/rollback"), &json!({ "version": "00" })).await?;
    assert_eq!((short.status, short.code().as_str()), (400, "invalid-value"));

    owner.delete(PLUGIN).await?.with(204)?;
    assert_eq!(client.closed().await?.0, 1001);
    assert_eq!(owner.get(PLUGIN).await?.status, 404);
    let audit = owner.get("/v1/audit").await?.with(200)?;
    let told: Vec<_> =
        audit["items"].as_array().context("entries")?.iter().filter_map(|it| it["what"].as_str()).collect();
    assert_eq!(told.iter().filter(|what| **what == "plugin.rolled-back").count(), 4, "{told:?}");
    assert!(told.contains(&"plugin.deleted"), "{told:?}");
    Ok(())
}

#[tokio::test]
async fn a_broken_upload_leaves_the_old_version_serving_and_says_why() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-broken")?.start().await?;
    let owner = host.operator()?;
    let good = variant(&COUNTER.component()?, 1);
    deploy(&owner, &format!("{PLUGIN}?route=/counted"), good.clone(), 201).await?;
    let mut client = host.connect("/counted").await?;
    assert_eq!(count(&mut client).await?, "1");

    let mut corrupt = good.clone();
    let middle = corrupt.len() / 2;
    corrupt[middle..middle + 512].fill(0xa5);
    let module = [0, b'a', b's', b'm', 1, 0, 0, 0].to_vec();
    let no_exports = [0, b'a', b's', b'm', 0x0d, 0, 1, 0].to_vec();
    let bad_manifest = embed(&COUNTER.component()?, "colour = 1");
    for (what, component) in [
        ("empty", Vec::new()),
        ("text", b"hello".to_vec()),
        ("truncated", good[..good.len() / 2].to_vec()),
        ("corrupt", corrupt),
        ("a module", module),
        ("without exports", no_exports),
        ("with a bad manifest", bad_manifest),
        // What has no handler cannot have the route of what had one.
        ("without a handler", POSTMAN.component()?),
    ] {
        let reply = owner.put(PLUGIN, Payload::wasm(component)).await?;
        assert_eq!((reply.status, reply.code().as_str()), (422, "refused"), "{what}: {}", reply.text);
        let canary = owner.put(&format!("{PLUGIN}/canary"), Payload::wasm("no")).await?;
        assert_eq!((canary.status, canary.code().as_str()), (422, "refused"), "{}", canary.text);
    }
    let kept = std::fs::read_dir(host.store().join("components"))?.count();
    assert_eq!(kept, 1, "what was refused takes no room");
    let wrong = owner.put(PLUGIN, Payload::of("application/json", "{}")).await?;
    assert_eq!((wrong.status, wrong.code().as_str()), (415, "unsupported-media-type"));
    for query in ["route=counted", "isolation=none", "swap=never", "colour=1"] {
        assert_eq!(
            owner.put(&format!("{PLUGIN}?{query}"), Payload::wasm(variant(&good, 3))).await?.status,
            400,
            "{query}"
        );
    }
    deploy(&owner, "/v1/tenants/default/plugins/other", PUPPET.component()?, 201).await?;
    let taken = owner.put("/v1/tenants/default/plugins/other?route=/counted", Payload::wasm(variant(&good, 4))).await?;
    assert_eq!((taken.status, taken.code().as_str()), (409, "route-taken"), "{}", taken.text);

    assert_eq!(count(&mut client).await?, "2", "the instance of the old version is still there");
    Ok(())
}

#[tokio::test]
async fn a_canary_is_begun_changed_promoted_and_taken_back() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-canary")?.start().await?;
    let owner = host.operator()?;
    let component = COUNTER.component()?;
    let canary = format!("{PLUGIN}/canary");
    assert_eq!(owner.put(&canary, Payload::wasm(component.clone())).await?.code(), "not-found");
    let first = deploy(&owner, &format!("{PLUGIN}?route=/counted"), variant(&component, 1), 201).await?;
    assert_eq!(owner.get(&canary).await?.code(), "no-canary");

    let put = format!("{canary}?share=0&header=x-try:%20yes&p99=10s");
    let begun = owner.put(&put, Payload::wasm(variant(&component, 2))).await?.with(200)?;
    assert_eq!(
        (&begun["state"], &begun["header"], &begun["p99-ms"]),
        (&json!("running"), &json!("x-try: yes"), &json!(10_000))
    );
    assert_eq!(begun["previous"], first["version"]["digest"]);
    let mut tried = host.connect_with("/counted", &[("x-try", "yes")]).await?;
    count(&mut tried).await?;
    let mut other = host.connect("/counted").await?;
    count(&mut other).await?;
    let seen = owner.get(&canary).await?.with(200)?;
    assert_eq!((&seen["connections"], seen["events"].as_u64() > Some(0)), (&json!(1), true), "{seen}");
    let change = Payload::json(&json!({ "share": 100, "max-failures": 50 }));
    let changed = owner.ask("PATCH", &canary, change).await?.with(200)?;
    assert_eq!((&changed["share"], &changed["max-failures"]), (&json!(100.0), &json!(50.0)));
    assert_eq!(owner.ask("PATCH", &canary, Payload::json(&json!({ "share": 101 }))).await?.code(), "invalid-value");
    let promoted = owner.ask("POST", &format!("{PLUGIN}/promote"), Payload::none()).await?.with(200)?;
    assert_eq!(promoted["version"]["digest"], begun["digest"]);
    assert_eq!(owner.ask("POST", &format!("{PLUGIN}/promote"), Payload::none()).await?.code(), "no-canary");

    owner.put(&canary, Payload::wasm(variant(&component, 3))).await?.with(200)?;
    owner.delete(&canary).await?.with(204)?;
    let gone = owner.get(&canary).await?.with(200)?;
    assert_eq!((&gone["state"], &gone["reason"]), (&json!("taken-back"), &json!("taken back by admin")));
    assert_eq!(owner.delete(&canary).await?.code(), "no-canary");
    assert_eq!(owner.get(PLUGIN).await?.with(200)?["serving"], begun["digest"]);
    Ok(())
}

#[tokio::test]
async fn a_canary_that_is_taken_back_by_itself_is_in_the_audit_log() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-canary-fails")?.start().await?;
    let owner = host.operator()?;
    let component = COUNTER.component()?;
    deploy(&owner, &format!("{PLUGIN}?route=/counted"), variant(&component, 1), 201).await?;
    owner.put(&format!("{PLUGIN}/canary?share=100"), Payload::wasm(variant(&component, 2))).await?.with(200)?;
    for _ in 0..3 {
        let mut client = host.connect("/counted").await?;
        client.send_text("fail").await?;
        assert_eq!(client.closed().await?.0, 1011);
    }

    let entered = async {
        loop {
            let log = owner.get("/v1/tenants/default/audit?last=1").await?.with(200)?;
            if log["items"][0]["what"] == "canary.taken-back" {
                return anyhow::Ok(log["items"][0].clone());
            }
            tokio::task::yield_now().await;
        }
    };
    let entry = within("the entry", entered).await??;
    assert_eq!((&entry["who"], &entry["subject"]), (&json!("host"), &json!("counted")));
    let canary = owner.get(&format!("{PLUGIN}/canary")).await?.with(200)?;
    assert_eq!((&canary["state"], &canary["failures"]), (&json!("taken-back"), &json!(3)), "{canary}");
    assert!(canary["reason"].as_str().is_some_and(|why| why.contains("events failed")), "{canary}");
    let mut client = host.connect("/counted").await?;
    assert_eq!(count(&mut client).await?, "1");
    Ok(())
}

#[tokio::test]
async fn what_the_configuration_declares_only_the_configuration_changes() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-declared")?.guest(COUNTER, "declared", "")?.start().await?;
    let owner = host.operator()?;
    let path = "/v1/tenants/default/plugins/declared";
    assert_eq!(owner.get(path).await?.with(200)?["declared-in"], "configuration");
    let versions = owner.get(&format!("{path}/versions")).await?.with(200)?;
    assert_eq!(versions["items"][0]["by"], "configuration");

    let component = variant(&COUNTER.component()?, 1);
    for (method, path, payload) in [
        ("PUT", path.to_owned(), Payload::wasm(component.clone())),
        ("DELETE", path.to_owned(), Payload::none()),
        ("PUT", format!("{path}/canary"), Payload::wasm(component)),
        ("POST", format!("{path}/rollback"), Payload::json(&json!({}))),
        ("POST", format!("{path}/promote"), Payload::none()),
    ] {
        let reply = owner.ask(method, &path, payload).await?;
        assert_eq!((reply.status, reply.code().as_str()), (409, "declared-in-configuration"), "{method} {path}");
        assert!(reply.json()?["error"]["hint"].as_str().is_some_and(|hint| hint.contains("holdline.toml")));
    }
    Ok(())
}

#[tokio::test]
async fn limits_of_a_tenant_are_set_seen_and_kept() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-limits")?.start().await?;
    let owner = host.operator()?;
    let tenant = json!({ "name": "shop", "hosts": ["shop.example"], "grants": { "keyvalue": true }, "config": { "colour": "red" } });
    let made = owner.post("/v1/tenants", &tenant).await?.with(201)?;
    assert_eq!((&made["declared-in"], &made["config"]["colour"]), (&json!("store"), &json!("red")), "{made}");
    let change = Payload::json(&json!({ "hosts": ["Shop.Example", "www.shop.example"] }));
    let changed = owner.ask("PATCH", "/v1/tenants/shop", change).await?.with(200)?;
    assert_eq!(
        (&changed["hosts"], &changed["grants"]["keyvalue"]),
        (&json!(["shop.example", "www.shop.example"]), &json!(true))
    );

    let values = json!({ "connections": 1, "component-size": "64KiB", "timers": null, "plugins": 1 });
    let limits = owner.put("/v1/tenants/shop/limits", Payload::json(&values)).await?.with(200)?;
    let limit = |key: &str| limits["items"].as_array().and_then(|all| all.iter().find(|it| it["key"] == key)).cloned();
    assert_eq!(limit("connections").context("it is there")?["value"], 1);
    assert_eq!(limit("timers").context("it is there")?["value"], Value::Null);
    assert_eq!(limit("workers").context("it is there")?["is-set"], false);
    assert_eq!(owner.get("/v1/tenants/shop/limits").await?.with(200)?, limits);

    let large = owner.put("/v1/tenants/shop/plugins/big", Payload::wasm(vec![0; 65_537])).await?;
    assert_eq!((large.status, large.code().as_str()), (413, "too-large"), "{}", large.text);
    owner.put("/v1/tenants/shop/limits", Payload::json(&json!({ "connections": 1, "plugins": 1 }))).await?.with(200)?;
    deploy(&owner, "/v1/tenants/shop/plugins/counted?route=/counted", COUNTER.component()?, 201).await?;
    let more = owner.put("/v1/tenants/shop/plugins/more", Payload::wasm(COUNTER.component()?)).await?;
    assert_eq!((more.status, more.code().as_str()), (429, "quota-exceeded"), "{}", more.text);
    let usage = owner.get("/v1/tenants/shop/usage").await?.with(200)?;
    let used = usage["items"].as_array().and_then(|all| all.iter().find(|it| it["key"] == "plugins")).cloned();
    let used = used.context("it is there")?;
    assert_eq!((&used["used"], &used["limit"], used["refused"].as_u64()), (&json!(1), &json!(1), Some(1)), "{used}");

    owner.put("/v1/tenants/shop/secrets/api.key", Payload::of("text/plain", "hunter2")).await?.with(204)?;
    let secrets = owner.get("/v1/tenants/shop/secrets").await?;
    assert_eq!(secrets.with(200)?["items"][0]["name"], "api.key");
    assert!(!secrets.text.contains("hunter2"));
    owner.delete("/v1/tenants/shop/secrets/api.key").await?.with(204)?;
    assert_eq!(owner.delete("/v1/tenants/shop/secrets/api.key").await?.status, 404);
    owner.delete("/v1/tenants/shop").await?.with(204)?;
    assert_eq!(owner.get("/v1/tenants/shop").await?.status, 404);
    Ok(())
}
