//! The rules of the house that a compiler does not know: storeys, file length, a first line that says what a file promises, WIT
//! that is documented, names that say nothing, keys that are documented.
#![allow(clippy::expect_used, clippy::panic, reason = "a rule that cannot be checked is a rule that is broken")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// No file may be longer.
const MAX_LINES: usize = 400;

/// Names that say nothing about what they name.
const EMPTY_NAMES: [&str; 7] = ["utils", "util", "common", "helpers", "misc", "manager", "base"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is a folder of the workspace").to_owned()
}

/// All files below a folder with this ending, without what is built or fetched.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            let name = entry.file_name().expect("a name").to_string_lossy().into_owned();
            if entry.is_dir() {
                if !matches!(name.as_str(), "target" | "node_modules") {
                    folders.push(entry);
                }
            } else if name.ends_with(ending) {
                let path = entry.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
                found.push((path, fs::read_to_string(&entry).expect("text")));
            }
        }
    }
    assert!(!found.is_empty(), "there is no {ending} below {folder}: this rule checks nothing");
    found.sort();
    found
}

fn rust() -> Vec<(String, String)> {
    ["host/src", "guest-sdk/rust", "plugins", "tests"].into_iter().flat_map(|folder| files(folder, ".rs")).collect()
}

/// The storey of each room, as lib.rs draws it: its `mod` lines in groups divided by blank lines, the lowest first.
fn storeys() -> HashMap<String, usize> {
    let lib = fs::read_to_string(root().join("host/src/lib.rs")).expect("lib.rs");
    let mut storeys = HashMap::new();
    for (storey, group) in lib.split("\n\n").enumerate() {
        for line in group.lines() {
            if let Some(room) = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) {
                storeys.insert(room.to_owned(), storey);
            }
        }
    }
    assert!(storeys.len() > 5, "lib.rs draws no house any more: {storeys:?}");
    storeys
}

#[test]
fn a_room_uses_only_rooms_below_its_own_storey() {
    let storeys = storeys();
    let mut broken = Vec::new();
    for (path, text) in files("host/src", ".rs") {
        let room = path.trim_start_matches("host/src/").split(['/', '.']).next().expect("a room").to_owned();
        let Some(own) = storeys.get(&room) else { continue };
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for used in code.split("crate::").skip(1) {
                let used = used.split(|char: char| !(char.is_alphanumeric() || char == '_')).next().unwrap_or_default();
                let place = format!("{path}:{}", number + 1);
                if used.is_empty() {
                    // A list hides its edges from the eye, except in the rooms that put everything together.
                    let listed = code.split("crate::{").nth(1).unwrap_or_default();
                    for name in listed.trim_end_matches(['}', ';', ' ']).split(',') {
                        check(&storeys, &room, *own, name.trim(), &place, &mut broken);
                    }
                } else {
                    check(&storeys, &room, *own, used, &place, &mut broken);
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn check(storeys: &HashMap<String, usize>, room: &str, own: usize, used: &str, place: &str, broken: &mut Vec<String>) {
    match storeys.get(used) {
        Some(storey) if used != room && *storey >= own => {
            broken.push(format!("{place}: `{room}` uses `{used}`, which is not below it"));
        }
        Some(_) => {}
        None => broken.push(format!("{place}: `crate::{used}` is not a room of lib.rs")),
    }
}

#[test]
fn the_two_hearts_are_strangers() {
    for (heart, foreign) in [("host/src/hub", "wasm"), ("host/src/engine", "WebSocket")] {
        for (path, text) in files(heart, ".rs") {
            let uses = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in uses {
                assert!(!line.contains(foreign), "{path} knows of {foreign}: {line}");
            }
        }
    }
}

#[test]
fn no_file_is_longer_than_a_person_can_hold_in_mind() {
    for (path, text) in rust() {
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{path} has {lines} lines, more than {MAX_LINES}");
    }
}

#[test]
fn every_file_begins_by_saying_what_it_promises() {
    for (path, text) in rust() {
        assert!(text.starts_with("//! "), "{path} does not begin with `//! `");
    }
}

#[test]
fn every_part_of_the_wit_is_documented() {
    for (path, text) in files("wit", ".wit") {
        let mut documented = false;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            let is_part = ["interface ", "world ", "type ", "variant ", "enum ", "record ", "resource "]
                .iter()
                .any(|keyword| line.starts_with(keyword))
                || line.contains(": func(")
                || line.contains(": static func(")
                || line.starts_with("constructor(");
            // A case or a field: a name, with a type or without, and a comma.
            let is_case = line.ends_with(',') && !line.contains(':') | line.contains(": ") && !line.contains("func");
            if is_part || is_case && !line.starts_with("///") {
                assert!(documented, "{path}:{}: `{line}` has no `///`", number + 1);
            }
            documented = line.starts_with("///");
        }
    }
}

/// Name and version of all packages of a lock file.
fn locked(file: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join(file)).expect("a lock file");
    let packages = text.split("[[package]]\n").skip(1);
    let key = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        line.expect("each package has it").trim_matches('"').to_owned()
    };
    packages.map(|package| (key(package, "name"), key(package, "version"))).collect()
}

#[test]
fn what_is_fuzzed_stands_on_the_same_versions() {
    let all = locked("Cargo.lock");
    for (name, version) in locked("tests/fuzz/Cargo.lock") {
        let is_other = all.iter().any(|(other, _)| *other == name) && !all.contains(&(name.clone(), version.clone()));
        assert!(!is_other, "tests/fuzz/Cargo.lock has {name} {version}: copy Cargo.lock over it, and build");
    }
}

#[test]
fn no_name_says_nothing() {
    for (path, _) in rust() {
        for part in path.split(['/', '.']) {
            assert!(!EMPTY_NAMES.contains(&part), "{path}: `{part}` says nothing about what is in it");
        }
    }
}

#[test]
fn the_rooms_are_where_the_architecture_says() {
    let architecture = fs::read_to_string(root().join("host/ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    for room in storeys().keys() {
        assert!(architecture.contains(&format!("`{room}")), "ARCHITECTURE.md does not speak of `{room}`");
    }
}

#[test]
fn every_configuration_key_is_documented() {
    let readme = fs::read_to_string(root().join("host/CONFIGURATION.md")).expect("CONFIGURATION.md");
    let rooms = files("host/src", ".rs").into_iter().filter(|(path, _)| {
        path.ends_with("settings.rs")
            || path.ends_with("config/mod.rs")
            || path.ends_with("manifest.rs")
            || path.ends_with("telemetry/mod.rs")
            || path.ends_with("tenant/limits.rs")
    });
    for (path, text) in rooms {
        let mut settings = false;
        for line in text.lines() {
            if line.contains("derive(") {
                settings = line.contains("Deserialize");
            }
            if line.starts_with('}') {
                settings = false;
            }
            let field = line.strip_prefix("    pub ").and_then(|rest| rest.split_once(':'));
            if let Some((name, _)) = field.filter(|_| settings) {
                let key = name.replace('_', "-");
                let key = match key.as_str() {
                    "plugins" if !path.ends_with("limits.rs") => "plugin",
                    "tenants" => "tenant",
                    "workers" => "worker",
                    "channels" if path.ends_with("manifest.rs") => "channel",
                    other => other,
                };
                assert!(readme.contains(&format!("`{key}`")), "{path}: the key `{key}` is not in CONFIGURATION.md");
            }
        }
    }
}
