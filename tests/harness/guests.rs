//! The guests of `tests/guests` and the sample plugins, built once for each test process by the product's own toolchain.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use anyhow::{Context, ensure};
use holdline::plugin::Manifest;
use holdline::toolchain::Rust;
use serde_json::Value;

use super::program::root;

/// A guest of `tests/guests`, by its name.
#[derive(Clone, Copy)]
pub(crate) struct Guest(&'static str);

/// A guest that no test uses does not compile, and one that is not here is refused after the build.
macro_rules! guests {
    ($($(#[$attribute:meta])* $guest:ident = $name:literal),+ $(,)?) => {
        $($(#[$attribute])* pub(crate) const $guest: Guest = Guest($name);)+
        const GUESTS: &[&str] = &[$($name),+];
    };
}

guests! {
    #[allow(dead_code, reason = "it is the benchmark's, which is a program of its own")]
    AT_ONCE = "at_once",
    #[allow(dead_code, reason = "it is the suite's")]
    CALLER = "caller",
    COUNTER = "counter",
    #[allow(dead_code, reason = "it is the benchmark's, which is a program of its own")]
    CRIER = "crier",
    GATE = "gate",
    #[allow(dead_code, reason = "it is the benchmark's, which is a program of its own")]
    HOLDER = "holder",
    #[allow(dead_code, reason = "it is for the tests of hostile guests, which are a program of their own")]
    HOSTILE = "hostile",
    #[allow(dead_code, reason = "it is the suite's")]
    KEEPER = "keeper",
    #[allow(dead_code, reason = "it is the benchmark's, which is a program of its own")]
    MUTE = "mute",
    POSTMAN = "postman",
    PUPPET = "puppet",
    #[allow(dead_code, reason = "it is the benchmark's, which is a program of its own")]
    RELAY = "relay",
    SILENT = "silent",
    #[allow(dead_code, reason = "it is the soak's, which is a program of its own")]
    SOAK = "soak",
}

/// The manifest of `soak`: it takes its work from workers, and tells the channel `events` of each connection that opens and closes.
#[allow(dead_code, reason = "it is that of the soak and of the faults, which are programs of their own")]
pub(crate) const SOAK_MANIFEST: &str = r#"
isolation = "pooled"
[[worker]]
name = "work"
instances = 4
[[channel]]
name = "events"
capacity = 1048576
"#;

/// The plugins of `plugins/`.
const SAMPLES: [&str; 8] = ["ask", "chat", "echo", "fallback", "mirror", "reminder", "stream", "ticker"];

impl Guest {
    /// Its component.
    pub(crate) fn component(self) -> anyhow::Result<Vec<u8>> {
        component(self.0)
    }
}

/// A sample plugin: its own manifest and its component.
pub(crate) fn sample(name: &str) -> anyhow::Result<(Manifest, Vec<u8>)> {
    let file = root().join("plugins").join(name).join("plugin.toml");
    let manifest = Manifest::parse(&std::fs::read_to_string(&file)?, &file.display().to_string())?;
    Ok((manifest, component(name)?))
}

fn component(name: &str) -> anyhow::Result<Vec<u8>> {
    static BUILT: OnceLock<Result<HashMap<String, PathBuf>, String>> = OnceLock::new();
    // Every test that needs a guest tells of a build that failed.
    let built = BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    let built = built.as_ref().map_err(|error| anyhow::anyhow!("the guests were not built: {error}"))?;
    let path = built.get(name).with_context(|| format!("there is no guest `{name}`"))?;
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn build() -> anyhow::Result<HashMap<String, PathBuf>> {
    let output = Rust::find(root())?
        .cargo_build()
        .args(["--package", "holdline-test-guests", "--examples"])
        .args(SAMPLES.into_iter().flat_map(|name| ["--package", name]))
        .arg("--lib")
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(root())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo does not run")?;
    ensure!(output.status.success(), "cargo ended with {}", output.status);
    let built: HashMap<String, PathBuf> =
        String::from_utf8_lossy(&output.stdout).lines().filter_map(artifact).collect();
    let in_tests = |path: &Path| path.parent().is_some_and(|folder| folder.ends_with("examples"));
    let unused = built.iter().find(|(name, path)| in_tests(path) && !GUESTS.contains(&name.as_str()));
    ensure!(unused.is_none(), "the guest {unused:?} is used by no test");
    Ok(built)
}

/// The name and the component in a line of cargo's messages, if there is one in it.
fn artifact(line: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let name = message.pointer("/target/name")?.as_str()?;
    let files = message.get("filenames")?.as_array()?;
    let file = files.iter().filter_map(Value::as_str).find(|file| file.ends_with(".wasm"))?;
    Some((name.to_owned(), file.into()))
}
