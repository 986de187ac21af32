//! One build of a Cargo package into one component. It puts nothing into the component that the compiler did not.

use std::env;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Rust;
use crate::toolchain::child::{self, End, Output};
use crate::toolchain::error::Error;
use crate::toolchain::{News, require};

/// A line of cargo's message stream, as far as it matters here.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        manifest_path: PathBuf,
        target: CrateTarget,
        filenames: Vec<PathBuf>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct CrateTarget {
    kind: Vec<String>,
}

/// Builds the package in `dir`: the component, where cargo left it.
pub(in crate::toolchain) fn build(dir: &Path, news: &dyn Fn(News<'_>)) -> Result<PathBuf, Error> {
    // Without this look, cargo would go up to a parent's Cargo.toml and build that.
    let manifest = require(dir, "Cargo.toml")?;
    let mut command = Rust::find(dir)?.cargo_build();
    command.arg("--message-format=json-render-diagnostics").current_dir(dir);
    if wants_colour() {
        command.args(["--color", "always"]);
    }

    let mut component = None;
    let end = child::listen(command, None, |output, line| match output {
        Output::Stdout => component = component_in(line, &manifest).or(component.take()),
        Output::Stderr => news(sort(line, &plain(line))),
    })?;
    match end {
        End::Exited(status) if status.success() => component.ok_or_else(|| Error::NoComponent { dir: dir.into() }),
        end => Err(Error::Refused { dir: dir.into(), tool: "cargo", status: end.to_string() }),
    }
}

/// The component that a message tells of, if it is the one of the package with this manifest. A package has at most one
/// library; its programs, which a plugin may have for its own upkeep, are not what a host loads.
fn component_in(line: &str, manifest: &Path) -> Option<PathBuf> {
    // A line that is no message is a procedural macro's own print, which is nobody's business here.
    let Message::CompilerArtifact { manifest_path, target, filenames } = serde_json::from_str(line).ok()? else {
        return None;
    };
    let is_plugin = manifest_path == manifest && target.kind.iter().any(|kind| kind == "cdylib");
    let is_component = |file: &PathBuf| file.extension().is_some_and(|ending| ending == "wasm");
    filenames.into_iter().find(is_component).filter(|_| is_plugin)
}

/// Cargo and the compiler write through a pipe here, so they cannot see that a person reads along.
fn wants_colour() -> bool {
    let unspoken = |name| env::var_os(name).is_none();
    io::stderr().is_terminal() && unspoken("NO_COLOR") && unspoken("CARGO_TERM_COLOR")
}

/// Tells cargo's steps from everything else. Cargo sets a step's verb flush right in twelve columns, as in
/// `   Compiling serde v1.0.0`, which no line of a diagnostic looks like.
fn sort<'a>(line: &'a str, plain: &'a str) -> News<'a> {
    const VERB_COLUMNS: usize = 12;
    let verb = plain.split_at_checked(VERB_COLUMNS);
    let is_step = verb.is_some_and(|(verb, rest)| {
        let verb = verb.trim_start();
        rest.starts_with(' ')
            && verb.starts_with(|first: char| first.is_ascii_uppercase())
            && verb.chars().all(|letter| letter.is_ascii_alphabetic())
    });
    if is_step { News::Step(plain.trim_start()) } else { News::Line(line) }
}

/// The line without its colours: escape sequences that end in `m`.
fn plain(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or("", |(_, text)| text));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARTIFACT: &str = r#"{"reason":"compiler-artifact","package_id":"path+file:///p/echo#0.1.0",
        "manifest_path":"/p/echo/Cargo.toml","target":{"kind":["cdylib","rlib"],"crate_types":["cdylib","rlib"],"name":"echo"},
        "filenames":["/t/libecho.rlib","/t/echo.wasm"],"executable":null,"fresh":false}"#;

    fn found(line: &str) -> Option<PathBuf> {
        component_in(line, Path::new("/p/echo/Cargo.toml"))
    }

    #[test]
    fn the_component_of_the_package_is_found() {
        assert_eq!(found(ARTIFACT), Some("/t/echo.wasm".into()));
    }

    #[test]
    fn other_packages_programs_and_prints_are_passed_over() {
        assert_eq!(found(&ARTIFACT.replace("/p/echo/Cargo", "/p/other/Cargo")), None);
        assert_eq!(found(&ARTIFACT.replace("\"cdylib\"", "\"bin\"")), None);
        assert_eq!(found(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(found("a macro says hello"), None);
    }

    #[test]
    fn steps_are_told_from_diagnostics() {
        for (line, news) in [
            ("   Compiling g v0.1.0 (/p/g)", News::Step("Compiling g v0.1.0 (/p/g)")),
            ("error: expected `;`", News::Line("error: expected `;`")),
            ("  --> src/lib.rs:3:1", News::Line("  --> src/lib.rs:3:1")),
            ("   |", News::Line("   |")),
            ("", News::Line("")),
        ] {
            assert_eq!(sort(line, &plain(line)), news);
        }
    }

    #[test]
    fn a_coloured_step_loses_its_colours_and_a_line_keeps_them() {
        let step = "\u{1b}[1m\u{1b}[92m   Compiling\u{1b}[0m g v0.1.0";
        assert_eq!(sort(step, &plain(step)), News::Step("Compiling g v0.1.0"));
        let line = "\u{1b}[91merror\u{1b}[0m: no";
        assert_eq!(sort(line, &plain(line)), News::Line(line));
    }
}
