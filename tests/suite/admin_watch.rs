//! What a host tells of itself: whether it is ready, its metrics, and what its plugins say as they say it.

use std::collections::HashSet;

use anyhow::{Context, ensure};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::harness::{COUNTER, Operator, PUPPET, Payload, Setup, within};

/// Server-sent events, one after the other.
struct Events {
    body: Incoming,
    begun: String,
}

impl Events {
    async fn open(operator: &Operator, path: &str) -> anyhow::Result<Self> {
        let response = within("the head", operator.exchange("GET", path, Payload::none())).await??;
        ensure!(response.status() == 200, "{}", response.status());
        ensure!(response.headers()["content-type"] == "text/event-stream");
        Ok(Self { body: response.into_body(), begun: String::new() })
    }

    /// The next event whole, or nothing at the end of the stream.
    async fn next(&mut self) -> anyhow::Result<Option<String>> {
        loop {
            if let Some((event, rest)) = self.begun.split_once("\n\n") {
                let event = event.to_owned();
                self.begun = rest.to_owned();
                return Ok(Some(event));
            }
            let Some(frame) = within("an event", self.body.frame()).await? else { return Ok(None) };
            let data = frame?.into_data().ok().context("no data")?;
            self.begun.push_str(std::str::from_utf8(&data)?);
        }
    }

    /// The next line of the log.
    async fn line(&mut self) -> anyhow::Result<Value> {
        let event = self.next().await?.context("the stream has ended")?;
        Ok(serde_json::from_str(event.strip_prefix("data: ").with_context(|| format!("`{event}` is no line"))?)?)
    }
}

#[tokio::test]
async fn what_a_plugin_prints_is_followed_and_no_other_tenant_sees_it() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-logs")?.guest(PUPPET, "told", "")?.start().await?;
    let owner = host.operator()?;
    owner.post("/v1/tenants", &json!({ "name": "logs-other" })).await?.with(201)?;
    let path = "/v1/tenants/default/logs?plugin=told";
    let mut events = Events::open(&owner, path).await?;
    let mut errors = Events::open(&owner, &format!("{path}&level=warn")).await?;
    let mut client = host.connect("/told").await?;
    client.get(json!({"do": "print", "text": "first"})).await?;
    // It looks like the fields of another one, and is only a text.
    let forged = "tenant=logs-other plugin=\"bank\" {\"level\":\"error\"}";
    client.get(json!({"do": "print", "text": forged})).await?;
    client.get(json!({"do": "print-error", "text": "third"})).await?;
    let version = owner.get("/v1/tenants/default/plugins/told").await?.with(200)?["serving"].clone();
    ensure!(version.is_string());

    for text in ["first", forged, "third"] {
        let line = events.line().await?;
        assert_eq!((&line["message"], &line["plugin"]), (&json!(text), &json!("told")), "{line}");
        assert_eq!(line["version"], version, "{line}");
        assert!(line["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{line}");
    }
    assert_eq!(errors.line().await?["message"], "third");
    client.send_text(json!([{"do": "trap"}]).to_string()).await?;
    let trap = errors.line().await?;
    assert!(trap["level"] == "error" && trap["version"] == version, "{trap}");
    let mut past = Events::open(&owner, &format!("{path}&tail=3&follow=false")).await?;
    assert_eq!((&past.line().await?["message"], &past.line().await?["message"]), (&json!(forged), &json!("third")));
    assert_eq!(past.line().await?, trap);
    assert_eq!(past.next().await?, None);
    let mut other = Events::open(&owner, "/v1/tenants/logs-other/logs?tail=1000&follow=false").await?;
    assert_eq!(other.next().await?, None);
    assert_eq!(owner.get("/v1/tenants/default/logs?tail=1001").await?.code(), "invalid-value");
    Ok(())
}

#[tokio::test]
async fn what_plugins_print_in_a_second_is_in_the_usage() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-printed")?.guest(PUPPET, "printed", "")?.start().await?;
    let owner = host.operator()?;
    let mut client = host.connect("/printed").await?;
    let shown = async {
        loop {
            client.get(json!({"do": "print", "text": "a line"})).await?;
            let usage = owner.get("/v1/tenants/default/usage").await?.with(200)?;
            let items = usage["items"].as_array().context("no items")?;
            let row = items.iter().find(|it| it["key"] == "log-size-per-second").context("no such limit")?;
            if row["used"].as_u64().is_some_and(|used| used > 0) {
                return anyhow::Ok(row["unit"].clone());
            }
        }
    };
    assert_eq!(within("what is printed", shown).await??, "bytes-per-second");
    Ok(())
}

#[tokio::test]
async fn a_stream_ends_with_its_token() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-stream")?.start().await?;
    let owner = host.operator()?;
    let reader = owner.made("reader", Some("default")).await?;
    let mut events = Events::open(&reader, "/v1/tenants/default/logs?plugin=nobody").await?;
    owner.delete(&format!("/v1/tokens/{}", &reader.token()[..11])).await?.with(204)?;
    assert_eq!(events.next().await?, None);
    Ok(())
}

#[tokio::test]
async fn a_host_says_whether_it_is_ready_and_a_drain_still_delivers() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-ready")?.guest(PUPPET, "draining", "")?.start().await?;
    let owner = host.operator()?;
    let nobody = owner.with(None);
    assert_eq!(nobody.get("/healthz").await?.with(200)?, json!({ "status": "ok" }));
    assert_eq!(nobody.get("/readyz").await?.with(200)?, json!({ "status": "ready" }));
    let told = owner.get("/v1/host").await?.with(200)?;
    assert_eq!((&told["state"], &told["plugins"], &told["tenants"]), (&json!("ready"), &json!(1), &json!(1)), "{told}");
    assert!(told["resident-bytes"].as_u64() > Some(1 << 20), "{told}");

    let mut client = host.connect("/draining").await?;
    let handle = client.hold().await?;
    let stopping = tokio::spawn(host.stop());
    let drains = async {
        while nobody.get("/readyz").await?.status != 503 {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    within("the drain", drains).await??;
    assert_eq!(nobody.get("/readyz").await?.with(503)?, json!({ "status": "draining" }));
    nobody.get("/healthz").await?.with(200)?;
    let late = owner.put("/v1/tenants/default/plugins/late", Payload::wasm(COUNTER.component()?)).await?;
    assert_eq!((late.status, late.code().as_str()), (503, "draining"));
    let send = format!("/v1/tenants/default/held/{handle}/send");
    owner.ask("POST", &send, Payload::of("text/plain", "in time")).await?.with(202)?;
    assert_eq!(client.text().await?, "in time");
    assert_eq!(client.closed().await?.0, 1001);
    within("the stop", stopping).await??;
    assert!(nobody.get("/healthz").await.is_err(), "nobody listens any more");
    Ok(())
}

/// The samples of a page in the text format 0.0.4: each is of the family above it, has a number, and is there once.
fn samples(page: &str) -> anyhow::Result<Vec<(String, f64)>> {
    let (mut family, mut families, mut found) = (String::new(), HashSet::new(), Vec::new());
    ensure!(page.ends_with('\n'));
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            family = rest.split(' ').next().unwrap_or_default().to_owned();
            ensure!(families.insert(family.clone()), "{family} is there twice");
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').context("a type")?;
            ensure!(name == family && matches!(kind, "counter" | "gauge"), "{line}");
            ensure!((kind == "counter") == name.ends_with("_total"), "{line}");
            continue;
        }
        let (series, number) = line.rsplit_once(' ').with_context(|| format!("`{line}` has no number"))?;
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        ensure!(name == family, "{line} is not of {family}");
        ensure!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
        check_labels(labels).with_context(|| line.to_owned())?;
        found.push((series.to_owned(), number.parse()?));
    }
    let once: HashSet<_> = found.iter().map(|(series, _)| series).collect();
    ensure!(once.len() == found.len(), "a series is there twice");
    Ok(found)
}

fn check_labels(labels: &str) -> anyhow::Result<()> {
    let mut rest = labels.strip_suffix('}').context("no end")?;
    while !rest.is_empty() {
        let (label, value) = rest.split_once("=\"").context("no value")?;
        ensure!(label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{label}");
        let mut escaped = false;
        let end = value.find(|char| {
            let ends = char == '"' && !escaped;
            escaped = char == '\\' && !escaped;
            ends
        });
        rest = &value[end.context("a value has no end")? + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    Ok(())
}

#[tokio::test]
async fn metrics_are_what_prometheus_reads_and_name_the_limits() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-metrics")?.guest(PUPPET, "say \"what\"\\", "")?.at(Some("/measured"));
    let host = host.start().await?;
    let owner = host.operator()?;
    owner.post("/v1/tenants", &json!({ "name": "shop" })).await?.with(201)?;
    owner.put("/v1/tenants/shop/limits", Payload::json(&json!({ "plugins": 0 }))).await?.with(200)?;
    let refused = owner.put("/v1/tenants/shop/plugins/x", Payload::wasm(COUNTER.component()?)).await?;
    assert_eq!(refused.code(), "quota-exceeded");
    let mut client = host.connect("/measured").await?;
    client.get(json!({"do": "attachment"})).await?;

    let page = owner.get("/metrics").await?;
    assert_eq!(page.status, 200);
    let samples = samples(&page.text)?;
    let value = |series: &str| samples.iter().find(|(it, _)| it == series).map(|(_, value)| *value);
    assert_eq!(value("holdline_connections"), Some(1.0));
    assert_eq!(value("holdline_tenant_used{tenant=\"default\",limit=\"connections\"}"), Some(1.0));
    assert_eq!(value("holdline_tenant_limit{tenant=\"shop\",limit=\"plugins\"}"), Some(0.0));
    assert_eq!(value("holdline_tenant_refusals_total{tenant=\"shop\",limit=\"plugins\"}"), Some(1.0));
    assert_eq!(value("holdline_tenant_messages_in_total{tenant=\"default\"}"), Some(1.0));
    let plugin = "tenant=\"default\",plugin=\"say \\\"what\\\"\\\\\"";
    assert_eq!(value(&format!("holdline_plugin_messages_out_total{{{plugin}}}")), Some(1.0));
    assert!(value(&format!("holdline_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))) == Some(1.0));
    Ok(())
}
