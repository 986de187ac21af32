//! Keys that are somewhere else: they change while the host runs, and what is there may be no keys.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use holdline::app::StartError;
use holdline::plugin::{DeployError, LoadError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::signer::{RSA_PUBLIC, Signer};
use super::{ada, plugin, status};
use crate::harness::{Host, PUPPET, Served, Setup, folder, handshake, request, within};

fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// Waits until a token is answered so: files are read again after a second.
async fn answered(host: &Host, path: &str, token: &str, wanted: u16) -> anyhow::Result<()> {
    let answers = async {
        while status(host, path, token).await? != wanted {}
        anyhow::Ok(())
    };
    within("the answer", answers).await?
}

/// A server of a set of keys, which can be changed, and how often it was asked.
#[derive(Clone, Default)]
struct Issuer(Arc<Mutex<(String, usize)>>);

impl Issuer {
    async fn start(&self) -> anyhow::Result<SocketAddr> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let Self(answer) = self.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { break };
                    head.push(byte);
                }
                let body = {
                    let mut answer = answer.lock().unwrap_or_else(PoisonError::into_inner);
                    answer.1 += 1;
                    answer.0.clone()
                };
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                let _gone = stream.write_all(format!("{head}{body}").as_bytes()).await;
                let _gone = stream.shutdown().await;
            }
        });
        Ok(address)
    }

    fn answers(&self, text: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = text;
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

#[tokio::test]
async fn a_file_of_keys_can_change() -> anyhow::Result<()> {
    let folder = folder("jwt-file")?;
    let (old, new, claims) = (Signer::ed25519()?, Signer::p256()?, ada()?);
    std::fs::write(folder.join("keys.json"), set(&[old.jwk("old")?]))?;
    let jwt = plugin(PUPPET, "jwt-file", "jwks = \"keys.json\"", Some(&folder))?;
    let host = Setup::new().source(jwt).start().await?;
    let (old, new) = (old.token("old", &claims)?, (new.token("new", &claims)?, new.jwk("new")?));
    assert_eq!(status(&host, "/jwt-file", &old).await?, 101);
    assert_eq!(status(&host, "/jwt-file", &new.0).await?, 401);

    // What is no set takes nothing away.
    std::fs::write(folder.join("keys.json"), "half of a s")?;
    assert_eq!(status(&host, "/jwt-file", &old).await?, 101);
    std::fs::write(folder.join("keys.json"), set(&[new.1]))?;
    answered(&host, "/jwt-file", &new.0, 101).await?;
    answered(&host, "/jwt-file", &old, 401).await
}

#[tokio::test]
async fn an_operator_says_it_in_the_configuration() -> anyhow::Result<()> {
    let folder = folder("jwt-serve")?;
    let signer = Signer::p256()?;
    std::fs::write(folder.join("keys.json"), set(&[signer.jwk("one")?]))?;
    std::fs::write(folder.join("guest.wasm"), PUPPET.component()?)?;
    let text = "[listen]\naddress = \"127.0.0.1:0\"\n[store]\nfolder = false\n\
        [[plugin]]\nsource = \"guest.wasm\"\nroute = \"/guest\"\norigins = [\"https://app.example\"]\n\
        [plugin.jwt]\njwks = \"keys.json\"\n";
    let file = folder.join("holdline.toml");
    std::fs::write(&file, text)?;
    let served = Served::start(&["serve", "--config", file.to_str().context("a path")?]).await?;
    let bearer = format!("Bearer {}", signer.token("one", &ada()?)?);

    for (origin, token, status) in [
        ("https://app.example", &*bearer, 101),
        ("https://app.example", "Bearer a.b.c", 401),
        ("https://evil.example", &*bearer, 403),
    ] {
        let headers = [&handshake()[..], &[("origin", origin), ("authorization", token)]].concat();
        assert_eq!(request(served.address(), "/guest", &headers).await?.status, status, "{origin} {token}");
    }
    assert_eq!(served.terminate().await?, Some(0));
    Ok(())
}

#[tokio::test]
async fn a_file_in_pem_is_one_too() -> anyhow::Result<()> {
    let folder = folder("jwt-pem")?;
    let other = Signer::ed25519()?;
    std::fs::write(folder.join("keys.pem"), format!("{RSA_PUBLIC}{}", other.pem()?))?;
    let jwt = plugin(PUPPET, "jwt-pem", "public-keys = \"keys.pem\"", Some(&folder))?;
    let host = Setup::new().source(jwt).start().await?;

    for signer in [Signer::rsa()?, other] {
        assert_eq!(status(&host, "/jwt-pem", &signer.token("any", &ada()?)?).await?, 101);
    }
    Ok(())
}

#[tokio::test]
async fn keys_at_a_url_are_asked_for_when_a_token_names_a_new_one() -> anyhow::Result<()> {
    let (issuer, folder) = (Issuer::default(), folder("jwt-url")?);
    let (one, two, claims) = (Signer::rsa()?, Signer::ed25519()?, ada()?);
    issuer.answers(set(&[one.jwk("one")?]));
    let url = format!("jwks = \"http://{}/keys\"", issuer.start().await?);
    let host = Setup::new().source(plugin(PUPPET, "jwt-url", &url, Some(&folder))?).start().await?;
    assert_eq!(issuer.asked(), 0, "nobody needed them yet");

    for _ in 0..3 {
        assert_eq!(status(&host, "/jwt-url", &one.token("one", &claims)?).await?, 101);
    }
    assert_eq!(issuer.asked(), 1);
    issuer.answers(set(&[one.jwk("one")?, two.jwk("two")?]));
    assert_eq!(status(&host, "/jwt-url", &two.token("two", &claims)?).await?, 101);
    assert_eq!(status(&host, "/jwt-url", &one.token("one", &claims)?).await?, 101);
    assert_eq!(issuer.asked(), 2);

    // Once it has been found that there is nothing new it is not asked again for a while.
    for name in ["three", "four", "five"] {
        assert_eq!(status(&host, "/jwt-url", &two.token(name, &claims)?).await?, 401);
    }
    assert_eq!(issuer.asked(), 3);
    Ok(())
}

#[tokio::test]
async fn without_an_answer_nobody_is_let_in_and_nobody_is_blamed() -> anyhow::Result<()> {
    let (issuer, folder) = (Issuer::default(), folder("jwt-silent")?);
    issuer.answers("no keys".to_owned());
    let url = format!("jwks = \"http://{}/keys\"", issuer.start().await?);
    let host = Setup::new().source(plugin(PUPPET, "jwt-silent", &url, Some(&folder))?).start().await?;

    for _ in 0..2 {
        assert_eq!(status(&host, "/jwt-silent", &Signer::rsa()?.token("one", &ada()?)?).await?, 503);
    }
    assert_eq!(issuer.asked(), 1);
    Ok(())
}

#[tokio::test]
async fn settings_that_could_let_nobody_in_are_refused() -> anyhow::Result<()> {
    let folder = folder("jwt-wrong")?;
    std::fs::write(folder.join("empty.json"), "{\"keys\": []}")?;
    for (jwt, operator, why) in [
        ("", true, "one of `secret`"),
        ("secret = \"key\"\njwks = \"keys.json\"", true, "one of `secret`"),
        ("secret = \"key\"\nfrom = []", true, "`from`"),
        ("jwks = \"missing.json\"", true, "cannot be read from"),
        ("jwks = \"empty.json\"", true, "no key for RS256"),
        ("public-keys = \"empty.json\"", true, "PEM"),
        ("public-keys = \"-----BEGIN PUBLIC KEY-----\"", false, "PEM"),
        ("jwks = \"http://id.example/keys\"", true, "no URL"),
        ("jwks = \"ftp://127.0.0.1/keys\"", true, "no URL"),
        // What whoever deploys a plugin could otherwise look at.
        ("jwks = \"/etc/passwd\"", false, "holdline.toml only"),
        ("public-keys = \"keys.pem\"", false, "holdline.toml only"),
        ("jwks = \"http://127.0.0.1:9090/keys\"", false, "no URL"),
        ("jwks = \"https://10.0.0.1/keys\"", false, "no URL"),
        ("jwks = \"https://localhost/keys\"", false, "no URL"),
        ("jwks = \"https://[::1]/keys\"", false, "no URL"),
    ] {
        let source = plugin(PUPPET, "jwt-wrong", jwt, operator.then_some(&*folder))?;
        let error = Setup::new().source(source).refusal().await?;
        let text = holdline::telemetry::chain(&error);
        assert!(text.contains(why), "{jwt}: {text}");
        assert!(matches!(error, StartError::Deploy(DeployError::Load(LoadError::Jwt { .. }))), "{jwt}: {text}");
    }
    Ok(())
}
