//! Python: the SDK's own script has a module and what it imports made into a component by componentize-py, which is installed once, by
//! pip, in a virtual environment of ours.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::check::{Check, State};
use super::child::{self, answer};
use super::error::Error;
use super::install::Attempts;
use super::places::{self, Work};
use super::private::Private;
use super::sdk::Sdk;
use super::{Language, News};

const LANGUAGE: Language = Language::Python;

/// What pip is given, in the SDK's folder.
const PINS: &str = "build/requirements.txt";

pub(super) fn report() -> Result<Vec<Check>, Error> {
    let version = python(&["--version"]);
    let tools = tools(&Sdk::unpack()?)?;
    Ok(vec![
        Check {
            tool: "python3",
            state: version.map_or(State::Missing, State::Found),
            remedy: "apt-get install python3 python3-venv".into(),
        },
        Check {
            tool: "componentize-py",
            state: if tools.is_ready() { State::Found(tools.folder().display().to_string()) } else { State::Missing },
            remedy: "holdline doctor --install python".into(),
        },
    ])
}

pub(super) fn install(news: &dyn Fn(News<'_>)) -> Result<(), Error> {
    let sdk = Sdk::unpack()?;
    let tools = tools(&sdk)?;
    if tools.is_ready() {
        return Ok(());
    }
    let mut attempts = Attempts::new(news);
    let pins = sdk.of(LANGUAGE).join(PINS).display().to_string();
    tools.fill(|folder| Ok(attempts.venv(folder) && attempts.pip(folder, &["--requirement", &pins])))?;
    let by_hand = "install Python 3.10 or later, with its venv module";
    if tools.is_ready() { Ok(()) } else { Err(attempts.failed(LANGUAGE, by_hand.into())) }
}

pub(super) fn build(dir: &Path, news: &dyn Fn(News<'_>)) -> Result<PathBuf, Error> {
    let sdk = Sdk::unpack()?;
    let tools = tools(&sdk)?;
    if !tools.is_ready() {
        return Err(Error::Missing { tool: "componentize-py", language: LANGUAGE });
    }
    let work = Work::begin(dir)?;
    let component = work.file("plugin.wasm");
    let mut command = Command::new(tools.folder().join("bin").join("python"));
    // The SDK's folder is not to be written to.
    command.arg("-B").arg(sdk.of(LANGUAGE).join("build").join("build.py")).arg("--plugin").arg(dir);
    command.arg("--sdk").arg(sdk.of(LANGUAGE)).arg("--wit").arg(sdk.wit()).arg("--out").arg(&component);
    command.arg("--work").arg(places::builds()?);
    child::compile(command, dir, "the Python build", news)?;
    work.keep(&component)
}

fn tools(sdk: &Sdk) -> Result<Private, Error> {
    Private::of(LANGUAGE, sdk.read(LANGUAGE, PINS)?)
}

fn python(arguments: &[&str]) -> Result<String, String> {
    answer(Path::new("python3"), arguments, Path::new("."))
}
