//! From nothing to an answer, and what a compiler has to say.

use std::path::{Path, PathBuf};

use anyhow::Context;
use holdline::plugin::Deployment;
use holdline::plugin::Manifest;
use holdline::tenant::TenantName;
use holdline::toolchain::{self, Language};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Client, Served, Setup, folder, holdline, root};

/// A new plugin in a folder of its own, whose name tools may stumble over.
async fn new(language: Language, template: &str) -> anyhow::Result<PathBuf> {
    let parent = folder(&format!("new {} ({template})", language.id()))?;
    let plugin = parent.join("hello");
    let arguments = ["new", shown(&plugin)?, "--lang", language.id(), "--template", template];
    let output = holdline(&arguments)?.output().await?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(plugin)
}

fn shown(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a folder that is no text")
}

async fn answers(language: Language, template: &str, question: &str, answer: &str) -> anyhow::Result<()> {
    let plugin = new(language, template).await?;
    let served = Served::start(&["run", shown(&plugin)?, "--listen", "127.0.0.1:0"]).await?;
    let mut client = Client::connect(served.address(), "/?name=Ann", &[]).await?;
    client.send_text(question).await?;
    loop {
        let text = client.text().await?;
        if text == answer {
            break;
        }
        assert_eq!(text, "tick", "{} {template}", language.name());
    }
    if template == "timer" {
        assert_eq!(client.text().await?, "tick");
    }
    client.close(1000, "").await?;
    assert_eq!(served.terminate().await?, Some(0));
    Ok(())
}

#[tokio::test]
async fn a_new_plugin_answers_in_rust() -> anyhow::Result<()> {
    answers(Language::Rust, "echo", "grüße", "grüße").await
}

#[tokio::test]
async fn a_new_plugin_answers_in_python() -> anyhow::Result<()> {
    answers(Language::Python, "echo", "grüße", "grüße").await?;
    answers(Language::Python, "chat", "hi", r#"{"from":"Ann","text":"hi"}"#).await
}

/// Every template, in the languages whose compilers are quick.
async fn every_template(language: Language) -> anyhow::Result<()> {
    answers(language, "echo", "grüße", "grüße").await?;
    answers(language, "worker", "hello", "you said: hello").await?;
    answers(language, "timer", "hello", "listen").await?;
    answers(language, "chat", "hi", r#"{"from":"Ann","text":"hi"}"#).await
}

#[tokio::test]
async fn every_new_plugin_answers_in_javascript() -> anyhow::Result<()> {
    every_template(Language::Javascript).await
}

#[tokio::test]
async fn every_new_plugin_answers_in_go() -> anyhow::Result<()> {
    every_template(Language::Go).await
}

#[tokio::test]
async fn every_new_plugin_answers_in_c() -> anyhow::Result<()> {
    every_template(Language::C).await
}

/// A sample plugin, built as anybody's is, at the route that has its name.
async fn sample_at(name: &str) -> anyhow::Result<Deployment> {
    let folder = root().join("plugins").join(name);
    let mut manifest = Manifest::parse(&std::fs::read_to_string(folder.join("plugin.toml"))?, name)?;
    for worker in &mut manifest.workers {
        "10".clone_into(&mut worker.argument);
    }
    let language = manifest.language.context("a language")?;
    let built = tokio::task::spawn_blocking(move || toolchain::build(&folder, language, &|_| {})).await??;
    Ok(Deployment {
        manifest,
        component: std::fs::read(built)?,
        route: Some(format!("/{name}")),
        tenant: TenantName::default(),
    })
}

/// What one client is answered.
async fn conversation(source: Deployment) -> anyhow::Result<Vec<Message>> {
    let path = source.route.clone().context("a route")?;
    let host = Setup::new().source(source).start().await?;
    let mut client = host.connect(&path).await?;
    let mut heard = vec![client.next().await?];
    let large = "großer Text, ".repeat(10_000);
    for text in ["hello", "", "hellö 世界 🦀 e\u{301}", "\"quoted\" \\ / \n\t\u{0}\u{1f}\u{7f}\u{2028}", &large] {
        client.send_text(text).await?;
        heard.push(client.next().await?);
    }
    client.send_binary([1, 2, 3]).await?;
    heard.push(client.next().await?);
    client.close(1000, "").await?;
    Ok(heard)
}

#[tokio::test]
async fn the_mirror_is_the_same_to_the_byte_in_every_language() -> anyhow::Result<()> {
    let wanted = conversation(sample_at("mirror").await?).await?;
    assert_eq!(wanted.len(), 7);
    for language in ["javascript", "python", "go", "c"] {
        let heard = conversation(sample_at(&format!("mirror-{language}")).await?).await?;
        assert_eq!(heard, wanted, "{language}");
    }
    Ok(())
}

/// What the plugin answers to one text, after it has said so much to begin with.
async fn answer_of(name: &str, greetings: usize, question: &str) -> anyhow::Result<Message> {
    let host = Setup::new().source(sample_at(name).await?).start().await?;
    let mut client = host.connect(&format!("/{name}")).await?;
    for _ in 0..greetings {
        client.next().await?;
    }
    client.send_text(question).await?;
    let answer = client.next().await?;
    client.close(1000, "").await?;
    Ok(answer)
}

#[tokio::test]
async fn each_language_shows_what_it_is_good_at() -> anyhow::Result<()> {
    let exact = answer_of("exact", 0, "1/3 + 1/6").await?;
    assert_eq!(exact.to_text()?, "1/2");
    let game: serde_json::Value = serde_json::from_str(answer_of("chess", 1, "e4").await?.to_text()?)?;
    assert_eq!(game.get("you"), Some(&serde_json::json!("e4")));
    assert!(answer_of("qr", 0, "https://www.rfc-editor.org/").await?.to_text()?.contains("<svg"));
    assert!(answer_of("sparkline", 0, "[1, 5, 2]").await?.into_data().starts_with(b"\x89PNG"));
    Ok(())
}

/// What is built from a folder with this one source besides its plugin.toml: the end of standard error.
async fn refused(language: Language, file: &str, source: &str, names: &[&str]) -> anyhow::Result<()> {
    let plugin = new(language, "echo").await?;
    std::fs::write(plugin.join(file), source)?;
    let built = holdline(&["build", shown(&plugin)?])?.output().await?;
    let said = String::from_utf8_lossy(&built.stderr);
    assert_eq!(built.status.code(), Some(1), "{said}");
    for name in names {
        assert!(said.contains(name), "{} does not name `{name}`: {said}", language.name());
    }
    Ok(())
}

#[tokio::test]
async fn a_compilers_own_words_are_passed_on() -> anyhow::Result<()> {
    refused(Language::Javascript, "index.js", "export function message( {", &["index.js", "error: the plugin in "])
        .await?;
    refused(Language::Python, "plugin.py", "import no_such_module", &["no_such_module", "error: the plugin in "])
        .await?;
    refused(
        Language::Go,
        "broken.go",
        "package main\nfunc f() { undefined() }",
        &["broken.go:2", "error: the plugin in "],
    )
    .await?;
    refused(Language::C, "broken.c", "int f(void) { return x; }", &["broken.c:1", "error: the plugin in "]).await
}

#[tokio::test]
async fn a_plugin_that_the_host_would_never_call_is_refused() -> anyhow::Result<()> {
    refused(Language::Javascript, "index.js", "export const mesage = 1;", &["message", "error: the plugin in "])
        .await?;
    refused(Language::Python, "plugin.py", "x = 1", &["decorator", "error: the plugin in "]).await
}

#[tokio::test]
async fn nothing_is_overwritten_and_a_bad_name_is_refused() -> anyhow::Result<()> {
    let plugin = new(Language::C, "echo").await?;
    for (name, says) in [(shown(&plugin)?, "is there already"), ("2nd", "cannot be the name of a plugin")] {
        let refused = holdline(&["new", name, "--lang", "c"])?.output().await?;
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(1) && said.contains(says) && said.contains("hint: "), "{said}");
    }
    let unsaid = holdline(&["new", "hello"])?.output().await?;
    let said = String::from_utf8_lossy(&unsaid.stderr);
    assert!(said.contains("needs a language") && said.contains("rust, javascript, python, go, c"), "{said}");
    Ok(())
}
