//! Installs what guest toolchains need. It never asks a question: what would need a person's answer, such as a password, fails
//! instead, and the error says what to run.

use std::iter;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::child::{self, End};
use super::error::Error;
use super::{Language, News};

const APT: &str = "/usr/bin/apt-get";

/// Who runs the package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum User {
    Root,
    Other,
}

/// What was tried, and what came of it. Whether it helped is seen by looking for the toolchain.
pub(super) struct Attempts<'a> {
    log: String,
    news: &'a dyn Fn(News<'_>),
}

impl<'a> Attempts<'a> {
    pub(super) fn new(news: &'a dyn Fn(News<'_>)) -> Self {
        Self { log: String::new(), news }
    }

    /// Runs a command, and writes down what it says. True if it was content.
    pub(super) fn run(&mut self, command: Command, limit: Option<Duration>) -> bool {
        let shown = shown(&command);
        (self.news)(News::Step(&shown));
        self.log.push_str(&format!("$ {shown}\n"));
        let end = child::listen(command, limit, |_, line| {
            self.log.push_str(line);
            self.log.push('\n');
        });
        let is_content = matches!(&end, Ok(End::Exited(status)) if status.success());
        let end = end.map_or_else(|error| error.to_string(), |end| end.to_string());
        self.log.push_str(&format!("({end})\n"));
        is_content
    }

    /// Installs Debian's packages, where there is a Debian: what a person would run to do so. They have no time limit: apt has its
    /// own for the network, and killed halfway it leaves packages that are neither there nor away.
    pub(super) fn debian(&mut self, packages: &[&str]) -> Option<String> {
        if !Path::new(APT).exists() {
            return None;
        }
        let user = user();
        self.run(apt_get(user, &["update"]), None);
        self.run(apt_get(user, &[&["install", "-y", "--no-install-recommends"], packages].concat()), None);
        Some(format!("as root: apt-get install {}", packages.join(" ")))
    }

    /// Makes a virtual environment of Python. Debian has Python without the module for that.
    pub(super) fn venv(&mut self, folder: &Path) -> bool {
        let python = |args: &[&str]| {
            let mut python = Command::new("python3");
            python.args(args);
            python
        };
        if !self.run(python(&["-c", "import ensurepip, venv"]), None) {
            self.debian(&["python3", "python3-venv"]);
        }
        let mut venv = python(&["-m", "venv"]);
        venv.arg(folder);
        self.run(venv, None)
    }

    /// Installs packages of PyPI into a virtual environment.
    pub(super) fn pip(&mut self, venv: &Path, packages: &[&str]) -> bool {
        let mut pip = Command::new(venv.join("bin").join("python"));
        pip.args(["-m", "pip", "install", "--disable-pip-version-check"]).args(packages);
        self.run(pip, None)
    }

    /// Nothing of it helped.
    pub(super) fn failed(self, language: Language, by_hand: String) -> Error {
        Error::NotInstalled { language, log: self.log.trim_end().into(), by_hand }
    }
}

fn apt_get(user: User, args: &[&str]) -> Command {
    let (program, before): (_, &[&str]) = match user {
        User::Root => ("env", &[]),
        User::Other => ("sudo", &["-n", "env"]),
    };
    let mut command = Command::new(program);
    // Through `env`, because sudo passes no variable on.
    command.args(before).args(["DEBIAN_FRONTEND=noninteractive", APT]).args(args);
    command
}

fn user() -> User {
    let id = Command::new("id").arg("-u").output();
    match id {
        Ok(id) if id.stdout.trim_ascii() == b"0" => User::Root,
        _ => User::Other,
    }
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
        let install = ["install", "-y", "clang"];
        assert_eq!(
            shown(&apt_get(User::Root, &install)),
            "env DEBIAN_FRONTEND=noninteractive /usr/bin/apt-get install -y clang"
        );
        assert!(shown(&apt_get(User::Other, &install)).starts_with("sudo -n env DEBIAN_FRONTEND="));
    }

    #[test]
    fn an_attempt_that_cannot_start_is_written_down() {
        let mut attempts = Attempts::new(&|_| {});
        assert!(!attempts.run(Command::new("no-such-tool"), None));
        assert!(attempts.log.starts_with("$ no-such-tool\n(no-such-tool could not be run: "));
    }
}
