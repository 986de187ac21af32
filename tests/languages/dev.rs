//! `holdline dev`: a plugin is swapped under its open connections.

use std::process::Stdio;

use anyhow::Context;

use crate::harness::{Client, Served, folder, holdline, within};

const PLUGIN: &str = r#"
import { Channel, DelayedWebSocket } from "holdline";
export function message(request, message) {
  if (message === "later") {
    Channel.open("later", 9).offer({ handle: request.retainWebSocket() });
  } else {
    request.send(`ANSWER to ${message}`);
  }
}
export function run() {
  const later = Channel.open("later", 9);
  for (;;) new DelayedWebSocket(later.receive().json().handle).send("ANSWER of the worker");
}
"#;

#[tokio::test]
async fn a_change_is_served_to_open_connections_and_an_error_keeps_what_serves() -> anyhow::Result<()> {
    let plugin = folder("dev")?;
    let write = |source: &str| std::fs::write(plugin.join("index.js"), source);
    std::fs::write(
        plugin.join("plugin.toml"),
        "name = \"dev\"\nlanguage = \"javascript\"\n[[worker]]\nname = \"w\"\n",
    )?;
    write(&PLUGIN.replace("ANSWER", "first"))?;
    let mut command = holdline(&["dev", plugin.to_str().context("a folder")?, "--listen", "127.0.0.1:0"])?;
    command.stderr(Stdio::piped());
    let mut served = Served::spawn(command).await?;
    let mut lines = served.errors()?;
    let mut said = async |wanted: &str| {
        let found = async {
            while let Some(line) = lines.next_line().await? {
                if line.contains(wanted) {
                    return anyhow::Ok(line);
                }
            }
            anyhow::bail!("it ended and did not say `{wanted}`")
        };
        within(wanted, found).await?
    };

    let mut client = Client::connect(served.address(), "/", &[]).await?;
    client.send_text("a").await?;
    assert_eq!(client.text().await?, "first to a");
    said("in text of 1 bytes: \"a\"").await?;
    said("out text of 10 bytes: \"first to a\"").await?;

    write("export function message( {")?;
    said("the version before goes on serving").await?;
    client.send_text("b").await?;
    assert_eq!(client.text().await?, "first to b");

    write(&PLUGIN.replace("ANSWER", "second"))?;
    said("dev was swapped").await?;
    for (question, answer) in [("c", "second to c"), ("later", "second of the worker"), ("d", "second to d")] {
        client.send_text(question).await?;
        assert_eq!(client.text().await?, answer);
    }
    client.close(1000, "").await?;
    assert_eq!(served.terminate().await?, Some(0));
    Ok(())
}
