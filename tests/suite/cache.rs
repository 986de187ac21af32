//! Compiled components are kept on disk. What is there is used, what is broken or not to be trusted is not, and whatever is wrong with
//! the folder, the host starts.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use bytesize::ByteSize;
use holdline::engine::CachePlace;

use crate::harness::{Host, Setup, folder, holdline, lines, logged, sample, within};

/// A host with this folder as its cache.
async fn start(cache: &Path, plugin: &str) -> anyhow::Result<Host> {
    let setup = Setup::new().sample(plugin, |_| {})?;
    setup.configured(|config| config.engine.cache = CachePlace::Folder(cache.to_owned())).start().await
}

/// Starts a host with this folder as its cache, and sees that its plugin answers.
async fn serve(cache: &Path) -> anyhow::Result<()> {
    let host = start(cache, "echo").await?;
    let mut client = host.connect("/echo").await?;
    client.send_text("here I am").await?;
    assert_eq!(client.text().await?, "here I am");
    client.close(1000, "").await?;
    host.stop().await;
    Ok(())
}

/// The files in a cache.
fn files(cache: &Path) -> anyhow::Result<Vec<PathBuf>> {
    fs::read_dir(cache)?.map(|entry| Ok(entry?.path())).collect()
}

/// The only file in a cache.
fn entry(cache: &Path) -> anyhow::Result<PathBuf> {
    let files = files(cache)?;
    assert_eq!(files.len(), 1, "{files:?}");
    files.into_iter().next().context("an empty folder")
}

/// Which file it is: one that was written anew is another.
fn identity(cache: &Path) -> anyhow::Result<u64> {
    Ok(fs::metadata(entry(cache)?)?.ino())
}

fn thrown_away(cache: &Path) -> usize {
    let cache = cache.display().to_string();
    lines("").iter().filter(|line| line.contains("thrown away") && line.contains(&cache)).count()
}

/// The program `check` or `run` with its own folder of caches.
fn program(caches: &Path, arguments: &[&str]) -> anyhow::Result<tokio::process::Command> {
    let mut command = holdline(arguments)?;
    command.env("XDG_CACHE_HOME", caches);
    Ok(command)
}

fn component(folder: &Path) -> anyhow::Result<String> {
    let file = folder.join("echo.wasm");
    fs::write(&file, sample("echo")?.1)?;
    Ok(file.to_str().context("a folder that is no text")?.to_owned())
}

#[tokio::test]
async fn a_component_is_compiled_once_for_all_starts() -> anyhow::Result<()> {
    let cache = folder("cache-once")?.join("cache");
    serve(&cache).await?;
    let first = identity(&cache)?;

    serve(&cache).await?;

    assert_eq!(identity(&cache)?, first);
    assert_eq!(fs::metadata(&cache)?.mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(entry(&cache)?)?.mode() & 0o777, 0o600);
    Ok(())
}

#[tokio::test]
async fn an_entry_that_is_broken_is_thrown_away_and_compiled_anew() -> anyhow::Result<()> {
    let cache = folder("cache-broken")?.join("cache");
    start(&cache, "mirror").await?.stop().await;
    let other = fs::read(entry(&cache)?)?;
    fs::remove_file(entry(&cache)?)?;
    serve(&cache).await?;
    let whole = fs::read(entry(&cache)?)?;
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    let broken = [&whole[..whole.len() / 2], b"", &changed, &other, b"no entry at all"];

    for (times, bytes) in broken.into_iter().enumerate() {
        fs::write(entry(&cache)?, bytes)?;
        serve(&cache).await?;
        assert_eq!(thrown_away(&cache), times + 1);
        // What is there now is good.
        let anew = identity(&cache)?;
        serve(&cache).await?;
        assert_eq!(identity(&cache)?, anew);
    }
    Ok(())
}

#[tokio::test]
async fn a_folder_that_others_may_write_to_is_not_used() -> anyhow::Result<()> {
    let cache = folder("cache-shared")?;
    fs::set_permissions(&cache, Permissions::from_mode(0o777))?;

    serve(&cache).await?;

    assert_eq!(files(&cache)?.len(), 0);
    let line = logged("", &cache.display().to_string()).await?;
    assert!(line.contains("WARN") && line.contains("others may write to it"), "{line}");
    Ok(())
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_hinders_nothing() -> anyhow::Result<()> {
    let file = folder("cache-impossible")?.join("file");
    fs::write(&file, "")?;
    let cache = file.join("cache");

    serve(&cache).await?;

    let line = logged("", &cache.display().to_string()).await?;
    assert!(line.contains("WARN") && line.contains("cannot be used"), "{line}");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_kept_is_told_once_and_hinders_nothing() -> anyhow::Result<()> {
    let cache = folder("cache-small")?.join("cache");
    let setup = Setup::new().sample("echo", |_| {})?.sample("mirror", |_| {})?.configured(|config| {
        config.engine.cache = CachePlace::Folder(cache.clone());
        config.engine.cache_size = ByteSize::kib(1);
    });

    let host = setup.start().await?;

    let mut client = host.connect("/echo").await?;
    client.send_text("here I am").await?;
    assert_eq!(client.text().await?, "here I am");
    assert_eq!(files(&cache)?.len(), 0);
    logged("", "`cache-size`").await?;
    assert_eq!(lines("").iter().filter(|line| line.contains("`cache-size`")).count(), 1);
    Ok(())
}

#[tokio::test]
async fn programs_that_start_at_once_share_the_users_folder() -> anyhow::Result<()> {
    let folder = folder("cache-at-once")?;
    let file = component(&folder)?;
    let start = || async {
        let mut program = program(&folder, &["check", &file])?;
        anyhow::Ok(within("the end of the program", program.output()).await??)
    };

    let ended = futures_util::future::try_join_all((0..6).map(|_| start())).await?;

    for ended in ended {
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    entry(&folder.join("holdline"))?;
    Ok(())
}

#[tokio::test]
async fn a_program_that_is_killed_leaves_nothing_that_is_broken() -> anyhow::Result<()> {
    let folder = folder("cache-killed")?;
    let (file, cache) = (component(&folder)?, folder.join("holdline"));
    for moment in 0..30 {
        let mut program = program(&folder, &["check", &file])?.stdout(std::process::Stdio::null()).spawn()?;
        // It may have ended by then, and the later ones find what it has kept.
        let _killed = tokio::time::timeout(Duration::from_millis(5 * moment), program.wait()).await;
        program.kill().await?;
        for entry in files(&cache).unwrap_or_default().iter().filter(|_| moment % 4 == 0) {
            fs::remove_file(entry)?;
        }
    }

    serve(&cache).await?;

    assert_eq!(thrown_away(&cache), 0);
    Ok(())
}

#[tokio::test]
async fn a_program_that_is_told_to_keep_nothing_keeps_nothing() -> anyhow::Result<()> {
    let folder = folder("cache-none")?;
    let file = component(&folder)?;
    // A port that is taken: it ends as soon as the plugin is loaded.
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let address = taken.local_addr()?.to_string();
    for (arguments, kept) in [(&["--no-cache"][..], false), (&[], true)] {
        let arguments = [&["run", &file, "--listen", &address], arguments].concat();

        let ended = within("the end of the program", program(&folder, &arguments)?.output()).await??;

        assert_eq!(ended.status.code(), Some(1));
        assert_eq!(folder.join("holdline").exists(), kept);
    }
    Ok(())
}
