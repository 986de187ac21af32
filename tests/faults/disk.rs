//! A disk that is full below the store: a small file system of its own in memory (tmpfs), which no other process sees. It takes the rights
//! to mount one, which root has, and whoever may have a user namespace. Where nobody has them the test says that it was left out; that a
//! file cannot grow is in the suite (`durability`).

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use holdline::plugin::embed;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::harness::{COUNTER, Client, Payload, within};
use crate::program::{Place, Program, field};

/// How large the file system is.
const SIZE: &str = "24m";

/// Before it is full at the latest after so many.
const MANY: usize = 2000;

/// A small file system below a folder. It is there for those who enter it, until this is dropped.
struct Disk {
    holder: Child,
    _stdin: ChildStdin,
    folder: PathBuf,
}

impl Disk {
    /// None if this system does not allow it.
    async fn mount(folder: PathBuf) -> anyhow::Result<Option<Self>> {
        std::fs::create_dir_all(&folder)?;
        let script = format!("mount -t tmpfs -o size={SIZE},mode=700 tmpfs \"$0\" && echo mounted && exec cat");
        // In a user namespace root may mount what it may not outside.
        let mut holder = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", &script])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("there is no `unshare`")?;
        let (stdin, stdout) = (holder.stdin.take().context("no input")?, holder.stdout.take().context("no output")?);
        let said = within("the file system", BufReader::new(stdout).lines().next_line()).await??;
        Ok((said.as_deref() == Some("mounted")).then_some(Self { holder, _stdin: stdin, folder }))
    }

    fn process(&self) -> anyhow::Result<String> {
        Ok(self.holder.id().context("it has ended")?.to_string())
    }

    /// The folder, as this process sees it.
    fn seen(&self) -> anyhow::Result<PathBuf> {
        Ok(Path::new("/proc").join(self.process()?).join("root").join(self.folder.strip_prefix("/")?))
    }

    /// The same command, where the file system is.
    fn enter(&self, command: &Command) -> anyhow::Result<Command> {
        let plain = command.as_std();
        let mut entering = Command::new("nsenter");
        entering.args(["--user", "--preserve-credentials", "--mount", "--target", &self.process()?]);
        entering.arg(plain.get_program()).args(plain.get_args()).stdin(Stdio::null()).kill_on_drop(true);
        for (name, value) in plain.get_envs() {
            entering.env(name, value.unwrap_or_default());
        }
        Ok(entering)
    }

    /// Takes all the room that is left.
    fn fill(&self) -> anyhow::Result<()> {
        let mut filler = File::create(self.seen()?.join("filler"))?;
        for piece in [64 << 10, 1] {
            let piece = vec![b'x'; piece];
            loop {
                match filler.write(&piece) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    fn make_room(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.seen()?.join("filler"))?)
    }
}

/// What was acknowledged.
#[derive(Default)]
struct Kept {
    secrets: usize,
    values: usize,
    digests: Vec<String>,
}

async fn put_secret(program: &Program, number: usize) -> anyhow::Result<(u16, String)> {
    let path = format!("/v1/tenants/default/secrets/s{number}");
    let reply = program.operator.put(&path, Payload::of("text/plain", "s".repeat(16_000))).await?;
    Ok((reply.status, reply.text))
}

async fn set(keeper: &mut Client, number: usize) -> anyhow::Result<Value> {
    let value = format!("{number} {}", "v".repeat(16_000));
    keeper.send_text(json!(["b", {"do": "set", "key": number.to_string(), "value": value}]).to_string()).await?;
    keeper.json().await
}

async fn deploy(program: &Program, number: usize) -> anyhow::Result<Result<String, (u16, String)>> {
    let manifest = format!("name = \"counted\"\nisolation = \"pooled\"\n# {number}\n");
    let component = embed(&COUNTER.component()?, &manifest);
    let path = "/v1/tenants/default/plugins/counted?route=/counted";
    let reply = program.operator.put(path, Payload::wasm(component)).await?;
    if reply.status >= 300 {
        return Ok(Err((reply.status, reply.text)));
    }
    Ok(Ok(field(&reply.json()?, "/version/digest")?.to_owned()))
}

/// All that was acknowledged is there.
async fn is_there(program: &Program, kept: &Kept) -> anyhow::Result<()> {
    let mut keeper = program.auditor("/keeper").await?;
    for number in 0..kept.values {
        keeper.send_text(json!(["b", {"do": "get", "key": number.to_string()}]).to_string()).await?;
        let outcome = keeper.json().await?;
        let value = outcome.get("ok").and_then(Value::as_str).with_context(|| format!("{number}: {outcome}"))?;
        ensure!(value.starts_with(&format!("{number} v")), "another value of {number}");
    }
    keeper.close(1000, "").await?;
    let secrets = program.operator.get("/v1/tenants/default/secrets").await?.with(200)?;
    let items = secrets.get("items").and_then(Value::as_array).context("no list")?;
    let names = items.iter().map(|item| field(item, "/name")).collect::<anyhow::Result<Vec<_>>>()?;
    for number in 0..kept.secrets {
        ensure!(names.contains(&&*format!("s{number}")), "the secret {number} is not there");
    }
    if let Some(last) = kept.digests.last() {
        let plugin = program.operator.get("/v1/tenants/default/plugins/counted").await?.with(200)?;
        ensure!(field(&plugin, "/serving")? == last, "{plugin} does not serve {last}");
    }
    Ok(())
}

/// The host answers its clients, and whoever asks what there is.
async fn serves(program: &Program) -> anyhow::Result<()> {
    let mut client = program.client().await?;
    client.get(json!({"do": "describe"})).await?;
    client.close(1000, "").await?;
    for path in ["/v1/tenants", "/v1/tenants/default/plugins", "/v1/audit?limit=10"] {
        program.operator.get(path).await?.with(200)?;
    }
    assert_eq!(program.operator.get("/readyz").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_full_disk_is_told_to_all_ends_nothing_and_loses_nothing() -> anyhow::Result<()> {
    let place = Place::new("full-disk", "disk/store", "")?;
    let Some(disk) = Disk::mount(place.folder.join("disk")).await? else {
        eprintln!("*** left out: a full disk, because nothing can be mounted here, not even in a namespace");
        return Ok(());
    };
    let store = disk.seen()?.join("store");
    let mut program = Program::start(&place, disk.enter(&place.command()?)?, &store).await?;
    let mut kept = Kept::default();
    let mut keeper = program.auditor("/keeper").await?;
    for number in 0..3 {
        ensure!(put_secret(&program, number).await?.0 == 204, "a secret");
        ensure!(set(&mut keeper, number).await?.get("ok").is_some(), "a value");
        kept.digests
            .push(deploy(&program, number).await?.map_err(|(status, text)| anyhow::anyhow!("{status} {text}"))?);
    }
    (kept.secrets, kept.values) = (3, 3);
    keeper.close(1000, "").await?;
    // Each version that is kept has an image of its memory open.
    program.counts_anew().await?;
    let mut keeper = program.auditor("/keeper").await?;

    // A file of the store has room of its own; when that is used, too, the disk is full to everybody.
    disk.fill()?;
    let told = loop {
        let (status, text) = put_secret(&program, kept.secrets).await?;
        if status != 204 {
            break (status, text);
        }
        kept.secrets += 1;
        ensure!(kept.secrets < MANY, "the disk is never full");
    };
    ensure!(told.0 == 507 && told.1.contains("disk-full") && !told.1.contains("redb"), "{told:?}");
    let told = loop {
        let outcome = set(&mut keeper, kept.values).await?;
        if outcome.get("ok").is_none() {
            break outcome;
        }
        kept.values += 1;
        ensure!(kept.values < MANY, "the disk is never full");
    };
    assert_eq!(told["error"], "the host's disk is full");
    match deploy(&program, 100).await? {
        Err((507, text)) if text.contains("disk-full") => {}
        other => bail!("{other:?} for a component"),
    }
    let unfinished = std::fs::read_dir(store.join("components"))?.count();
    ensure!(unfinished == kept.digests.len(), "{unfinished} files of {} components", kept.digests.len());
    serves(&program).await?;
    keeper.close(1000, "").await?;
    is_there(&program, &kept).await?;
    program.balances().await?;
    let lines = program.said("ERROR").len();
    ensure!(lines <= 5, "{lines} lines about it: {:#?}", program.said("ERROR"));

    // It can be started anew, and serve, without any room.
    program.kill().await?;
    let mut program = Program::start(&place, disk.enter(&place.command()?)?, &store).await?;
    serves(&program).await?;
    is_there(&program, &kept).await?;
    ensure!(put_secret(&program, MANY).await?.0 == 507, "there is no room");

    // Room again: the host finds out by itself.
    disk.make_room()?;
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let written = async {
        while put_secret(&program, kept.secrets).await?.0 != 204 {
            look.tick().await;
        }
        anyhow::Ok(())
    };
    within("a change that is kept", written).await??;
    kept.secrets += 1;
    let mut keeper = program.auditor("/keeper").await?;
    ensure!(set(&mut keeper, kept.values).await?.get("ok").is_some(), "a value");
    kept.values += 1;
    keeper.close(1000, "").await?;
    kept.digests.push(deploy(&program, 101).await?.map_err(|(status, text)| anyhow::anyhow!("{status} {text}"))?);
    program.counts_anew().await?;
    serves(&program).await?;
    program.balances().await?;

    program.kill().await?;
    let program = Program::start(&place, disk.enter(&place.command()?)?, &store).await?;
    is_there(&program, &kept).await?;
    serves(&program).await?;
    program.balances().await?;
    eprintln!("{} secrets, {} values and {} components are there", kept.secrets, kept.values, kept.digests.len());
    program.kill().await
}
