//! Gets the guest toolchain onto this machine, by rustup where that works and by Debian's packages where it does not.
//!
//! `holdline doctor --install` calls it. It never asks a question: what would need a person's answer, such as a password,
//! fails instead, and the error says what to run.

use std::iter;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::News;
use super::child;
use super::error::Error;
use super::rust::{Rust, TARGET};
use super::search::PACKAGES;

/// A rustup that cannot reach its server retries for minutes; the target itself is there within seconds.
const RUSTUP_LIMIT: Duration = Duration::from_secs(60);

const APT: &str = "/usr/bin/apt-get";

/// Who runs the package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum User {
    Root,
    Other,
}

/// A command, and how long it may take where that is bounded.
type Attempt = (Command, Option<Duration>);

/// Installs what is missing to build the Rust package in `dir`, and finds it again. Nothing is run when nothing is missing.
///
/// # Errors
/// No way led to a toolchain: the error holds everything that was run, and its hint what a person can run.
pub fn install(dir: &Path, news: &dyn Fn(News<'_>)) -> Result<Rust, Error> {
    match Rust::find(dir) {
        // Neither way brings a cargo, so a missing one stays an error.
        Err(Error::NoTarget { .. }) => {}
        found => return found,
    }
    let mut attempts = vec![rustup(dir)];
    let has_apt = Path::new(APT).exists();
    if has_apt {
        attempts.extend(packages(user()));
    }
    let mut log = String::new();
    for attempt in attempts {
        run(attempt, &mut log, news);
        if let Ok(rust) = Rust::find(dir) {
            return Ok(rust);
        }
    }
    let by_hand = if has_apt {
        format!("as root: apt-get install {}", PACKAGES.join(" "))
    } else {
        format!("rustup target add {TARGET}")
    };
    Err(Error::NotInstalled { log: log.trim_end().into(), by_hand })
}

/// In the folder, because rustup adds the target to the toolchain that it chooses there.
fn rustup(dir: &Path) -> Attempt {
    let mut command = Command::new("rustup");
    command.args(["target", "add", TARGET]).current_dir(dir);
    (command, Some(RUSTUP_LIMIT))
}

/// Debian's packages. They have no time limit: apt has its own for the network, and killed halfway it leaves packages that
/// are neither there nor away.
fn packages(user: User) -> [Attempt; 2] {
    let apt_get = |args: &[&str]| {
        let (program, before): (_, &[&str]) = match user {
            User::Root => ("env", &[]),
            User::Other => ("sudo", &["-n", "env"]),
        };
        let mut command = Command::new(program);
        // Through `env`, because sudo passes no variable on.
        command.args(before).args(["DEBIAN_FRONTEND=noninteractive", APT]).args(args);
        (command, None)
    };
    let install = ["install", "-y", "--no-install-recommends"];
    [apt_get(&["update"]), apt_get(&[&install[..], &PACKAGES].concat())]
}

fn user() -> User {
    let id = Command::new("id").arg("-u").output();
    match id {
        Ok(id) if id.stdout.trim_ascii() == b"0" => User::Root,
        _ => User::Other,
    }
}

/// Runs one attempt. Its failure is only written down: whether it helped is seen by looking for the toolchain.
fn run((command, limit): Attempt, log: &mut String, news: &dyn Fn(News<'_>)) {
    let shown = shown(&command);
    news(News::Step(&shown));
    log.push_str(&format!("$ {shown}\n"));
    let end = child::listen(command, limit, |_, line| {
        log.push_str(line);
        log.push('\n');
    });
    let end = end.map_or_else(|error| error.to_string(), |end| end.to_string());
    log.push_str(&format!("({end})\n"));
}

/// The command as a person would type it.
fn shown(command: &Command) -> String {
    let words = iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_installs_without_sudo() {
        let shown = |user| packages(user).map(|(command, _)| shown(&command));
        let [update, install] = shown(User::Root);
        assert_eq!(update, "env DEBIAN_FRONTEND=noninteractive /usr/bin/apt-get update");
        assert!(install.ends_with("install -y --no-install-recommends rustc-web rust-web-src wasi-libc"));
        for command in shown(User::Other) {
            assert!(command.starts_with("sudo -n env DEBIAN_FRONTEND="));
        }
    }

    #[test]
    fn an_attempt_that_cannot_start_is_written_down() {
        let mut log = String::new();
        run((Command::new("no-such-tool"), None), &mut log, &|_| {});
        assert!(log.starts_with("$ no-such-tool\n(no-such-tool could not be run: "));
    }
}
