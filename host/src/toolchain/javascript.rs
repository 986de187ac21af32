//! JavaScript and TypeScript: the SDK's own script bundles a module and what it imports, and has it made into a component. The tools
//! that it takes are installed once, by npm, in a folder of ours.

use std::fs;
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

const LANGUAGE: Language = Language::Javascript;

/// What the tools need, and what Debian calls it.
const PROGRAMS: [(&str, &str); 2] = [("node", "apt-get install nodejs"), ("npm", "apt-get install npm")];

/// What npm is given.
const PINS: [&str; 2] = ["package.json", "package-lock.json"];

/// No script of a package has to run.
const NPM: [&str; 5] = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];

/// The other engine, for plugins that ask for it in their package.json: its folder in the SDK's and in that of the tools.
const STARLINGMONKEY: &str = "starlingmonkey";

pub(super) fn report() -> Result<Vec<Check>, Error> {
    let mut checks: Vec<_> = PROGRAMS.into_iter().map(|(tool, remedy)| program(tool, remedy)).collect();
    let tools = tools(&Sdk::unpack()?)?;
    checks.push(Check {
        tool: "esbuild and componentize-qjs",
        state: if tools.is_ready() { State::Found(tools.folder().display().to_string()) } else { State::Missing },
        remedy: "holdline doctor --install javascript".into(),
    });
    Ok(checks)
}

pub(super) fn install(news: &dyn Fn(News<'_>)) -> Result<(), Error> {
    let sdk = Sdk::unpack()?;
    let tools = tools(&sdk)?;
    if tools.is_ready() && PROGRAMS.iter().all(|(tool, _)| is_there(tool)) {
        return Ok(());
    }
    let mut attempts = Attempts::new(news);
    if !PROGRAMS.iter().all(|(tool, _)| is_there(tool)) {
        attempts.debian(&["nodejs", "npm"]);
    }
    npm(&mut attempts, &sdk.of(LANGUAGE).join("build"), &tools)?;
    if tools.is_ready() {
        Ok(())
    } else {
        Err(attempts.failed(LANGUAGE, "install Node.js 20 or later, with npm".into()))
    }
}

pub(super) fn build(dir: &Path, news: &dyn Fn(News<'_>)) -> Result<PathBuf, Error> {
    let sdk = Sdk::unpack()?;
    let tools = tools(&sdk)?;
    if !is_there("node") {
        return Err(Error::Missing { tool: "node", language: LANGUAGE });
    }
    if !tools.is_ready() {
        return Err(Error::Missing { tool: "componentize-qjs", language: LANGUAGE });
    }
    if wants_starlingmonkey(dir) {
        starlingmonkey(&sdk, &tools, news)?;
    }
    let work = Work::begin(dir)?;
    let component = work.file("plugin.wasm");
    let mut command = Command::new("node");
    command.arg(sdk.of(LANGUAGE).join("build").join("build.mjs")).arg("--plugin").arg(dir);
    command.arg("--sdk").arg(sdk.of(LANGUAGE)).arg("--wit").arg(sdk.wit()).arg("--out").arg(&component);
    command.arg("--tools").arg(tools.folder()).arg("--work").arg(places::builds()?);
    child::compile(command, dir, "the JavaScript build", news)?;
    work.keep(&component)
}

/// Whether the plugin's package.json has `"holdline": {"engine": "starlingmonkey"}`. What else is wrong with the file the script says.
fn wants_starlingmonkey(dir: &Path) -> bool {
    let manifest = fs::read_to_string(dir.join("package.json")).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap_or_default();
    manifest.pointer("/holdline/engine").is_some_and(|engine| engine == STARLINGMONKEY)
}

/// Gets the other engine when a plugin first asks for it: it is four times as large as everything else.
fn starlingmonkey(sdk: &Sdk, tools: &Private, news: &dyn Fn(News<'_>)) -> Result<(), Error> {
    let tools = tools.within(STARLINGMONKEY);
    if tools.is_ready() {
        return Ok(());
    }
    let mut attempts = Attempts::new(news);
    npm(&mut attempts, &sdk.of(LANGUAGE).join("build").join(STARLINGMONKEY), &tools)?;
    if tools.is_ready() { Ok(()) } else { Err(attempts.failed(LANGUAGE, "npm has to reach its registry once".into())) }
}

/// Fills a folder with what the files of another one pin.
fn npm(attempts: &mut Attempts<'_>, pins: &Path, tools: &Private) -> Result<(), Error> {
    tools.fill(|folder| {
        for file in PINS {
            fs::copy(pins.join(file), folder.join(file))?;
        }
        let mut npm = Command::new("npm");
        npm.args(NPM).current_dir(folder);
        Ok(attempts.run(npm, None))
    })
}

fn tools(sdk: &Sdk) -> Result<Private, Error> {
    Private::of(LANGUAGE, sdk.read(LANGUAGE, "build/package-lock.json")?)
}

fn program(tool: &'static str, remedy: &str) -> Check {
    let version = answer(Path::new(tool), &["--version"], Path::new("."));
    Check { tool, state: version.map_or(State::Missing, State::Found), remedy: remedy.into() }
}

fn is_there(tool: &str) -> bool {
    answer(Path::new(tool), &["--version"], Path::new(".")).is_ok()
}
