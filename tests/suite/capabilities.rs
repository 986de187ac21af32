//! What a tenant grants its plugins: keys and values, configuration and secrets, and requests to the outside; and nothing that is not
//! granted.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use bytesize::ByteSize;
use holdline::config::Config;
use holdline::guest::v1::Secret;
use holdline::store::StorePlace;
use holdline::tenant::Limits;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{CALLER, Client, Host, KEEPER, Served, Setup, folder, holdline, lines, logged, within};

/// What the guest `keeper` needs.
fn grant(config: &mut Config) {
    config.grants.keyvalue = true;
    config.grants.config = true;
    config.limits = Some(Limits { keyvalue_size: ByteSize::mib(64), ..Limits::unlimited() });
}

async fn keeper(name: &str) -> anyhow::Result<(Host, Client)> {
    let host = Setup::new().configured(grant).guest(KEEPER, name, "")?.start().await?;
    let client = host.connect(&format!("/{name}")).await?;
    Ok((host, client))
}

/// Gives `keeper` or `caller` a command: what came of it.
async fn ask(client: &mut Client, command: Value) -> anyhow::Result<Value> {
    client.send_text(command.to_string()).await?;
    client.json().await
}

/// Gives `keeper` a command for this bucket that is to go well.
async fn get(client: &mut Client, bucket: &str, command: Value) -> anyhow::Result<Value> {
    let outcome = ask(client, json!([bucket, command])).await?;
    outcome.get("ok").cloned().with_context(|| format!("{outcome} is not what was to come"))
}

/// What the host says to this configuration and these plugins.
async fn refusal(setup: Setup) -> anyhow::Result<(String, String)> {
    let error = setup.refusal().await?;
    let hint = error.hint().context("no hint")?;
    Ok((format!("{:#}", anyhow::Error::from(error)), hint))
}

#[tokio::test]
async fn a_plugin_keeps_keys_and_values() -> anyhow::Result<()> {
    let (host, mut client) = keeper("keeps").await?;
    let it = &mut client;
    assert_eq!(get(it, "b", json!({"do": "get", "key": "k"})).await?, Value::Null);
    get(it, "b", json!({"do": "set", "key": "k", "value": "v"})).await?;
    // Another connection has another instance.
    let other = &mut host.connect("/keeps").await?;
    assert_eq!(get(other, "b", json!({"do": "get", "key": "k"})).await?, "v");
    assert_eq!(get(other, "c", json!({"do": "exists", "key": "k"})).await?, false);
    get(other, "", json!({"do": "set", "key": "k", "value": "of the default bucket"})).await?;
    assert_eq!(get(it, "default", json!({"do": "get", "key": "k"})).await?, "of the default bucket");
    get(it, "b", json!({"do": "delete", "key": "k"})).await?;
    assert_eq!(get(other, "b", json!({"do": "exists", "key": "k"})).await?, false);

    assert_eq!(get(it, "b", json!({"do": "increment", "key": "n", "delta": 5})).await?, 5);
    assert_eq!(get(other, "b", json!({"do": "increment", "key": "n", "delta": -7})).await?, -2);

    let entries = json!([["x", "1"], ["y", "2"], ["z", "3"]]);
    get(it, "b", json!({"do": "set-many", "entries": entries})).await?;
    get(it, "b", json!({"do": "delete-many", "keys": ["y", "none"]})).await?;
    let many = get(it, "b", json!({"do": "get-many", "keys": ["z", "y", "x"]})).await?;
    assert_eq!(many, json!([["z", "3"], ["y", null], ["x", "1"]]));
    let keys = get(it, "b", json!({"do": "keys", "cursor": null})).await?;
    assert_eq!(keys, json!({"keys": ["n", "x", "z"], "cursor": null}));
    Ok(())
}

#[tokio::test]
async fn a_swap_that_came_too_late_can_be_tried_again() -> anyhow::Result<()> {
    let (_host, mut client) = keeper("swaps").await?;
    let it = &mut client;
    let first = get(it, "b", json!({"do": "swap", "key": "k", "value": "1", "meanwhile": null})).await?;
    assert_eq!(first, json!({"attempts": 1, "before": null}));
    let second = get(it, "b", json!({"do": "swap", "key": "k", "value": "2", "meanwhile": "between"})).await?;
    assert_eq!(second, json!({"attempts": 2, "before": "between"}));
    assert_eq!(get(it, "b", json!({"do": "get", "key": "k"})).await?, "2");
    Ok(())
}

#[tokio::test]
async fn keys_are_told_page_by_page() -> anyhow::Result<()> {
    let (_host, mut client) = keeper("pages").await?;
    let all: Vec<String> = (1000..2500).map(|number| number.to_string()).collect();
    for keys in all.chunks(750) {
        let entries: Vec<_> = keys.iter().map(|key| (key, "")).collect();
        get(&mut client, "b", json!({"do": "set-many", "entries": entries})).await?;
    }
    let first = get(&mut client, "b", json!({"do": "keys", "cursor": null})).await?;
    let second = get(&mut client, "b", json!({"do": "keys", "cursor": first["cursor"]})).await?;
    assert_eq!(
        (first["keys"].clone(), second.clone()),
        (json!(all[..1000]), json!({"keys": all[1000..], "cursor": null}))
    );
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_kept_is_said_to_the_guest_and_changes_nothing() -> anyhow::Result<()> {
    let (_host, mut client) = keeper("too-much").await?;
    let it = &mut client;
    let error = |outcome: Value| outcome["error"].as_str().unwrap_or_default().to_owned();
    let outcome = ask(it, json!(["b", {"do": "set", "key": "", "value": ""}])).await?;
    assert_eq!(error(outcome), "a key has one byte at least");
    let outcome = ask(it, json!(["b".repeat(129), {"do": "get", "key": "k"}])).await?;
    assert_eq!(error(outcome), "Error::NoSuchStore");
    get(it, "b", json!({"do": "set", "key": "n", "value": "text"})).await?;
    let outcome = ask(it, json!(["b", {"do": "increment", "key": "n", "delta": 1}])).await?;
    assert!(error(outcome).contains("not a whole number"));

    // A 128th of what a tenant may have, so that 128 of them are too much, with their keys.
    let value = "v".repeat(512 << 10);
    for key in 0..127 {
        get(it, "b", json!({"do": "set", "key": key.to_string(), "value": value})).await?;
    }
    let outcome = ask(it, json!(["b", {"do": "set", "key": "last", "value": value}])).await?;
    assert_eq!(error(outcome), "quota-exceeded");
    assert_eq!(get(it, "b", json!({"do": "exists", "key": "last"})).await?, false);
    get(it, "b", json!({"do": "delete", "key": "0"})).await?;
    get(it, "b", json!({"do": "set", "key": "last", "value": value})).await?;
    Ok(())
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart() -> anyhow::Result<()> {
    let place = folder("store-restart")?.join("store");
    let start = || async {
        let setup = Setup::new().configured(grant).configured(|config| {
            config.store.folder = StorePlace::Folder(place.clone());
        });
        setup.guest(KEEPER, "restarts", "")?.start().await
    };
    let host = start().await?;
    let mut client = host.connect("/restarts").await?;
    get(&mut client, "b", json!({"do": "set", "key": "k", "value": "v"})).await?;
    // The folder is this host's for as long as it runs.
    let second = Setup::new().configured(|config| config.store.folder = StorePlace::Folder(place.clone()));
    let (error, hint) = refusal(second).await?;
    assert!(error.contains("another host has the store") && hint.contains("[store]"), "{error}; {hint}");
    client.close(1000, "").await?;
    host.stop().await;

    let host = start().await?;
    let mut client = host.connect("/restarts").await?;
    assert_eq!(get(&mut client, "b", json!({"do": "get", "key": "k"})).await?, "v");
    Ok(())
}

#[tokio::test]
async fn configuration_is_told_and_a_secret_only_by_its_name() -> anyhow::Result<()> {
    let mut debug = String::new();
    let setup = Setup::new().configured(grant).configured(|config| {
        config.config = [("greeting", "hello"), ("units", "metric")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let secret = |name: &str| (name.to_owned(), Secret::new(format!("the value of {name}")));
        config.secrets = [secret("granted"), secret("other")].into();
        config.grants.secrets = vec!["granted".to_owned(), "missing".to_owned()];
        debug = format!("{config:?}");
    });
    let host = setup.guest(KEEPER, "configured", "")?.start().await?;
    let it = &mut host.connect("/configured").await?;
    for (key, value) in [
        ("greeting", json!("hello")),
        ("none", Value::Null),
        ("secrets/granted", json!("the value of granted")),
        ("granted", Value::Null),
        ("secrets/other", Value::Null),
        ("secrets/missing", Value::Null),
    ] {
        assert_eq!(get(it, "b", json!({"do": "config", "key": key})).await?, value, "{key}");
    }
    let all = get(it, "b", json!({"do": "all-config"})).await?;
    assert_eq!(all, json!([["greeting", "hello"], ["units", "metric"]]));
    host.stop().await;
    assert!(debug.contains("granted") && !debug.contains("the value of"), "{debug}");
    for plugin in ["configured", ""] {
        assert!(!lines(plugin).iter().any(|line| line.contains("the value of")));
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_granted_is_refused_at_load_by_its_name() -> anyhow::Result<()> {
    let (error, hint) = refusal(Setup::new().guest(KEEPER, "bare", "")?).await?;
    assert!(error.contains("`wasi:") && error.contains("not granted"), "{error}");
    assert!(hint.contains("under [grants]"), "{hint}");
    let keyvalue_alone = Setup::new().configured(|config| config.grants.keyvalue = true);
    let (error, hint) = refusal(keyvalue_alone.guest(KEEPER, "half", "")?).await?;
    assert!(error.contains("`wasi:config/store@0.2.0-rc.1`, and `config` is not granted"), "{error}");
    assert!(hint.contains("config = true"), "{hint}");
    let (error, hint) = refusal(Setup::new().configured(grant).guest(CALLER, "silenced", "")?).await?;
    assert!(error.contains("`wasi:http/") && error.contains("`http` is not granted"), "{error}");
    assert!(hint.contains("http = [\"api.example\"]"), "{hint}");
    Ok(())
}

#[tokio::test]
async fn a_person_is_shown_what_a_component_asks_for() -> anyhow::Result<()> {
    let folder = folder("check-grants")?;
    for (guest, needed) in [(KEEPER, &["keyvalue = true", "config = true"][..]), (CALLER, &["http = ["])] {
        let file = folder.join("it.wasm");
        std::fs::write(&file, guest.component()?)?;
        let checked = within("the end", holdline(&["check", file.to_str().context("a path")?])?.output()).await??;
        let text = String::from_utf8(checked.stdout)?;
        let rows: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with("needs")).collect();
        assert_eq!(rows.len(), needed.len(), "{text}");
        for need in needed {
            assert!(rows.iter().any(|row| row.contains(need)), "{text}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_plugin_without_a_configuration_is_granted_things_on_the_command_line() -> anyhow::Result<()> {
    let file = folder("run-grants")?.join("it.wasm");
    std::fs::write(&file, KEEPER.component()?)?;
    let file = file.to_str().context("a path")?;
    let run = ["run", file, "--listen", "127.0.0.1:0"];
    let refused = within("the end", holdline(&run)?.output()).await??;
    let error = String::from_utf8(refused.stderr)?;
    assert!(error.contains("not granted") && error.contains("`holdline run`"), "{error}");

    let served = Served::start(&[&run[..], &["--keyvalue", "--set", "units=metric"]].concat()).await?;
    let mut client = Client::connect(served.address(), "/", &[]).await?;
    get(&mut client, "b", json!({"do": "set", "key": "k", "value": "v"})).await?;
    assert_eq!(get(&mut client, "b", json!({"do": "get", "key": "k"})).await?, "v");
    assert_eq!(get(&mut client, "b", json!({"do": "config", "key": "units"})).await?, "metric");
    client.close(1000, "").await?;
    assert_eq!(served.terminate().await?, Some(0));
    Ok(())
}

/// A server on this machine that answers after so long with what it was asked for.
async fn server(delay: Duration) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, delay));
        }
    });
    Ok(address)
}

async fn answer(stream: TcpStream, delay: Duration) -> anyhow::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        anyhow::ensure!(stream.read_line(&mut head).await? > 0, "the client has gone");
    }
    let mut body = String::new();
    let first = head.lines().next().unwrap_or_default();
    if first.starts_with("POST") {
        // The guest does not say how long it is, so it comes in chunks.
        let mut chunks = Vec::new();
        while !chunks.ends_with(b"0\r\n\r\n") {
            chunks.push(stream.read_u8().await?);
        }
        body = String::from_utf8(chunks)?.lines().nth(1).unwrap_or_default().to_owned();
    }
    tokio::time::sleep(delay).await;
    let text = format!("{first} {body}");
    let response = format!("HTTP/1.1 203 Nice\r\ncontent-length: {}\r\n\r\n{text}", text.len());
    Ok(stream.write_all(response.as_bytes()).await?)
}

async fn caller(name: &str, manifest: &str, allowed: &[String]) -> anyhow::Result<(Host, Client)> {
    let allowed = allowed.iter().map(|pattern| pattern.parse()).collect::<Result<_, _>>()?;
    let setup = Setup::new().configured(|config| config.grants.http = allowed);
    let host = setup.guest(CALLER, name, manifest)?.start().await?;
    let client = host.connect(&format!("/{name}")).await?;
    Ok((host, client))
}

#[tokio::test]
async fn a_plugin_sends_requests_to_the_hosts_that_are_granted() -> anyhow::Result<()> {
    let server = server(Duration::ZERO).await?;
    let (_host, mut client) = caller("calls", "", &[server.to_string()]).await?;
    let authority = server.to_string();
    let got = ask(&mut client, json!({"scheme": "http", "authority": authority, "path": "/a?b=c"})).await?;
    assert_eq!(got, json!({"status": 203, "body": "GET /a?b=c HTTP/1.1 "}));
    let call = json!({"scheme": "http", "authority": authority, "path": "/", "body": "what is posted"});
    assert_eq!(ask(&mut client, call).await?["body"], "POST / HTTP/1.1 what is posted");
    let call = json!({"scheme": "https", "authority": authority, "path": "/"});
    assert_eq!(ask(&mut client, call).await?["error"], "ErrorCode::TlsProtocolError");
    Ok(())
}

#[tokio::test]
async fn a_request_to_elsewhere_is_denied_and_the_log_says_where_to() -> anyhow::Result<()> {
    let server = server(Duration::ZERO).await?;
    let (_host, mut client) = caller("denied", "", &["api.example".to_owned(), "*.invalid:*".to_owned()]).await?;
    let call = |authority: String| json!({"scheme": "http", "authority": authority, "path": "/"});
    let denied = ask(&mut client, call(server.to_string())).await?;
    assert_eq!(denied["error"], "ErrorCode::HttpRequestDenied");
    let line = logged("denied", &server.to_string()).await?;
    assert!(line.contains("WARN") && line.contains("[grants]"), "{line}");
    // It is permitted, but the name service has none.
    let nowhere = ask(&mut client, call("nowhere.invalid:1".to_owned())).await?;
    assert!(nowhere["error"].as_str().is_some_and(|error| error.contains("DnsError")), "{nowhere}");
    Ok(())
}

#[tokio::test]
async fn a_name_that_leads_inside_is_prohibited() -> anyhow::Result<()> {
    let server = server(Duration::ZERO).await?;
    let port = server.port();
    let (_host, mut client) = caller("inside", "", &["*:*".to_owned()]).await?;
    for authority in [format!("localhost:{port}"), server.to_string()] {
        let call = json!({"scheme": "http", "authority": authority, "path": "/"});
        assert_eq!(ask(&mut client, call).await?["error"], "ErrorCode::DestinationIpProhibited", "{authority}");
        logged("inside", &authority).await?;
    }
    let (_host, mut client) = caller("named", "", &[format!("localhost:{port}")]).await?;
    let call = json!({"scheme": "http", "authority": format!("localhost:{port}"), "path": "/"});
    assert_eq!(ask(&mut client, call).await?["status"], 203);
    Ok(())
}

#[tokio::test]
async fn waiting_for_a_response_is_not_computing() -> anyhow::Result<()> {
    let server = server(Duration::from_millis(15)).await?;
    // If each of the waits counted as what the host looks at once, they would be five times as much.
    let (_host, mut client) = caller("waits", "[limits]\ncpu = \"50ms\"", &[server.to_string()]).await?;
    let call = json!({"scheme": "http", "authority": server.to_string(), "path": "/", "times": 50});
    assert_eq!(ask(&mut client, call).await?["status"], 203);
    Ok(())
}

#[tokio::test]
async fn a_response_that_does_not_come_ends_with_the_event() -> anyhow::Result<()> {
    let server = server(Duration::from_secs(3600)).await?;
    let (_host, mut client) = caller("hangs", "[limits]\ntimeout = \"100ms\"", &[server.to_string()]).await?;
    client.send_text(json!({"scheme": "http", "authority": server.to_string(), "path": "/"}).to_string()).await?;
    assert_eq!(client.closed().await?.0, 1011);
    logged("hangs", "that an event may last").await?;
    Ok(())
}
