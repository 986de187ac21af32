//! Clients that others have written, over TLS and with a token: `openssl s_client`, `curl`, Chromium, `ws` of Node, `websockets` of Python, and
//! Bun. `cargo verify clients` installs what they need, and runs this.

#[path = "../harness/mod.rs"]
#[allow(dead_code, unused_imports, reason = "it is the suite's, and these need a part of it")]
mod harness;
#[path = "../suite/gate_jwt/signer.rs"]
#[allow(dead_code, reason = "it is the suite's, and these need a part of it")]
mod signer;
#[path = "../suite/tls/stage.rs"]
#[allow(dead_code, reason = "it is the suite's, and these need a part of it")]
mod stage;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::SystemTime;

use anyhow::{Context, ensure};
use harness::{Host, folder, within};
use holdline::guest::v1::Secret;
use holdline::plugin::Manifest;
use serde_json::json;
use signer::Signer;
use stage::{Authority, secured};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

const SECRET: &str = "a secret of thirty-two bytes, or more";

const MANIFEST: &str = r#"
name = "echo"
[jwt]
secret = "key"
audience = ["clients"]
from = ["authorization", "subprotocol"]
"#;

/// A host that echoes over TLS for those who have a token, and what a client needs to know.
struct Place {
    host: Host,
    authority: PathBuf,
    token: String,
}

impl Place {
    async fn new(name: &str) -> anyhow::Result<Self> {
        let (own, folder) = (Authority::new()?, folder(&format!("client-{name}"))?);
        let authority = folder.join("authority.pem");
        std::fs::write(&authority, &own.pem)?;
        let pair = own.server(&["localhost"])?.write(&folder, "localhost")?;
        let jwt = Manifest::parse(MANIFEST, "echo")?.jwt;
        let setup = secured(vec![pair], |_| {}).configured(|config| {
            config.secrets.insert("key".to_owned(), Secret::new(SECRET.to_owned()));
        });
        let host = setup.sample("echo", |manifest| manifest.jwt = jwt)?.start().await?;
        let ends = SystemTime::UNIX_EPOCH.elapsed()?.as_secs() + 600;
        let claims = json!({"sub": "ada", "aud": "clients", "exp": ends});
        let token = Signer::secret(SECRET).token("key", &claims)?;
        Ok(Self { host, authority, token })
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}/echo", self.host.address().port())
    }

    /// Runs a script of this folder, which is told where to connect and with which token, and returns what it says.
    async fn script(&self, program: &Path, script: &str, token: &str) -> anyhow::Result<String> {
        let mut command = Command::new(program);
        command.arg(here().join(script)).args([&self.url("wss"), token]).arg(&self.authority);
        let said = command.stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true).output();
        let said = within("the end of the client", said).await??;
        Ok(String::from_utf8(said.stdout)?)
    }

    /// A script that brings its token in a header is echoed, and one with another token is refused.
    async fn script_connects(&self, program: &Path, script: &str) -> anyhow::Result<String> {
        let said = self.script(program, script, &self.token).await?;
        ensure!(said == "heard here\nclosed 1000\n", "{said}");
        self.script(program, script, "no.token.atall").await
    }

    /// The request of a client that makes its own.
    fn request(&self) -> [String; 5] {
        [
            "Connection: Upgrade".to_owned(),
            "Upgrade: websocket".to_owned(),
            "Sec-WebSocket-Version: 13".to_owned(),
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==".to_owned(),
            format!("Authorization: Bearer {}", self.token),
        ]
    }
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

#[tokio::test]
async fn openssl() -> anyhow::Result<()> {
    let place = Place::new("openssl").await?;
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-verify_return_error", "-servername", "localhost", "-connect"]);
    command.arg(place.host.address().to_string()).arg("-CAfile").arg(&place.authority);
    let mut client = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let (mut says, mut hears) = client.stdin.take().zip(client.stdout.take()).context("no pipes")?;

    says.write_all(
        format!("GET /echo HTTP/1.1\r\nHost: localhost\r\n{}\r\n\r\n", place.request().join("\r\n")).as_bytes(),
    )
    .await?;
    // A text and a Close, masked with zeros.
    says.write_all(b"\x81\x84\0\0\0\0here").await?;
    let mut heard = Vec::new();
    let echo = async {
        while !heard.ends_with(b"\x81\x04here") {
            heard.push(hears.read_u8().await?);
        }
        anyhow::Ok(())
    };
    within("the echo", echo).await??;
    says.write_all(b"\x88\x82\0\0\0\0\x03\xe8").await?;
    within("the end of the connection", hears.read_to_end(&mut heard)).await??;

    let text = String::from_utf8_lossy(&heard);
    ensure!(text.starts_with("HTTP/1.1 101 ") && text.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{text}");
    ensure!(heard.ends_with(b"\r\n\r\n\x81\x04here\x88\x02\x03\xe8"), "{text}");
    Ok(())
}

#[tokio::test]
async fn curl() -> anyhow::Result<()> {
    let place = Place::new("curl").await?;
    let curl = |token: bool| {
        let mut command = Command::new("curl");
        // The head is shown as it comes; with `--include` it would wait for something to come after it.
        command.args(["--silent", "--show-error", "--dump-header", "-", "--http1.1", "--cacert"]);
        command.arg(&place.authority);
        for line in place.request().iter().take(if token { 5 } else { 4 }) {
            command.args(["--header", line]);
        }
        command.arg(place.url("https")).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        command
    };
    // It knows nothing of frames: it shows the answer, and waits for more.
    let mut client = curl(true).spawn()?;
    let mut hears = client.stdout.take().context("no pipe")?;
    let mut heard = Vec::new();
    let head = async {
        while !heard.ends_with(b"\r\n\r\n") {
            heard.push(hears.read_u8().await?);
        }
        anyhow::Ok(())
    };
    within("the answer", head).await??;
    let text = String::from_utf8_lossy(&heard);
    ensure!(text.starts_with("HTTP/1.1 101 ") && text.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{text}");
    drop(client);
    let refused = within("the refusal", curl(false).output()).await??;
    ensure!(refused.stdout.starts_with(b"HTTP/1.1 401 "), "{}", String::from_utf8_lossy(&refused.stdout));
    Ok(())
}

#[tokio::test]
async fn chromium() -> anyhow::Result<()> {
    let place = Place::new("chromium").await?;
    let said = place.script(Path::new("node"), "chromium.mjs", &place.token).await?;
    ensure!(said == "heard here\nagreed bearer\nclosed 1000\n", "{said}");
    let refused = place.script(Path::new("node"), "chromium.mjs", "no.token.atall").await?;
    ensure!(refused == "closed 1006\n", "{refused}");
    Ok(())
}

#[tokio::test]
async fn node() -> anyhow::Result<()> {
    let place = Place::new("node").await?;
    let refused = place.script_connects(Path::new("node"), "node.mjs").await?;
    ensure!(refused == "refused 401\n", "{refused}");
    Ok(())
}

#[tokio::test]
async fn python() -> anyhow::Result<()> {
    let place = Place::new("python").await?;
    let refused = place.script_connects(&here().join(".venv/bin/python3"), "python.py").await?;
    ensure!(refused == "refused 401\n", "{refused}");
    Ok(())
}

#[tokio::test]
async fn bun() -> anyhow::Result<()> {
    let place = Place::new("bun").await?;
    let modules = here().join("node_modules").join("@oven");
    let bun = ["bun-linux-x64", "bun-linux-aarch64"].map(|name| modules.join(name).join("bin").join("bun"));
    let bun = bun.into_iter().find(|bun| bun.exists()).context("bun is not installed: cargo verify clients")?;
    let refused = place.script_connects(&bun, "bun.js").await?;
    // It does not say with which status.
    ensure!(refused == "closed 1006\n", "{refused}");
    Ok(())
}
