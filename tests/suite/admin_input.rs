//! What the admin API makes of requests that are wrong: an answer in one shape, whatever is wrong.

use anyhow::Context;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Operator, Payload, Reply, Setup, within};

/// Every error has this shape and no other.
fn check_shape(reply: &Reply) -> anyhow::Result<()> {
    let body = reply.json()?;
    let error = body.get("error").and_then(Value::as_object).with_context(|| format!("{body} has no error"))?;
    assert!(
        error["code"].as_str().is_some_and(|code| code.chars().all(|it| it.is_ascii_lowercase() || it == '-')),
        "{body}"
    );
    assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    assert!(error.keys().all(|key| ["code", "message", "hint"].contains(&key.as_str())), "{body}");
    Ok(())
}

async fn refused(
    operator: &Operator,
    method: &str,
    path: &str,
    payload: Payload,
    status: u16,
    code: &str,
) -> anyhow::Result<()> {
    let reply = operator.ask(method, path, payload).await?;
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{method} {path}: {}", reply.text);
    check_shape(&reply)
}

#[tokio::test]
async fn what_is_wrong_is_said_in_one_shape() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-input")?.start().await?;
    let owner = host.operator()?;
    let json = |text: &'static str| Payload::of("application/json", text);
    let cases = [
        ("POST", "/v1/tenants", json("{\"name\": "), 400, "malformed"),
        ("POST", "/v1/tenants", json("\u{0}"), 400, "malformed"),
        ("POST", "/v1/tenants", json("{\"name\": \"a\", \"colour\": 1}"), 400, "unknown-field"),
        ("POST", "/v1/tenants", json("{\"name\": 1}"), 400, "invalid-value"),
        ("POST", "/v1/tenants", json("{}"), 400, "invalid-value"),
        ("POST", "/v1/tenants", json("{\"name\": \"../a\"}"), 400, "invalid-value"),
        ("POST", "/v1/tenants", json("{\"name\": \"a\", \"hosts\": [\"a b\"]}"), 400, "invalid-value"),
        ("POST", "/v1/tenants", Payload::of("text/plain", "{\"name\": \"a\"}"), 415, "unsupported-media-type"),
        ("POST", "/v1/tenants", Payload::of("application/json", vec![b' '; 65_537]), 413, "too-large"),
        ("POST", "/v1/tenants", json("{\"name\": \"default\"}"), 409, "exists"),
        ("PATCH", "/v1/tenants/default", json("{}"), 409, "declared-in-configuration"),
        ("DELETE", "/v1/tenants/default", Payload::none(), 409, "declared-in-configuration"),
        ("PUT", "/v1/tenants/default/limits", json("{}"), 409, "declared-in-configuration"),
        ("PUT", "/v1/tenants/default/limits", json("{\"colour\": 1}"), 400, "unknown-field"),
        ("PUT", "/v1/tenants/default/limits", json("{\"timers\": \"many\"}"), 400, "invalid-value"),
        ("PUT", "/v1/tenants/default/secrets/a%2fb", Payload::of("text/plain", "x"), 400, "invalid-value"),
        ("PUT", "/v1/tenants/default/secrets/a", Payload::of("text/plain", vec![0xff]), 400, "invalid-value"),
        ("PUT", "/v1/tenants/default/secrets/a", Payload::of("text/plain", vec![b'x'; 65_537]), 413, "too-large"),
        ("GET", "/v1/host?verbose=1", Payload::none(), 400, "unknown-field"),
        ("GET", "/v1/tenants/default/connections?limit=0", Payload::none(), 400, "invalid-value"),
        ("GET", "/v1/tenants/default/connections?limit=x", Payload::none(), 400, "invalid-value"),
        ("GET", "/v1/tenants/default/connections?after=x", Payload::none(), 400, "invalid-value"),
        ("GET", "/v1/audit?last=1&after=1", Payload::none(), 400, "invalid-value"),
        ("GET", "/v1/tenants/default/logs?level=loud", Payload::none(), 400, "invalid-value"),
        ("GET", "/v1/nothing", Payload::none(), 404, "not-found"),
        ("GET", "/", Payload::none(), 404, "not-found"),
        ("GET", "/v1/tenants/%ff", Payload::none(), 404, "not-found"),
        ("DELETE", "/v1/host", Payload::none(), 405, "method-not-allowed"),
        ("OPTIONS", "/v1/host", Payload::none(), 405, "method-not-allowed"),
        ("GET", "/v1/tenants/default/plugins/none", Payload::none(), 404, "not-found"),
        ("GET", "/v1/tenants/default/connections/none", Payload::none(), 404, "not-found"),
        ("POST", "/v1/tenants/default/held/x/release", Payload::none(), 404, "invalid-handle"),
        ("POST", "/v1/tenants/default/held/1/send", Payload::of("text/plain", "x"), 404, "invalid-handle"),
        ("POST", "/v1/tenants/default/held/1/send", Payload::of("text/plain", vec![0xff]), 400, "invalid-value"),
        ("POST", "/v1/tenants/default/held/1/close", json("{\"code\": 1005}"), 400, "invalid-value"),
        ("DELETE", "/v1/tenants/default/timers/x", Payload::none(), 404, "not-found"),
    ];
    for (method, path, payload, status, code) in cases {
        refused(&owner, method, path, payload, status, code).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_name_of_a_plugin_leads_nowhere_else() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-names")?.start().await?;
    let owner = host.operator()?;
    for name in ["..%2f..%2fetc%2fpasswd", "..", ".hidden", "a%00b", "a%0ab", "a%20b", "%2e%2e", &"x".repeat(64)] {
        let path = format!("/v1/tenants/default/plugins/{name}");
        let reply = owner.put(&path, Payload::wasm("x")).await?;
        assert!(matches!(reply.status, 400 | 404), "{name}: {}", reply.text);
        check_shape(&reply)?;
    }
    assert_eq!(owner.get("/v1/tenants/default/plugins").await?.with(200)?, json!({ "items": [] }));
    Ok(())
}

/// A request as it stands, and all that comes back.
async fn raw(address: std::net::SocketAddr, head: &str, body: &[u8]) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    let mut answer = Vec::new();
    within("an answer", stream.read_to_end(&mut answer)).await??;
    Ok(String::from_utf8(answer)?)
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() -> anyhow::Result<()> {
    let setup = Setup::new().operated("admin-slow")?;
    let host = setup.configured(|config| config.admin.body_timeout = Duration::from_millis(200)).start().await?;
    let owner = host.operator()?;
    let head = |path: &str, length: usize| {
        format!(
            "PUT {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/wasm\r\ncontent-length: {length}\r\n\r\n",
            owner.token()
        )
    };
    let answer = raw(owner.address(), &head("/v1/tenants/default/plugins/x", 1000), b"some").await?;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("\"timeout\""), "{answer}");

    owner.post("/v1/tenants", &json!({ "name": "small" })).await?.with(201)?;
    owner.put("/v1/tenants/small/limits", Payload::json(&json!({ "component-size": "64KiB" }))).await?.with(200)?;
    let answer = raw(owner.address(), &head("/v1/tenants/small/plugins/x", 1 << 40), b"some").await?;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("65536"), "{answer}");
    // One that does not say how much it sends is stopped when it is too much, and sees why.
    let chunked = format!(
        "PUT /v1/tenants/small/plugins/x HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ntransfer-encoding: chunked\r\n\r\n",
        owner.token()
    );
    let chunk = [format!("{:x}\r\n", 1 << 20).as_bytes(), &vec![b'x'; 1 << 20], b"\r\n"].concat();
    let answer = raw(owner.address(), &chunked, &chunk).await?;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn what_is_refused_is_in_the_audit_log_too() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-audit")?.start().await?;
    let owner = host.operator()?;
    owner.post("/v1/tenants", &json!({ "name": "shop" })).await?.with(201)?;
    let reader = owner.made("reader", Some("shop")).await?;

    assert_eq!(reader.put("/v1/tenants/shop/plugins/x", Payload::wasm("x")).await?.status, 403);
    assert_eq!(owner.put("/v1/tenants/shop/plugins/x", Payload::wasm("x")).await?.status, 422);
    owner.put("/v1/tenants/shop/secrets/key", Payload::of("text/plain", "hunter2")).await?.with(204)?;

    let log = owner.get("/v1/tenants/shop/audit").await?;
    let entries = log.with(200)?["items"].as_array().cloned().context("entries")?;
    let told: Vec<_> =
        entries.iter().map(|it| (it["who"].as_str(), it["what"].as_str(), it["outcome"].as_str())).collect();
    assert_eq!(
        told,
        [
            (Some("admin"), Some("tenant.created"), Some("ok")),
            (Some("admin"), Some("token.created"), Some("ok")),
            (Some("a reader"), Some("plugin.deployed"), Some("refused")),
            (Some("admin"), Some("plugin.deployed"), Some("refused")),
            (Some("admin"), Some("secret.put"), Some("ok")),
        ]
    );
    assert!(!log.text.contains("hunter2") && !log.text.contains(reader.token()));
    let sequence = |entry: &Value| entry["sequence"].as_u64();
    let page = owner.get("/v1/audit?limit=2").await?.with(200)?;
    let next = page["next"].as_str().context("there are more")?;
    let rest = owner.get(&format!("/v1/audit?after={next}")).await?.with(200)?;
    assert_eq!(sequence(&rest["items"][0]), sequence(&page["items"][1]).map(|last| last + 1));
    let last = owner.get("/v1/audit?last=1").await?.with(200)?;
    assert_eq!(last["items"][0]["what"], "secret.put");
    assert_eq!(last["items"].as_array().map(Vec::len), Some(1));
    // A new tenant of an old name sees nothing of the old one.
    owner.delete("/v1/tenants/shop").await?.with(204)?;
    assert_eq!(reader.get("/v1/tenants/shop").await?.code(), "bad-token");
    owner.post("/v1/tenants", &json!({ "name": "shop" })).await?.with(201)?;
    let log = owner.get("/v1/tenants/shop/audit").await?.with(200)?;
    assert_eq!(log["items"].as_array().map(Vec::len), Some(1), "{log}");
    assert_eq!(owner.get("/v1/tenants/shop/secrets").await?.with(200)?, json!({ "items": [] }));
    Ok(())
}
