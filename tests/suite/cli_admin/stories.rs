//! What the commands do beyond asking once and showing the answer.

use std::fs;
use std::process::Stdio;

use anyhow::Context;
use holdline::plugin::embed;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::stand_in::{Say, Seen, StandIn};
use super::{Desk, answers};
use crate::harness::{PUPPET, folder, holdline, within};

/// The file of a component, and its bytes.
fn component(name: &str) -> anyhow::Result<(String, Vec<u8>)> {
    let bytes = embed(&PUPPET.component()?, &format!("name = {name:?}\n"));
    let file = folder(&format!("deploy-{name}"))?.join("plugin.wasm");
    fs::write(&file, &bytes)?;
    Ok((file.to_str().context("a path that is no text")?.to_owned(), bytes))
}

fn query(seen: &Seen) -> Vec<(&str, &str)> {
    seen.query.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

#[tokio::test]
async fn deploy_sends_the_component_and_says_what_serves_and_how_long_it_took() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "deploy")?;
    let (file, bytes) = component("loud")?;

    let said = desk.output(&["deploy", &file]).await?;
    let more =
        ["--name", "quiet", "--route", "/q?", "--isolation", "pooled", "--swap", "new-connections", "--note", "a b"];
    let json = desk.output(&[&["deploy", &file, "--tenant", "shop", "--json"], &more[..]].concat()).await?;

    for shown in ["echo serves 222222222222 in place of 111111111111, at /echo", "ready in 3ms from the compiled cache"]
    {
        assert!(said.contains(shown), "{said}");
    }
    assert_eq!(serde_json::from_str::<Value>(&json)?, answers::deployment());
    let seen = stand_in.seen();
    assert_eq!(seen[0].path, "/v1/tenants/default/plugins/loud", "the name is the manifest's");
    assert_eq!(seen[1].path, "/v1/tenants/shop/plugins/quiet");
    assert!(seen.iter().all(|it| it.operation == "deploy" && it.body == bytes));
    assert!(seen[0].query.is_empty());
    assert_eq!(
        query(&seen[1]),
        [("route", "/q?"), ("isolation", "pooled"), ("swap", "new-connections"), ("note", "a b")]
    );
    Ok(())
}

#[tokio::test]
async fn a_folder_is_not_built_for_a_host_that_does_not_want_it() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "deploy-folder")?;
    let failure = json!({ "error": { "code": "not-found", "message": "no tenant `shop`" } });
    stand_in.tell("showTenant", Say::Json(404, failure));
    let plugin = folder("deploy-unbuilt")?;
    fs::write(plugin.join("plugin.toml"), "name = \"unbuilt\"\nlanguage = \"rust\"\n")?;
    let plugin = plugin.to_str().context("a path that is no text")?;

    let ended = desk.run(&["deploy", plugin, "--tenant", "shop"]).await?;

    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), "error: no tenant `shop`\n"));
    assert_eq!(stand_in.seen().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_canary_is_deployed_to_a_share_or_to_those_with_a_header() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "deploy-canary")?;
    let (file, _) = component("tried")?;

    let said = desk.output(&["deploy", &file, "--canary", "10%", "--p99", "50ms", "--max-failures", "0.5%"]).await?;
    desk.output(&["deploy", &file, "--header", "x-beta:1", "--json"]).await?;

    assert!(said.contains("on 10% of its new connections and those with `x-beta: 1`"), "{said}");
    let seen = stand_in.seen();
    assert_eq!([&seen[0].operation, &seen[1].operation], ["beginCanary", "beginCanary"]);
    assert_eq!(query(&seen[0]), [("share", "10"), ("max-failures", "0.5"), ("p99", "50ms")]);
    assert_eq!(query(&seen[1]), [("header", "x-beta: 1")]);
    Ok(())
}

#[tokio::test]
async fn a_plugin_is_shown_with_its_versions() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "versions")?;
    let said = desk.output(&["plugins", "echo"]).await?;
    for shown in ["next-event", "handler", "222222222222", "serving", "ci", "60.0 KiB", "rust", "build 7"] {
        assert!(said.contains(shown), "`{shown}` is not in:\n{said}");
    }
    let json: Value = serde_json::from_str(&desk.output(&["plugins", "echo", "--json"]).await?)?;
    assert_eq!(json["plugin"], answers::plugin());
    assert_eq!(json["versions"]["items"], json!([answers::version()]));
    stand_in.seen();
    Ok(())
}

#[tokio::test]
async fn connections_come_in_pages_until_there_are_enough() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "pages")?;
    let ids: Vec<String> = (0..4).map(|number| format!("{number:032x}")).collect();
    let page = |ids: &[String], next: Option<&str>| {
        let items: Vec<_> = ids.iter().map(|id| answers::connection(id)).collect();
        Say::Json(200, json!({ "items": items, "next": next }))
    };
    stand_in.tell("listConnections", page(&ids[..2], Some("b c")));
    stand_in.tell("listConnections", page(&ids[2..3], Some("d")));

    let ended = desk.run(&["connections", "--limit", "3", "--plugin", "echo"]).await?;

    assert!(ids[..3].iter().all(|id| ended.stdout.contains(id.as_str())), "{}", ended.stdout);
    assert!(ended.stderr.contains("--limit"), "that there are more is said: {}", ended.stderr);
    let seen = stand_in.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(query(&seen[1]), [("plugin", "echo"), ("limit", "1"), ("after", "b c")]);

    stand_in.tell("listConnections", page(&ids[..2], Some("b")));
    stand_in.tell("listConnections", page(&ids[2..], None));
    let json: Value = serde_json::from_str(&desk.output(&["connections", "--json"]).await?)?;
    assert_eq!(json["items"].as_array().context("items")?.len(), 4);
    assert_eq!(json["next"], Value::Null);
    stand_in.seen();
    Ok(())
}

#[tokio::test]
async fn a_secret_comes_from_standard_input_and_is_shown_nowhere() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "secret")?;

    let ended = desk.run_with(&["tenants", "secrets", "put", "api-key", "--tenant", "shop"], "s3cr\u{e4}t \n").await?;

    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stdout.contains("s3cr") && !ended.stderr.contains("s3cr"), "{}{}", ended.stdout, ended.stderr);
    let seen = stand_in.seen();
    assert_eq!(seen[0].path, "/v1/tenants/shop/secrets/api-key");
    assert_eq!(String::from_utf8_lossy(&seen[0].body), "s3cr\u{e4}t ");
    let empty = desk.run_with(&["tenants", "secrets", "put", "api-key"], "\n").await?;
    assert!(empty.code == Some(1) && empty.stderr.contains("hint: it is read from standard input"), "{}", empty.stderr);
    assert!(stand_in.seen().is_empty());
    Ok(())
}

#[tokio::test]
async fn one_limit_is_set_and_those_that_were_set_stay() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "limits")?;
    desk.output(&["tenants", "limits", "memory=32MiB", "--tenant", "shop"]).await?;
    desk.output(&["tenants", "limits", "connections=default", "timers=none"]).await?;
    let seen = stand_in.seen();
    let bodies = [1, 3].map(|at: usize| serde_json::from_slice::<Value>(&seen[at].body));
    let [first, second] = bodies.map(|body| body.unwrap_or_default());
    assert_eq!(first, json!({ "connections": 500, "memory": "32MiB" }));
    assert_eq!(second, json!({ "timers": null }));
    assert_eq!(seen[1].path, "/v1/tenants/shop/limits");
    Ok(())
}

#[tokio::test]
async fn one_value_is_set_or_deleted_and_the_others_stay() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "config")?;
    let shown = desk.run(&["tenants", "config", "size=a=b", "--tenant", "shop"]).await?;
    desk.output(&["tenants", "config", "--delete", "colour", "empty="]).await?;
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    assert!(shown.stderr.contains("holdline tenants change default --config"), "{}", shown.stderr);
    let seen = stand_in.seen();
    let bodies = [1, 3].map(|at: usize| serde_json::from_slice::<Value>(&seen[at].body));
    let [first, second] = bodies.map(|body| body.unwrap_or_default());
    assert_eq!(first, json!({ "config": { "colour": "red", "size": "a=b" } }));
    assert_eq!(second, json!({ "config": { "empty": "" } }));
    assert_eq!((&*seen[1].operation, &*seen[1].path), ("changeTenant", "/v1/tenants/shop"));
    Ok(())
}

#[tokio::test]
async fn a_token_is_alone_on_standard_output_and_its_scope_is_said() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "token")?.with("HOLDLINE_TENANT", "");
    let whole = desk.run(&["token", "create", "ci", "--role", "deployer"]).await?;
    desk.output(&["token", "create", "ci", "--role", "reader", "--tenant", "shop", "--expires", "90d"]).await?;
    assert_eq!(whole.stdout, "hl_4fT0aQ9zAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    assert!(whole.stderr.contains("deployer of shop"), "what the host says: {}", whole.stderr);
    let seen = stand_in.seen();
    assert_eq!(serde_json::from_slice::<Value>(&seen[0].body)?, json!({ "name": "ci", "role": "deployer" }));
    let body: Value = serde_json::from_slice(&seen[1].body)?;
    assert_eq!((&body["tenant"], &body["role"]), (&json!("shop"), &json!("reader")));
    let expires = body["expires"].as_str().context("when")?.parse::<jiff::Timestamp>()?;
    let days = expires.duration_since(jiff::Timestamp::now()).as_hours() / 24;
    assert!((89..=90).contains(&days), "{expires}");
    Ok(())
}

#[tokio::test]
async fn the_token_is_that_of_the_argument_then_the_variable_then_the_first_start() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "whose")?;
    desk.output(&["usage"]).await?;
    fs::create_dir(desk.state().join("holdline"))?;
    fs::write(desk.state().join("holdline/admin-token"), "hl_first\n")?;
    desk.output(&["usage"]).await?;
    let desk = desk.with("HOLDLINE_TOKEN", "hl_variable").with("HOLDLINE_TENANT", "shop");
    desk.output(&["usage"]).await?;
    desk.output(&["usage", "--token", "hl_argument", "--tenant", "bank"]).await?;
    let seen = stand_in.seen();
    let tokens: Vec<_> = seen.iter().map(|seen| seen.token.as_deref()).collect();
    assert_eq!(tokens, [None, Some("hl_first"), Some("hl_variable"), Some("hl_argument")]);
    let paths: Vec<_> = seen.iter().map(|seen| seen.path.as_str()).collect();
    assert_eq!(paths[1..], ["default", "shop", "bank"].map(|name| format!("/v1/tenants/{name}/usage")));
    Ok(())
}

#[tokio::test]
async fn logs_are_lines_and_nothing_in_them_reaches_into_the_terminal() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "logs")?;
    let line = json!({ "at": "2026-01-02T03:04:05Z", "level": "warn", "plugin": "echo", "version": null,
        "message": "odd \u{1b}[2J" });
    let stream = format!(": alive\n\ndata: {line}\n\nevent: lost\ndata: {{\"lines\": 3}}\n\n");
    let say = || Say::Raw(200, "text/event-stream", stream.clone());
    for _ in 0..3 {
        stand_in.tell("logs", say());
    }
    let mut of_a_version = line.clone();
    of_a_version["version"] = json!(format!("sha256:{}", "0123456789abcdef".repeat(4)));
    stand_in.tell("logs", Say::Raw(200, "text/event-stream", format!("data: {of_a_version}\n\n")));

    let ended = desk.run(&["logs", "--plugin", "echo", "--level", "warn", "--tail", "20"]).await?;
    let json = desk.output(&["logs", "--json"]).await?;
    let followed = desk.run(&["logs", "-f"]).await?;
    let versioned = desk.output(&["logs"]).await?;

    assert_eq!(ended.stdout, "2026-01-02T03:04:05Z  WARN echo: odd \\u{1b}[2J\n");
    assert!(ended.code == Some(0) && ended.stderr.contains("lines were lost"), "{}", ended.stderr);
    assert_eq!(serde_json::from_str::<Value>(&json)?, line);
    assert!(followed.code == Some(1) && followed.stderr.contains("the host has ended the log"), "{}", followed.stderr);
    assert_eq!(followed.stdout, ended.stdout);
    assert_eq!(versioned, "2026-01-02T03:04:05Z  WARN echo@0123456789ab: odd \\u{1b}[2J\n");
    let seen = stand_in.seen();
    assert_eq!(query(&seen[0]), [("plugin", "echo"), ("level", "warn"), ("tail", "20"), ("follow", "false")]);
    assert_eq!(query(&seen[2]), [("level", "info"), ("tail", "100"), ("follow", "true")]);
    Ok(())
}

#[tokio::test]
async fn a_log_that_is_followed_is_shown_as_it_comes() -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let mut command = holdline(&["logs", "-f", "--json", "--admin", &url, "--token", "hl_x"])?;
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let (mut stream, _) = within("the request", listener.accept()).await??;
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        .await?;

    // The next one is said only when the one before was shown.
    for line in ["{\"line\": 1}", "{\"line\": 2}"] {
        let event = format!("data: {line}\n\n");
        stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await?;
        assert_eq!(within("the line", lines.next_line()).await??.as_deref(), Some(line));
    }
    drop(stream);
    assert_eq!(within("the end of the program", child.wait()).await??.code(), Some(1), "it broke off");
    Ok(())
}

#[tokio::test]
async fn top_looks_twice_and_tells_the_rates_between() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "top")?;
    let tenants = |messages: u64| Say::Json(200, json!({ "items": [answers::tenant(messages)] }));
    for messages in [0, 50_000, 0, 50_000] {
        stand_in.tell("listTenants", tenants(messages));
    }

    let table = desk.output(&["top", "--interval", "200ms"]).await?;
    let json: Value = serde_json::from_str(&desk.output(&["top", "--interval", "200ms", "--json"]).await?)?;

    for shown in ["holdline 0.1.0", "up 2h", "64.0 MiB resident", "messages/s", "default", "echo"] {
        assert!(table.contains(shown), "`{shown}` is not in:\n{table}");
    }
    let rate = json["tenants"][0]["messages-per-second"].as_f64().context("a rate")?;
    assert!(rate > 0.0 && rate <= 250_000.0, "50,000 in 200 ms or more are not {rate} a second");
    assert_eq!((&json["tenant"], &json["plugins"][0]["name"]), (&json!("default"), &json!("echo")));
    assert_eq!(stand_in.seen().len(), 12);

    let forbidden = json!({ "error": { "code": "scope", "message": "a matter of the host" } });
    stand_in.tell("host", Say::Json(403, forbidden.clone()));
    stand_in.tell("host", Say::Json(403, forbidden));
    let table = desk.output(&["top", "--interval", "100ms"]).await?;
    assert!(table.starts_with("tenant default\n12 connections   3 held"), "a tenant sees its own:\n{table}");
    Ok(())
}
