//! The program as a person meets it: its help, its errors, and its commands.

use std::path::Path;

use anyhow::Context;
use holdline::plugin::embed;
use serde_json::json;

use crate::harness::{Client, PUPPET, Served, folder, holdline, request, sample, within};

/// How a command ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

async fn run(arguments: &[&str]) -> anyhow::Result<Ended> {
    let output = within("the end of the program", holdline(arguments)?.output()).await??;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) })
}

/// The error that a command ends with: it names all of these, and its last line is a hint.
async fn fails(arguments: &[&str], names: &[&str]) -> anyhow::Result<()> {
    let ended = run(arguments).await?;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.starts_with("error: ") || ended.stderr.contains("\nerror: "), "{}", ended.stderr);
    for name in names {
        assert!(ended.stderr.contains(name), "`{name}` is not in: {}", ended.stderr);
    }
    assert_eq!(ended.stdout, "");
    Ok(())
}

fn path(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a folder that is no text")
}

/// The puppet as a file that carries its manifest.
fn component(folder: &Path, name: &str) -> anyhow::Result<String> {
    let file = folder.join(format!("{name}.wasm"));
    let manifest = format!("name = {name:?}\nisolation = \"pooled\"\n[[worker]]\nname = \"w\"\nargument = \"[]\"\n");
    std::fs::write(&file, embed(&PUPPET.component()?, &manifest))?;
    Ok(path(&file)?.to_owned())
}

#[tokio::test]
async fn every_command_has_help_with_an_example() -> anyhow::Result<()> {
    let help = run(&["--help"]).await?;
    assert_eq!(help.code, Some(0));
    assert!(help.stdout.contains("Example"), "{}", help.stdout);
    let commands = help.stdout.lines().skip_while(|line| *line != "Commands:").skip(1);
    // A line that is indented further goes on with the one before.
    let commands = commands.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    let commands = commands.filter_map(|line| line.split_whitespace().next());
    let commands: Vec<_> = commands.filter(|command| *command != "help").collect();
    assert!(["run", "check", "deploy", "top"].iter().all(|it| commands.contains(it)), "{commands:?}");

    for command in commands {
        let help = run(&[command, "--help"]).await?;
        assert_eq!(help.code, Some(0), "{command}");
        assert!(help.stdout.contains("Example"), "{command}: {}", help.stdout);
        assert!(help.stdout.contains(&format!("holdline {command}")), "{command}: {}", help.stdout);
    }
    Ok(())
}

#[tokio::test]
async fn an_error_in_the_configuration_shows_no_secret() -> anyhow::Result<()> {
    let folder = folder("bad-secrets")?;
    let file = folder.join("holdline.toml");
    for (text, line) in [
        ("[secrets]\napi-key = \"hunter2\n", "line 2"),
        ("[secrets]\napi-key = hunter2\n", "line 2"),
        ("[secrets]\nport = 73317\n", "line 2"),
        ("secrets = \"hunter2\"\n", "line 1"),
        ("[[tenant]]\nname = \"shop\"\n\n[tenant.secrets]\na = \"fine\"\nb = [\"hunter2\"]\n", "line 6"),
        ("[[tenant]]\nname = \"shop\"\nsecrets = { a = \"hunter2\", b = 73317 }\n", "line 3"),
    ] {
        std::fs::write(&file, text)?;
        let ended = run(&["serve", "--config", path(&file)?]).await?;
        assert_eq!(ended.code, Some(1), "{text}: {}", ended.stderr);
        assert!(ended.stderr.contains(line) && ended.stderr.contains("may be a secret"), "{text}: {}", ended.stderr);
        for secret in ["hunter2", "73317"] {
            assert!(!ended.stderr.contains(secret) && !ended.stdout.contains(secret), "{text}: {}", ended.stderr);
        }
    }
    Ok(())
}

#[tokio::test]
async fn check_shows_what_a_component_exports_and_imports() -> anyhow::Result<()> {
    let folder = folder("check")?;

    let checked = run(&["check", &component(&folder, "shown")?]).await?;

    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    let said = checked.stdout;
    assert!(said.contains("shown runs on this host"), "{said}");
    for shown in [
        "handler, worker, timer-handler, channel-handler, migration",
        "holdline:websocket/delayed@0.1.0",
        "pooled",
        "w × 1",
    ] {
        assert!(said.contains(shown), "`{shown}` is not in: {said}");
    }
    assert!(!said.contains("connect-handler"), "{said}");
    Ok(())
}

#[tokio::test]
async fn check_refuses_what_would_not_run() -> anyhow::Result<()> {
    let file = folder("check-bad")?.join("module.wasm");
    std::fs::write(&file, b"\0asm\x01\0\0\0")?;

    fails(&["check", path(&file)?], &["core WebAssembly module, not a component", "hint: build for wasm32-wasip2"])
        .await
}

#[tokio::test]
async fn a_file_that_is_missing_is_named_with_what_to_do() -> anyhow::Result<()> {
    let names = ["no-such.wasm does not exist", "hint: name a .wasm component, or a folder with a plugin.toml"];
    fails(&["run", "no-such.wasm"], &names).await?;
    fails(&["check", "no-such.wasm"], &names).await?;
    fails(&["serve", "--config", "no-such.toml"], &["no-such.toml does not exist", "hint: "]).await
}

#[tokio::test]
async fn a_folder_that_is_no_plugin_is_named_with_what_to_do() -> anyhow::Result<()> {
    let folder = folder("no-plugin")?;
    fails(&["build", path(&folder)?], &["has no plugin.toml", "hint: write one: name = \"no-plugin\""]).await
}

#[tokio::test]
async fn a_configuration_with_a_mistake_is_refused_with_file_line_and_key() -> anyhow::Result<()> {
    let file = folder("bad-config")?.join("holdline.toml");
    let mistakes = [
        ("[listen]\nadress = \"127.0.0.1:1\"\n", ["line 2", "adress"]),
        ("[drain]\n\n[hub]\nmessage-size = \"many\"\n", ["line 4", "many"]),
        ("[[plugin]]\nsource = \"x\"\nisolation = \"total\"\n", ["line 3", "total"]),
        ("[drain]\nrate = 0\n", ["line 2", "rate"]),
    ];
    for (text, names) in mistakes {
        std::fs::write(&file, text)?;
        fails(&["serve", "--config", path(&file)?], &[path(&file)?, names[0], names[1]]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_in_use_ends_the_program_with_a_hint() -> anyhow::Result<()> {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let address = taken.local_addr()?.to_string();
    let folder = folder("port-in-use")?;

    fails(&["run", &component(&folder, "late")?, "--listen", &address], &[&address, "in use", "hint: stop the other"])
        .await
}

#[tokio::test]
async fn a_folder_is_built_into_one_file_that_runs() -> anyhow::Result<()> {
    // Its tools have had their work before: this is about the program.
    sample("echo")?;
    let file = folder("build")?.join("echo.wasm");
    let built = run(&["build", "plugins/echo", "--output", path(&file)?]).await?;
    assert_eq!(built.code, Some(0), "{}", built.stderr);
    assert!(built.stdout.contains(path(&file)?), "{}", built.stdout);

    let served = Served::start(&["run", path(&file)?, "--listen", "127.0.0.1:0"]).await?;
    let mut client = Client::connect(served.address(), "/", &[]).await?;
    client.send_text("here I am").await?;

    assert_eq!(client.text().await?, "here I am");
    client.close(1000, "").await?;
    assert_eq!(served.terminate().await?, Some(0));
    Ok(())
}

#[tokio::test]
async fn a_configuration_serves_its_plugins_and_its_static_folder() -> anyhow::Result<()> {
    let folder = folder("serve")?;
    component(&folder, "one")?;
    let (_, echo) = sample("echo")?;
    std::fs::write(folder.join("bare.wasm"), echo)?;
    std::fs::create_dir(folder.join("public"))?;
    std::fs::write(folder.join("public/index.html"), "a page")?;
    let text = "[listen]\naddress = \"127.0.0.1:0\"\nstatic-folder = \"public\"\n\
        [[plugin]]\nsource = \"one.wasm\"\nroute = \"/one\"\n\
        [[plugin]]\nsource = \"bare.wasm\"\nroute = \"/echo\"\nisolation = \"connection\"\n";
    let file = folder.join("holdline.toml");
    std::fs::write(&file, text)?;

    let served = Served::start(&["serve", "--config", path(&file)?]).await?;

    let mut client = Client::connect(served.address(), "/one", &[]).await?;
    client.get(json!({"do": "attachment"})).await?;
    client.close(1000, "").await?;
    let mut client = Client::connect(served.address(), "/echo", &[]).await?;
    client.send_text("and here").await?;
    assert_eq!(client.text().await?, "and here");
    let page = request(served.address(), "/", &[]).await?;
    assert_eq!((page.status, page.body.as_str()), (200, "a page"));
    client.close(1000, "").await?;
    assert_eq!(served.terminate().await?, Some(0));
    Ok(())
}
