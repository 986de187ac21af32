//! A connect handler decides who may connect, and with what a connection begins.

use serde_json::json;

use crate::harness::{Answer, GATE, Host, PUPPET, Setup, case, handshake, logged, request};

async fn gate(name: &str) -> anyhow::Result<Host> {
    Setup::new().guest(GATE, name, "")?.start().await
}

/// The answer to a handshake that offers two subprotocols.
async fn answer(host: &Host, path: &str) -> anyhow::Result<Answer> {
    let mut headers = handshake();
    headers.push(("sec-websocket-protocol", "chat, superchat"));
    request(host.address(), path, &headers).await
}

#[tokio::test]
async fn a_subprotocol_and_an_attachment_are_there_from_the_start() -> anyhow::Result<()> {
    let host = gate("gate-accepts").await?;
    let headers = [("sec-websocket-protocol", "chat, superchat"), ("x-user", "ada")];

    let mut client = host.connect_with("/gate-accepts/deep%20er?color=blue&x", &headers).await?;

    assert_eq!(client.subprotocol(), Some("superchat"));
    client.send_text("what am I?").await?;
    let told = client.json().await?;
    assert_eq!(told.get("subprotocol"), Some(&json!("superchat")));
    let attachment = told.get("attachment").and_then(|it| it.as_str()).unwrap_or_default();
    assert!(attachment.starts_with("/gate-accepts/deep%20er color=blue&x ada 127.0.0.1:"), "{attachment}");
    Ok(())
}

#[tokio::test]
async fn without_an_offer_there_is_no_subprotocol() -> anyhow::Result<()> {
    let host = gate("gate-plain").await?;

    let mut client = host.connect("/gate-plain").await?;

    assert_eq!(client.subprotocol(), None);
    client.send_text("what am I?").await?;
    assert_eq!(client.json().await?.get("subprotocol"), Some(&json!(null)));
    Ok(())
}

#[tokio::test]
async fn without_a_connect_handler_everyone_may_with_no_subprotocol() -> anyhow::Result<()> {
    let host = Setup::new().guest(PUPPET, "open-house", "")?.start().await?;

    let answer = answer(&host, "/open-house").await?;
    assert_eq!(answer.status, 101);
    assert_eq!(answer.header("sec-websocket-protocol"), None);
    Ok(())
}

#[tokio::test]
async fn a_refusal_is_an_http_response_with_status_headers_and_body() -> anyhow::Result<()> {
    let host = gate("gate-refuses").await?;

    let answer = answer(&host, "/gate-refuses?refuse").await?;

    assert_eq!((answer.status, answer.body.as_str()), (403, "closed on Mondays"));
    assert_eq!(answer.header("x-reason"), Some("not today"));
    assert_eq!(answer.header("content-length"), Some("17"));
    assert_eq!(host.hub().connection_count(), 0);
    Ok(())
}

/// The client gets 500 with nothing in it; the log knows why.
async fn is_an_error_of_the_plugin(name: &str, query: &str, why: &str) -> anyhow::Result<()> {
    let host = gate(name).await?;

    let answer = answer(&host, &format!("/{name}?{query}")).await?;

    assert_eq!((answer.status, answer.body.as_str()), (500, ""));
    let line = logged(name, why).await?;
    assert!(line.contains(" version="), "{line}");
    assert_eq!(host.hub().connection_count(), 0);
    let mut next = host.connect(&format!("/{name}")).await?;
    next.send_text("and the next one?").await?;
    next.json().await?;
    Ok(())
}

#[tokio::test]
async fn a_subprotocol_that_was_not_offered_is_500() -> anyhow::Result<()> {
    is_an_error_of_the_plugin("gate-uninvited", "uninvited", "never-offered").await
}

#[tokio::test]
async fn a_refusal_with_a_status_that_refuses_nothing_is_500() -> anyhow::Result<()> {
    is_an_error_of_the_plugin("gate-redirects", "redirect", "302").await
}

#[tokio::test]
async fn a_trap_is_500() -> anyhow::Result<()> {
    is_an_error_of_the_plugin("gate-traps", "trap", "trapped").await
}

#[tokio::test]
async fn a_request_tells_how_the_client_came() -> anyhow::Result<()> {
    let host = Setup::new().guest(PUPPET, "described", "")?.start().await?;
    let headers = [("x-twice", "one"), ("x-twice", "two"), ("X-Case", "As Sent")];

    let mut client = host.connect_with("/described/a%2Fb?q=%20", &headers).await?;
    let seen = client.get(json!({"do": "describe"})).await?;

    assert_eq!(seen.get("path"), Some(&json!("/described/a%2Fb")));
    assert_eq!(seen.get("query"), Some(&json!("q=%20")));
    let sent = seen.get("headers").and_then(|it| it.as_array()).cloned().unwrap_or_default();
    let own: Vec<_> = sent.into_iter().filter(|it| it.to_string().contains("\"x-")).collect();
    assert_eq!(json!(own), json!([["x-twice", "one"], ["x-twice", "two"], ["x-case", "As Sent"]]));
    let address = seen.get("remote-address").and_then(|it| it.as_str()).unwrap_or_default();
    assert_eq!(address, client.address()?.to_string());
    Ok(())
}

#[tokio::test]
async fn an_id_is_the_same_in_all_events_and_another_for_everyone() -> anyhow::Result<()> {
    let host = Setup::new().guest(PUPPET, "named", "")?.start().await?;
    let describe = json!({"do": "describe"});
    let mut one = host.connect("/named").await?;
    let mut other = host.connect("/named").await?;

    let id = one.get(describe.clone()).await?.get("id").cloned();
    assert_eq!(one.get(describe.clone()).await?.get("id").cloned(), id);
    assert_ne!(other.get(describe).await?.get("id").cloned(), id);
    one.close(1000, "").await?;

    let id = id.unwrap_or_default().to_string();
    assert!(id.len() > 20, "{id} could be guessed");
    logged("named", &id).await?;
    Ok(())
}

#[tokio::test]
async fn an_attachment_lives_as_long_as_its_connection() -> anyhow::Result<()> {
    let host = Setup::new().guest(PUPPET, "attached", "")?.start().await?;
    let mut client = host.connect_with("/attached", &[("x-close", r#"[{"do": "attachment"}]"#)]).await?;
    let mut other = host.connect("/attached").await?;

    assert_eq!(client.get(json!({"do": "attachment"})).await?, "");
    client.get(json!({"do": "attach", "text": "mine alone"})).await?;
    assert_eq!(client.get(json!({"do": "attachment"})).await?, "mine alone");
    assert_eq!(other.get(json!({"do": "attachment"})).await?, "");
    let refused = client.ask(json!({"do": "attach-bytes", "count": 64 * 1024 + 1})).await?;
    assert_eq!(case(&refused), "TooLarge");
    client.close(1000, "").await?;

    logged("attached", r#"untold: {"report":[{"ok":"mine alone"}]}"#).await?;
    Ok(())
}
