//! Who may connect with a token: each way to sign one, each place for it, keys that change, and all that is refused.

mod keys;
mod signer;

use std::path::Path;
use std::time::SystemTime;

use anyhow::Context;
use holdline::gate::Reason;
use holdline::guest::v1::Secret;
use holdline::plugin::{Deployment, Manifest};
use holdline::tenant::TenantName;
use serde_json::{Value, json};

use crate::harness::{Answer, GATE, Guest, Host, PUPPET, Setup, handshake, logged, request};
use signer::{RSA_PUBLIC, Signer};

const SECRET: &str = "a secret of thirty-two bytes, or more";

/// A plugin whose clients bring tokens; with a folder its settings are those of whoever operates the host.
fn plugin(guest: Guest, name: &str, jwt: &str, operator: Option<&Path>) -> anyhow::Result<Deployment> {
    let mut manifest = Manifest::parse(&format!("name = {name:?}\n[jwt]\n{jwt}"), name)?;
    if let Some(folder) = operator {
        manifest.jwt = manifest.jwt.map(|jwt| jwt.of_operator(folder));
    }
    let route = Some(format!("/{name}"));
    Ok(Deployment { manifest, component: guest.component()?, route, tenant: TenantName::default() })
}

async fn host(name: &str, jwt: &str) -> anyhow::Result<Host> {
    let setup = Setup::new().configured(|config| {
        config.secrets.insert("key".to_owned(), Secret::new(SECRET.to_owned()));
        config.secrets.insert("short".to_owned(), Secret::new("short".to_owned()));
    });
    setup.source(plugin(PUPPET, name, jwt, None)?).start().await
}

fn now() -> anyhow::Result<u64> {
    Ok(SystemTime::UNIX_EPOCH.elapsed()?.as_secs())
}

/// Claims of a token that is good for a minute.
fn ada() -> anyhow::Result<Value> {
    Ok(json!({"sub": "ada", "exp": now()? + 60}))
}

/// What a client with this token is answered.
async fn answer(host: &Host, path: &str, token: &str) -> anyhow::Result<Answer> {
    let bearer = format!("Bearer {token}");
    let headers = [&handshake()[..], &[("authorization", &*bearer)]].concat();
    request(host.address(), path, &headers).await
}

async fn status(host: &Host, path: &str, token: &str) -> anyhow::Result<u16> {
    Ok(answer(host, path, token).await?.status)
}

/// The value of a header as the plugin has it.
async fn seen(host: &Host, path: &str, headers: &[(&str, &str)], name: &str) -> anyhow::Result<Option<String>> {
    let mut client = host.connect_with(path, headers).await?;
    let told = client.get(json!({"do": "describe"})).await?;
    let fields = told.get("headers").and_then(Value::as_array).context("headers")?;
    let field = fields.iter().find(|field| field.get(0) == Some(&json!(name)));
    Ok(field.and_then(|field| field.get(1)?.as_str()).map(str::to_owned))
}

#[tokio::test]
async fn each_way_to_sign_lets_its_own_in_and_nobody_else() -> anyhow::Result<()> {
    let claims = ada()?;
    for (name, signer, stranger) in [
        ("jwt-hs256", Signer::secret(SECRET), Signer::secret("another secret of thirty-two bytes")),
        ("jwt-rs256", Signer::rsa()?, Signer::p256()?),
        ("jwt-es256", Signer::p256()?, Signer::p256()?),
        ("jwt-eddsa", Signer::ed25519()?, Signer::ed25519()?),
    ] {
        let keys = match &signer {
            Signer::Secret(_) => "secret = \"key\"".to_owned(),
            _ => format!("public-keys = '''{}'''", signer.pem()?),
        };
        let host = host(name, &keys).await?;
        let path = format!("/{name}");
        let token = signer.token("any", &claims)?;

        assert_eq!(status(&host, &path, &token).await?, 101, "{name}");
        assert_eq!(status(&host, &path, &stranger.token("any", &claims)?).await?, 401, "{name}: a stranger");
        let other = signer.token("any", &json!({"sub": "eve", "exp": now()? + 60}))?;
        let claimed = other.split('.').nth(1).context("claims")?;
        let forged: Vec<_> =
            token.split('.').enumerate().map(|(at, part)| if at == 1 { claimed } else { part }).collect();
        assert_eq!(status(&host, &path, &forged.join(".")).await?, 401, "{name}: changed");
        assert_eq!(host.refused(Reason::Jwt), 2, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_token_cannot_choose_how_it_is_checked() -> anyhow::Result<()> {
    let host = host("jwt-confused", &format!("public-keys = '''{RSA_PUBLIC}'''")).await?;
    let claims = ada()?;
    let unsigned = Signer::secret(SECRET).token_with(&json!({"alg": "none"}), &claims)?;
    let (unsigned, _) = unsigned.rsplit_once('.').context("a signature")?;

    for token in [
        // The text of a public key is known to everybody.
        Signer::secret(RSA_PUBLIC).token("any", &claims)?,
        Signer::secret(RSA_PUBLIC.trim()).token("any", &claims)?,
        Signer::rsa()?.token_with(&json!({"alg": "HS256"}), &claims)?,
        Signer::rsa()?.token_with(&json!({"alg": "RS256", "crit": ["exp"], "exp": 0}), &claims)?,
        format!("{unsigned}."),
        unsigned.to_owned(),
    ] {
        assert_eq!(status(&host, "/jwt-confused", &token).await?, 401, "{token}");
    }
    assert_eq!(status(&host, "/jwt-confused", &Signer::rsa()?.token("any", &claims)?).await?, 101);
    Ok(())
}

#[tokio::test]
async fn a_refusal_says_why_to_the_log_alone() -> anyhow::Result<()> {
    let host = host("jwt-refused", "secret = \"key\"").await?;

    let missing = request(host.address(), "/jwt-refused", &handshake()).await?;
    assert_eq!((missing.status, missing.body.as_str()), (401, "not authorized\n"));
    assert_eq!(missing.header("www-authenticate"), Some("Bearer"));
    logged("jwt-refused", "it has no token").await?;

    let late = Signer::secret(SECRET).token("any", &json!({"exp": now()? - 60}))?;
    let late = answer(&host, "/jwt-refused", &late).await?;
    assert_eq!((late.status, late.body.as_str()), (401, "not authorized\n"));
    assert_eq!(late.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    assert_eq!((host.refused(Reason::Jwt), host.hub().connection_count()), (2, 0));
    Ok(())
}

#[tokio::test]
async fn a_token_that_cannot_be_checked_is_nobodys_fault() -> anyhow::Result<()> {
    for (name, secret) in [("jwt-short", "short"), ("jwt-none", "nowhere")] {
        let host = host(name, &format!("secret = {secret:?}")).await?;
        let token = Signer::secret(SECRET).token("any", &ada()?)?;
        assert_eq!(status(&host, &format!("/{name}"), &token).await?, 503, "{name}");
        logged(name, "there are no keys to check its token with").await?;
    }
    Ok(())
}

#[tokio::test]
async fn claims_reach_the_plugin_and_nobody_can_make_them_up() -> anyhow::Result<()> {
    let setup = Setup::new().configured(|config| {
        config.secrets.insert("key".to_owned(), Secret::new(SECRET.to_owned()));
    });
    let setup = setup.source(plugin(PUPPET, "jwt-claims", "secret = \"key\"", None)?);
    let host = setup.guest(PUPPET, "no-claims", "")?.start().await?;
    let claims = json!({"sub": "ada", "exp": now()? + 60, "name": "Zoë", "roles": ["a", "b"]});
    let bearer = format!("Bearer {}", Signer::secret(SECRET).token("any", &claims)?);
    let forged = ("holdline-claims", r#"{"sub": "eve"}"#);

    let headers = [("authorization", &*bearer), forged];
    let told = seen(&host, "/jwt-claims", &headers, "holdline-claims").await?.context("claims")?;
    assert_eq!(serde_json::from_str::<Value>(&told)?, claims);
    assert_eq!(seen(&host, "/no-claims", &[forged], "holdline-claims").await?, None);
    Ok(())
}

#[tokio::test]
async fn a_browser_brings_it_as_a_subprotocol() -> anyhow::Result<()> {
    let jwt = "secret = \"key\"\nfrom = [\"subprotocol\"]";
    let host = host("jwt-browser", jwt).await?;
    let token = Signer::secret(SECRET).token("any", &ada()?)?;

    let offered = format!("bearer, bearer.{token}");
    let client = host.connect_with("/jwt-browser", &[("sec-websocket-protocol", &offered)]).await?;
    assert_eq!(client.subprotocol(), Some("bearer"));
    let offered = format!("bearer.{token}, chat");
    let client = host.connect_with("/jwt-browser", &[("sec-websocket-protocol", &offered)]).await?;
    assert_eq!(client.subprotocol(), None);
    assert_eq!(status(&host, "/jwt-browser", &token).await?, 401, "a header is not looked at");
    Ok(())
}

#[tokio::test]
async fn a_plugin_picks_among_the_others() -> anyhow::Result<()> {
    let setup = Setup::new().configured(|config| {
        config.secrets.insert("key".to_owned(), Secret::new(SECRET.to_owned()));
    });
    let jwt = "secret = \"key\"\nfrom = [\"subprotocol\"]";
    let host = setup.source(plugin(GATE, "jwt-picked", jwt, None)?).start().await?;
    let token = Signer::secret(SECRET).token("any", &ada()?)?;

    // It picks the second of those that it sees.
    let offered = format!("bearer, bearer.{token}, chat");
    let client = host.connect_with("/jwt-picked", &[("sec-websocket-protocol", &offered)]).await?;
    assert_eq!(client.subprotocol(), Some("chat"));
    Ok(())
}

#[tokio::test]
async fn a_cookie_or_the_query_can_carry_it() -> anyhow::Result<()> {
    let jwt = "secret = \"key\"\nfrom = [\"cookie:session\", \"query:token\"]";
    let host = host("jwt-carried", jwt).await?;
    let token = Signer::secret(SECRET).token("any", &ada()?)?;

    host.connect_with("/jwt-carried", &[("cookie", &format!("a=1; session={token}"))]).await?;
    host.connect(&format!("/jwt-carried?a=1&token={token}")).await?;
    let stranger = format!("/jwt-carried?token={token}x");
    assert_eq!(request(host.address(), &stranger, &handshake()).await?.status, 401);
    // A cookie is no token for pages of others.
    let headers = [("cookie", &*format!("session={token}")), ("origin", "https://evil.example")];
    let answer = request(host.address(), "/jwt-carried", &[&handshake()[..], &headers].concat()).await?;
    assert_eq!(answer.status, 403);
    Ok(())
}

#[tokio::test]
async fn a_connection_can_end_with_its_token() -> anyhow::Result<()> {
    let jwt = "secret = \"key\"\nfrom = [\"query:token\"]\nleeway = \"0s\"\nat-expiry = \"close\"";
    let host = host("jwt-ends", jwt).await?;
    let token = Signer::secret(SECRET).token("any", &json!({"exp": now()? + 2}))?;

    let client = host.connect(&format!("/jwt-ends?token={token}")).await?;

    assert_eq!(client.closed().await?, (1008, "token expired".to_owned()));
    assert_eq!(host.refused(Reason::AtExpiry), 1);
    assert_eq!(request(host.address(), &format!("/jwt-ends?token={token}"), &handshake()).await?.status, 401);
    Ok(())
}
