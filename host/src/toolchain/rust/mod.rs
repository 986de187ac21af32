//! Rust: a Cargo package whose library is a `cdylib`.
//!
//! [`Rust`] is the guest toolchain once it is found: the cargo command that builds guests with it, which whoever compiles guests in
//! bulk runs himself. What may be installed where is the search's business.

mod build;
mod install;
mod search;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(super) use build::build;
pub(super) use install::install;
use search::{Findings, Places};

use super::check::Check;
use super::error::Error;

/// The target of every guest: components with WASI 0.2.
const TARGET: &str = "wasm32-wasip2";

/// A toolchain that can build Rust guests.
#[derive(Debug)]
pub struct Rust {
    cargo: PathBuf,
    way: Way,
    /// Folders whose place differs between machines, each with the name that stands for it inside a component.
    renamed: Vec<(PathBuf, &'static str)>,
}

/// Where the standard library of guests comes from.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    /// Precompiled, from the active toolchain.
    Target,
    /// Compiled by Debian's compiler from its sources.
    Debian { rustc: PathBuf, wasi_libc: PathBuf, linker: PathBuf, wasm_ld: PathBuf },
}

impl Rust {
    fn new(cargo: PathBuf, way: Way, sources: PathBuf) -> Rust {
        Rust { cargo, way, renamed: renamed(sources) }
    }

    /// Finds what builds the package in `dir`: rustup may choose another toolchain for every folder.
    pub fn find(dir: &Path) -> Result<Rust, Error> {
        Findings::look(Places::default(), dir).choose()
    }

    /// What `find` looked for, what it found, and how to get the rest.
    #[must_use]
    pub fn report(dir: &Path) -> Vec<Check> {
        Findings::look(Places::default(), dir).checks()
    }

    /// A sentence about the way that guests are built.
    #[must_use]
    pub fn summary(&self) -> String {
        match &self.way {
            Way::Target => format!("Rust guests are built with rustup's {TARGET}"),
            Way::Debian { rustc, .. } => {
                format!("Rust guests are built with {} and its library's sources", rustc.display())
            }
        }
    }

    /// `cargo build` for guests, to be given its folder, and more flags where wanted.
    #[must_use]
    pub fn cargo_build(&self) -> Command {
        let mut command = Command::new(&self.cargo);
        command.args(["build", "--release", "--target", TARGET]);
        // Either variable replaces the flags below instead of joining them, and what it holds was meant for this machine's
        // own programs. The wrapper is clippy's, when clippy started what runs us.
        for meant_for_others in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER"] {
            command.env_remove(meant_for_others);
        }
        // `--config` rather than variables: it joins the flags of the package's own .cargo/config.toml, and a path may hold
        // a space.
        let mut flags: Vec<String> = self.renamed.iter().map(rename_flag).collect();
        if let Way::Debian { rustc, wasi_libc, linker, wasm_ld } = &self.way {
            // Building the standard library is an unstable feature of a stable compiler, hence the bootstrap switch.
            command
                .args(["-Z", "build-std=std,panic_abort"])
                .env("RUSTC", rustc)
                .env("RUSTC_BOOTSTRAP", "1")
                .args(["--config", &setting("linker", linker)]);
            flags.push("-Clink-self-contained=no".into());
            flags.push(format!("-L{}", wasi_libc.display()));
            flags.push(format!("-Clink-arg=--wasm-ld-path={}", wasm_ld.display()));
        }
        command.args(["--config", &setting("rustflags", &flags)]);
        command
    }
}

/// The folders that a panic message in a component would otherwise name. None of them depends on the plugin, because a flag
/// that did would have the standard library compiled anew for each.
fn renamed(rust_sources: PathBuf) -> Vec<(PathBuf, &'static str)> {
    let home = env::home_dir().filter(|home| home.parent().is_some());
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    // The compiler applies the last that fits, and the later ones may lie inside the home folder.
    let mut renamed: Vec<_> = home.map(|home| (home, "~")).into_iter().collect();
    renamed.extend(cargo_home.map(|cargo_home| (cargo_home, "~/.cargo")));
    renamed.push((rust_sources, "/rustc"));
    renamed
}

fn rename_flag((folder, name): &(PathBuf, &'static str)) -> String {
    format!("--remap-path-prefix={}={name}", folder.display())
}

/// A setting of the target in cargo's configuration. JSON's strings and lists are TOML's too.
fn setting(key: &str, value: &(impl serde::Serialize + ?Sized)) -> String {
    let value = serde_json::json!(value);
    format!("target.{TARGET}.{key}={value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(way: Way) -> Vec<String> {
        let rust = Rust::new("cargo".into(), way, "/sources".into());
        let command = rust.cargo_build();
        let args = command.get_args().map(|arg| arg.to_string_lossy());
        args.map(String::from).collect()
    }

    #[test]
    fn both_ways_hide_where_the_sources_lay() {
        let flags = args(Way::Target).pop().unwrap();
        assert!(flags.starts_with("target.wasm32-wasip2.rustflags=["));
        assert!(flags.contains("\"--remap-path-prefix=/sources=/rustc\""));
    }

    #[test]
    fn debian_borrows_the_linker_even_from_a_folder_with_a_space() {
        let args = args(Way::Debian {
            rustc: "/usr/bin/rustc".into(),
            wasi_libc: "/usr/lib/wasm32-wasi".into(),
            linker: "/my tools/wasm-component-ld".into(),
            wasm_ld: "/my tools/wasm-ld".into(),
        });
        let linker = "target.wasm32-wasip2.linker=\"/my tools/wasm-component-ld\"";
        assert!(args.iter().any(|arg| arg == linker));
        let flags = args.last().unwrap();
        assert!(flags.contains("\"-Clink-arg=--wasm-ld-path=/my tools/wasm-ld\""));
    }
}
