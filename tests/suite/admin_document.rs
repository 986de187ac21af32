//! Whether the host answers what the document of its admin API promises: every field that is required, and none that is not there.

use anyhow::{Context, bail, ensure};
use holdline::plugin::embed;
use serde_json::{Value, json};

use crate::harness::{COUNTER, Operator, PUPPET, Payload, Setup};

/// The document as a judge.
struct Judge(Value);

impl Judge {
    /// Checks an answer of an operation against the schema of its status.
    fn check(&self, method: &str, path: &str, status: u16, body: &Value) -> anyhow::Result<()> {
        let place = format!("/paths/{}/{method}/responses/{status}", path.replace('~', "~0").replace('/', "~1"));
        let response =
            self.resolved(self.0.pointer(&place).with_context(|| format!("no {status} for {method} {path}"))?)?;
        let schema = response.pointer("/content/application~1json/schema");
        match schema {
            Some(schema) => self.fits(schema, body).with_context(|| format!("{method} {path}: {body}")),
            None => {
                ensure!(body.is_null(), "{method} {path} has a body: {body}");
                Ok(())
            }
        }
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> anyhow::Result<&'a Value> {
        match value.get("$ref").and_then(Value::as_str) {
            Some(place) => self.0.pointer(place.trim_start_matches('#')).with_context(|| format!("no {place}")),
            None => Ok(value),
        }
    }

    fn fits(&self, schema: &Value, value: &Value) -> anyhow::Result<()> {
        let schema = self.resolved(schema)?;
        if let Some(allowed) = schema.get("enum").and_then(Value::as_array) {
            ensure!(allowed.contains(value), "{value} is none of {allowed:?}");
        }
        if let Some(wanted) = schema.get("type") {
            let is = |name: &str| match name {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "integer" => value.is_u64() || value.is_i64(),
                "number" => value.is_number(),
                "boolean" => value.is_boolean(),
                _ => value.is_null(),
            };
            let names: Vec<&str> = wanted.as_str().into_iter().chain(texts(wanted)).collect();
            ensure!(names.iter().any(|name| is(name)), "{value} is none of {names:?}");
        }
        for item in value.as_array().into_iter().flatten() {
            self.fits(schema.get("items").context("nothing is said of the items")?, item)?;
        }
        let Some(fields) = value.as_object() else { return Ok(()) };
        for key in schema.get("required").into_iter().flat_map(texts) {
            ensure!(fields.contains_key(key), "`{key}` is missing");
        }
        for (key, field) in fields {
            let known = schema.get("properties").and_then(|all| all.get(key));
            match known.or(schema.get("additionalProperties").filter(|it| it.is_object())) {
                Some(schema) => self.fits(schema, field).with_context(|| format!("in `{key}`"))?,
                None => bail!("`{key}` is not in the document"),
            }
        }
        Ok(())
    }
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

async fn judged(
    judge: &Judge,
    operator: &Operator,
    (method, template, path): (&str, &str, &str),
    payload: Payload,
) -> anyhow::Result<Value> {
    let reply = operator.ask(&method.to_uppercase(), path, payload).await?;
    let body = if reply.text.is_empty() { Value::Null } else { reply.json()? };
    judge.check(method, template, reply.status, &body)?;
    Ok(body)
}

#[tokio::test]
async fn every_answer_is_what_the_document_promises() -> anyhow::Result<()> {
    let judge = Judge(serde_json::from_str(holdline::admin::DOCUMENT)?);
    let host = Setup::new().operated("admin-judged")?.guest(PUPPET, "judged", "")?.start().await?;
    let owner = host.operator()?;
    let mut client = host.connect("/judged").await?;
    client.get(json!({"do": "open", "channel": "work", "capacity": 3})).await?;
    client.get(json!({"do": "timer", "when": {"every-ms": 3_600_000}, "payload": []})).await?;
    client.hold().await?;
    let variant =
        |number: u32| Ok::<_, anyhow::Error>(embed(&COUNTER.component()?, &format!("name = \"a\"\n# {number}\n")));

    let tenant = "/v1/tenants/{tenant}";
    let plugin = "/v1/tenants/{tenant}/plugins/{plugin}";
    let json = |value: Value| Payload::json(&value);
    let changes = [
        ("post", "/v1/tenants".to_owned(), "/v1/tenants", json(json!({"name": "shop", "config": {"a": "b"}}))),
        ("patch", tenant.to_owned(), "/v1/tenants/shop", json(json!({"hosts": ["shop.example"]}))),
        ("put", format!("{tenant}/limits"), "/v1/tenants/shop/limits", json(json!({"timers": null, "memory": "1GiB"}))),
        ("put", format!("{tenant}/secrets/{{name}}"), "/v1/tenants/shop/secrets/s", Payload::of("text/plain", "x")),
        ("put", plugin.to_owned(), "/v1/tenants/shop/plugins/p?note=n", Payload::wasm(variant(1)?)),
        ("put", plugin.to_owned(), "/v1/tenants/shop/plugins/p", Payload::wasm(variant(2)?)),
        ("put", plugin.to_owned(), "/v1/tenants/shop/plugins/p", Payload::wasm("no")),
        ("post", format!("{plugin}/rollback"), "/v1/tenants/shop/plugins/p/rollback", json(json!({}))),
        ("put", format!("{plugin}/canary"), "/v1/tenants/shop/plugins/p/canary?p99=5ms", Payload::wasm(variant(3)?)),
        ("patch", format!("{plugin}/canary"), "/v1/tenants/shop/plugins/p/canary", json(json!({"share": 50}))),
        ("post", format!("{plugin}/promote"), "/v1/tenants/shop/plugins/p/promote", Payload::none()),
        ("put", format!("{plugin}/canary"), "/v1/tenants/shop/plugins/p/canary", Payload::wasm(variant(4)?)),
        ("post", "/v1/tokens".to_owned(), "/v1/tokens", json(json!({"name": "n", "role": "reader", "tenant": "shop"}))),
    ];
    for (method, template, path, payload) in changes {
        judged(&judge, &owner, (method, &template, path), payload).await?;
    }
    let default = ["connections", "held", "channels", "timers", "audit", "usage", "limits", "plugins", "secrets"];
    for (name, own) in default.into_iter().flat_map(|list| [(list, "default"), (list, "shop")]) {
        let place = ("get", &*format!("{tenant}/{name}"), &*format!("/v1/tenants/{own}/{name}"));
        judged(&judge, &owner, place, Payload::none()).await?;
    }
    for (template, path) in [
        ("/healthz", "/healthz"),
        ("/readyz", "/readyz"),
        ("/v1/host", "/v1/host"),
        ("/v1/tenants", "/v1/tenants"),
        ("/v1/tokens", "/v1/tokens"),
        ("/v1/audit", "/v1/audit?limit=1"),
        (tenant, "/v1/tenants/shop"),
        (tenant, "/v1/tenants/none"),
        (plugin, "/v1/tenants/shop/plugins/p"),
        (&format!("{plugin}/versions"), "/v1/tenants/shop/plugins/p/versions"),
        (&format!("{plugin}/canary"), "/v1/tenants/shop/plugins/p/canary"),
        (&format!("{plugin}/versions"), "/v1/tenants/default/plugins/judged/versions"),
    ] {
        judged(&judge, &owner, ("get", template, path), Payload::none()).await?;
    }
    let list = owner.get("/v1/tenants/default/connections").await?.with(200)?;
    let id = list.pointer("/items/0/id").and_then(Value::as_str).context("a connection")?;
    let place = ("get", &*format!("{tenant}/connections/{{id}}"), &*format!("/v1/tenants/default/connections/{id}"));
    judged(&judge, &owner, place, Payload::none()).await?;
    Ok(())
}
