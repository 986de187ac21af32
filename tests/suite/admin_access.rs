//! Who is let into the admin API: tokens, roles, and what belongs to others.

use anyhow::Context;
use serde_json::{Value, json};

use crate::harness::{Operator, Payload, Setup};

/// An operation of the document: method, path with parameters filled in, action, and whether it is the host's matter.
struct Operation {
    method: String,
    path: String,
    action: Option<String>,
    of_host: bool,
}

fn operations(tenant: &str) -> anyhow::Result<Vec<Operation>> {
    let document: Value = serde_json::from_str(holdline::admin::DOCUMENT)?;
    let mut operations = Vec::new();
    for (path, item) in document.get("paths").and_then(Value::as_object).context("paths")? {
        let path = path.replace("{tenant}", tenant).replace("{plugin}", "none").replace("{name}", "none");
        let path = path.replace("{id}", "1").replace("{handle}", "1");
        for (method, operation) in item.as_object().context("an item")?.iter().filter(|(key, _)| *key != "parameters") {
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                action: operation["x-action"].as_str().map(str::to_owned),
                of_host: operation["x-scope"] == "host",
            });
        }
    }
    Ok(operations)
}

async fn ask(operator: &Operator, operation: &Operation) -> anyhow::Result<crate::harness::Reply> {
    // A stream would not end.
    let end = if operation.path.ends_with("/logs") { "?follow=false" } else { "" };
    operator.ask(&operation.method, &format!("{}{end}", operation.path), Payload::none()).await
}

#[tokio::test]
async fn every_operation_of_the_document_is_served_and_no_other() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-document")?.start().await?;
    let nobody = host.operator()?.with(None);

    let operations = operations("default")?;
    for operation in &operations {
        let reply = ask(&nobody, operation).await?;
        let wanted = if operation.action.is_some() { 401 } else { 200 };
        assert_eq!(reply.status, wanted, "{} {}: {}", operation.method, operation.path, reply.text);
        for method in ["GET", "PUT", "POST", "PATCH", "DELETE"] {
            if !operations.iter().any(|other| other.path == operation.path && other.method == method) {
                let reply = nobody.ask(method, &operation.path, Payload::none()).await?;
                assert_eq!(
                    (reply.status, reply.code().as_str()),
                    (405, "method-not-allowed"),
                    "{method} {}",
                    operation.path
                );
            }
        }
    }

    let document: Value = serde_json::from_str(holdline::admin::DOCUMENT)?;
    let source = include_str!("../../host/src/admin/paths.rs");
    let quoted = source.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/') && !text.contains("{{"));
    let mut served: Vec<String> = quoted
        .map(|path| match source.contains(&format!("route(\"{path}\"")) {
            true => path.to_owned(),
            false => format!("/v1/tenants/{{tenant}}{path}"),
        })
        .chain(["/v1/tenants/{tenant}".to_owned()])
        .collect();
    served.sort();
    let mut written: Vec<String> = document["paths"].as_object().context("paths")?.keys().cloned().collect();
    written.sort();
    assert_eq!(served, written);
    Ok(())
}

#[tokio::test]
async fn without_a_good_token_nobody_gets_in() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-no-token")?.start().await?;
    let owner = host.operator()?;

    for (token, code) in [
        (None, "no-token"),
        (Some(""), "bad-token"),
        (Some("hl_"), "bad-token"),
        (Some("hl_0123456789012345678901234567890123456789012"), "bad-token"),
        (Some(&owner.token()[..20]), "bad-token"),
    ] {
        let reply = owner.with(token).get("/v1/host").await?;
        assert_eq!((reply.status, reply.code().as_str()), (401, code), "{token:?}");
        assert!(!reply.text.contains(&owner.token()[..20]));
    }
    let mut other = owner.token().to_owned();
    other.pop();
    other.push(if owner.token().ends_with('a') { 'b' } else { 'a' });
    assert_eq!(owner.with(Some(&other)).get("/v1/host").await?.code(), "bad-token");
    owner.get("/v1/host").await?.with(200)?;
    Ok(())
}

#[tokio::test]
async fn every_role_may_what_its_table_says_and_nothing_else() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-roles")?.start().await?;
    let owner = host.operator()?;
    let table = [
        ("owner", &["read", "deploy", "deliver", "manage"][..]),
        ("deployer", &["read", "deploy"]),
        ("reader", &["read"]),
        ("deliverer", &["deliver"]),
    ];
    for (role, may) in table {
        let operator = owner.made(role, None).await?;
        for operation in operations("default")? {
            let Some(action) = &operation.action else { continue };
            let reply = ask(&operator, &operation).await?;
            let place = format!("{role}: {} {}: {}", operation.method, operation.path, reply.text);
            if may.contains(&action.as_str()) {
                assert!(!matches!(reply.status, 401 | 403 | 405) && reply.status < 500, "{place}");
            } else {
                assert_eq!((reply.status, reply.code().as_str()), (403, "role"), "{place}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_another_tenants_is_as_if_it_were_not_there() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-tenants")?.start().await?;
    let first = host.operator()?;
    for name in ["shop", "bank"] {
        first.post("/v1/tenants", &json!({ "name": name })).await?.with(201)?;
    }
    first.put("/v1/tenants/bank/secrets/none", Payload::of("text/plain", "hunter2")).await?.with(204)?;

    for role in ["owner", "deployer", "reader", "deliverer"] {
        let operator = first.made(role, Some("shop")).await?;
        for (theirs, nobodys) in operations("bank")?.iter().zip(operations("nobody")?) {
            if !theirs.path.contains("/bank") {
                continue;
            }
            let reply = ask(&operator, theirs).await?;
            assert_eq!(
                (reply.status, reply.code().as_str()),
                (404, "not-found"),
                "{role} {} {}",
                theirs.method,
                theirs.path
            );
            assert_eq!(reply, ask(&operator, &nobodys).await?, "{role} {} {}", theirs.method, theirs.path);
        }
        for operation in operations("shop")?.iter().filter(|operation| operation.of_host) {
            let reply = ask(&operator, operation).await?;
            assert_eq!(
                (reply.status, reply.code().as_str()),
                (403, "scope"),
                "{role} {} {}",
                operation.method,
                operation.path
            );
        }
    }
    let owner = first.made("owner", Some("shop")).await?;
    let seen = owner.get("/v1/tenants").await?.with(200)?;
    assert_eq!(seen["items"].as_array().map(Vec::len), Some(1), "{seen}");
    let tokens = owner.get("/v1/tokens").await?.with(200)?;
    assert!(tokens["items"].as_array().context("tokens")?.iter().all(|token| token["tenant"] == "shop"), "{tokens}");
    let elsewhere = json!({ "name": "x", "role": "reader", "tenant": "bank" });
    assert_eq!(owner.post("/v1/tokens", &elsewhere).await?.code(), "not-found");
    let id = &first.token()[..11];
    assert_eq!(owner.delete(&format!("/v1/tokens/{id}")).await?.code(), "not-found");
    Ok(())
}

#[tokio::test]
async fn a_deleted_token_is_no_longer_good_and_the_last_owner_stays() -> anyhow::Result<()> {
    let host = Setup::new().operated("admin-tokens")?.start().await?;
    let first = host.operator()?;

    let reader = first.made("reader", None).await?;
    reader.get("/v1/host").await?.with(200)?;
    first.delete(&format!("/v1/tokens/{}", &reader.token()[..11])).await?.with(204)?;
    assert_eq!(reader.get("/v1/host").await?.code(), "bad-token");

    let own = format!("/v1/tokens/{}", &first.token()[..11]);
    assert_eq!(first.delete(&own).await?.code(), "last-owner");
    let second = first.made("owner", None).await?;
    second.delete(&own).await?.with(204)?;
    assert_eq!(first.get("/v1/host").await?.code(), "bad-token");

    for bad in [
        json!({"name": "", "role": "reader"}),
        json!({"name": "x", "role": "reader", "expires": "2001-01-01T00:00:00Z"}),
    ] {
        assert_eq!(second.post("/v1/tokens", &bad).await?.code(), "invalid-value", "{bad}");
    }
    let text = second.get("/v1/tokens").await?.text;
    assert!(!text.contains(second.token()) && !text.contains("hash"), "{text}");
    Ok(())
}
