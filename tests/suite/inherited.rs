//! Sockets that were opened before the host started: a restart refuses nobody.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::harness::{Client, Served, folder, holdline, sample, within};

/// The program with this socket as the first that is handed over, and with these names.
fn handing_over(socket: &TcpListener, arguments: &[&str], count: usize, names: &str) -> anyhow::Result<Command> {
    let program = holdline(arguments)?;
    // The standard library hands over the three standard ones alone.
    let mut command = Command::new("sh");
    command.args(["-c", "exec 3<&0 4<&0 </dev/null; exec \"$0\" \"$@\""]).arg(program.as_std().get_program());
    command.args(program.as_std().get_args()).kill_on_drop(true);
    command.envs(program.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("LISTEN_FDS", count.to_string()).env("LISTEN_FDNAMES", names);
    command.stdin(Stdio::from(OwnedFd::from(socket.try_clone()?)));
    Ok(command)
}

fn echo(name: &str) -> anyhow::Result<PathBuf> {
    let file = folder(name)?.join("echo.wasm");
    std::fs::write(&file, sample("echo")?.1)?;
    Ok(file)
}

async fn echoes(address: SocketAddr) -> anyhow::Result<()> {
    let mut client = Client::connect(address, "/echo", &[]).await?;
    client.send_text("here").await?;
    ensure!(client.text().await? == "here");
    client.close(1000, "").await
}

#[tokio::test]
async fn who_connects_while_the_host_is_restarted_is_served() -> anyhow::Result<()> {
    let file = echo("restarted")?;
    let arguments = ["run", file.to_str().context("a path")?, "--route", "/echo"];
    let socket = TcpListener::bind("127.0.0.1:0")?;
    let address = socket.local_addr()?;
    let first = Served::spawn(handing_over(&socket, &arguments, 1, "holdline.socket")?).await?;
    assert_eq!(first.address(), address);
    echoes(address).await?;
    assert_eq!(first.terminate().await?, Some(0));

    // Nobody is there, and nobody is refused.
    let waiting = tokio::spawn(echoes(address));
    let second = Served::spawn(handing_over(&socket, &arguments, 1, "")?).await?;
    within("the one who waited", waiting).await???;
    echoes(address).await?;
    assert_eq!(second.terminate().await?, Some(0));
    Ok(())
}

#[tokio::test]
async fn a_socket_that_nobody_knows_the_use_of_is_refused() -> anyhow::Result<()> {
    let file = echo("handed-over")?;
    let file = file.to_str().context("a path")?;
    let socket = TcpListener::bind("127.0.0.1:0")?;
    for (count, names, complaint) in [
        (2, "listen:other", "one has the name `other`"),
        (2, "listen:admin", "handed over for `admin`"),
        (1, "redirect", "handed over for `redirect`"),
    ] {
        let command = handing_over(&socket, &["run", file], count, names)?.output().await?;
        let said = String::from_utf8_lossy(&command.stderr).into_owned();
        assert!(!command.status.success() && said.contains(complaint) && said.contains("hint: "), "{names}: {said}");
    }
    Ok(())
}
