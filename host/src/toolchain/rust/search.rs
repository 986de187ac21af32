//! The search for a Rust guest toolchain: what of each way to one is on this machine.
//!
//! The ordinary way is rustup's `wasm32-wasip2`, precompiled. Where no rustup component can be downloaded, Debian's compiler
//! builds the standard library from its packaged sources, and the ordinary toolchain lends its linker. [`Rust`] asks here.
//! Tools are run only for their version and their folders, and nothing is changed.

use std::env;
use std::path::{Path, PathBuf};

use super::{Rust, TARGET, Way};
use crate::toolchain::check::{Check, State};
use crate::toolchain::child::answer;
use crate::toolchain::error::Error;

/// What Debian calls the compiler, its library's sources, and the C library below them.
pub(super) const PACKAGES: [&str; 3] = ["rustc-web", "rust-web-src", "wasi-libc"];

const RUSTUP_SITE: &str = "https://rustup.rs";

/// Where the tools are looked for.
#[derive(Debug)]
pub(super) struct Places {
    cargo: PathBuf,
    rustc: PathBuf,
    debian_rustc: PathBuf,
    wasi_libc: PathBuf,
}

/// A compiler that knows the guests' target, whether or not it has a library for it.
#[derive(Debug)]
struct Compiler {
    version: String,
    sysroot: PathBuf,
}

/// What of both ways is on this machine.
#[derive(Debug)]
pub(super) struct Findings {
    places: Places,
    cargo: Result<String, String>,
    rustc: Option<Compiler>,
    target: Option<PathBuf>,
    debian: Option<Compiler>,
    sources: Option<PathBuf>,
    wasi_libc: Option<PathBuf>,
    linker: Option<PathBuf>,
    wasm_ld: Option<PathBuf>,
}

impl Default for Places {
    fn default() -> Self {
        Places {
            cargo: "cargo".into(),
            rustc: env::var_os("RUSTC").map_or_else(|| "rustc".into(), PathBuf::from),
            // In full, because rustup's compiler usually comes first on the PATH.
            debian_rustc: "/usr/bin/rustc".into(),
            wasi_libc: "/usr/lib/wasm32-wasi".into(),
        }
    }
}

impl Findings {
    pub(super) fn look(places: Places, dir: &Path) -> Findings {
        let rustc = Compiler::ask(&places.rustc, dir);
        let debian = Compiler::ask(&places.debian_rustc, dir);
        let tools = rustc.as_ref().and_then(|rustc| {
            let host = answer(&places.rustc, &["--print", "host-tuple"], dir).ok()?;
            Some(rustc.sysroot.join("lib/rustlib").join(host).join("bin"))
        });
        let tool = |name| tools.as_ref().and_then(|tools| present(tools.join(name)));
        Findings {
            cargo: answer(&places.cargo, &["--version"], dir),
            target: rustc.as_ref().and_then(|rustc| present(rustc.sysroot.join("lib/rustlib").join(TARGET))),
            sources: debian.as_ref().and_then(|debian| present(debian.sources().join("library"))),
            // By its one file that every guest needs: a removed package may leave its folder behind.
            wasi_libc: present(places.wasi_libc.join("libc.a")).map(|_| places.wasi_libc.clone()),
            linker: tool("wasm-component-ld"),
            // Not `rust-lld` beside it: that one wants to be told by its own file's name which linker it is.
            wasm_ld: tool("gcc-ld/wasm-ld"),
            places,
            rustc,
            debian,
        }
    }

    /// The precompiled standard library comes before Debian's, because it builds faster.
    pub(super) fn choose(self) -> Result<Rust, Error> {
        if let Err(reason) = self.cargo {
            return Err(Error::NoCargo { reason });
        }
        let (way, compiler) = match self {
            Findings { target: Some(_), rustc: Some(rustc), .. } => (Way::Target, rustc),
            Findings {
                debian: Some(debian),
                sources: Some(_),
                wasi_libc: Some(wasi_libc),
                linker: Some(linker),
                wasm_ld: Some(wasm_ld),
                ..
            } => {
                let way = Way::Debian { rustc: self.places.debian_rustc, wasi_libc, linker, wasm_ld };
                (way, debian)
            }
            _ => return Err(Error::NoTarget { target: TARGET }),
        };
        Ok(Rust::new(self.places.cargo, way, compiler.sources()))
    }

    pub(super) fn checks(&self) -> Vec<Check> {
        let version = |compiler: &Option<Compiler>| compiler.as_ref().map(|c| c.version.clone());
        let place = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let missing_means = |found: Option<String>, absent: State| found.map_or(absent, State::Found);
        let check = |tool, state, remedy: String| Check { tool, state, remedy };
        let [compiler, sources, libc] = PACKAGES.map(|package| format!("apt-get install {package}"));

        let debian_parts = [
            ("Debian's rustc", version(&self.debian), compiler),
            ("Debian's library sources", place(&self.sources), sources),
            ("wasi-libc", place(&self.wasi_libc), libc),
            ("wasm-component-ld", place(&self.linker), RUSTUP_SITE.into()),
            ("wasm-ld", place(&self.wasm_ld), RUSTUP_SITE.into()),
        ];
        let debian_is_whole = debian_parts.iter().all(|(_, found, _)| found.is_some());
        let without_target = if debian_is_whole { State::Spare } else { State::Missing };

        let mut checks = vec![
            check("cargo", missing_means(self.cargo.clone().ok(), State::Missing), RUSTUP_SITE.into()),
            check("rustc", missing_means(version(&self.rustc), State::Missing), RUSTUP_SITE.into()),
            check(TARGET, missing_means(place(&self.target), without_target), format!("rustup target add {TARGET}")),
        ];
        // Debian's parts are a way round the missing target. With the target there, they would only puzzle the reader.
        if self.target.is_none() {
            checks.extend(
                debian_parts.map(|(tool, found, remedy)| check(tool, missing_means(found, State::Missing), remedy)),
            );
        }
        checks
    }
}

impl Compiler {
    /// Asks with the target named, so that a compiler too old to know it counts as absent.
    fn ask(rustc: &Path, dir: &Path) -> Option<Compiler> {
        let sysroot = answer(rustc, &["--print", "sysroot", "--target", TARGET], dir).ok()?;
        Some(Compiler { version: answer(rustc, &["--version"], dir).ok()?, sysroot: sysroot.into() })
    }

    fn sources(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib/src/rust")
    }
}

fn present(path: PathBuf) -> Option<PathBuf> {
    path.exists().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiler(sysroot: &str) -> Option<Compiler> {
        Some(Compiler { version: "rustc 1.95.0".into(), sysroot: sysroot.into() })
    }

    /// A machine that has everything, from which each test takes something away.
    fn both_ways() -> Findings {
        Findings {
            places: Places::default(),
            cargo: Ok("cargo 1.95.0".into()),
            rustc: compiler("/rustup"),
            target: Some("/rustup/lib/rustlib/wasm32-wasip2".into()),
            debian: compiler("/usr"),
            sources: Some("/usr/lib/rustlib/src/rust/library".into()),
            wasi_libc: Some("/usr/lib/wasm32-wasi".into()),
            linker: Some("/rustup/bin/wasm-component-ld".into()),
            wasm_ld: Some("/rustup/bin/gcc-ld/wasm-ld".into()),
        }
    }

    fn state_of(findings: &Findings, tool: &str) -> Option<State> {
        let mut checks = findings.checks().into_iter();
        checks.find(|check| check.tool == tool).map(|c| c.state)
    }

    #[test]
    fn the_precompiled_library_comes_first() {
        let findings = both_ways();
        assert!(state_of(&findings, "wasi-libc").is_none());
        let rust = findings.choose().unwrap();
        assert!(rust.summary().contains("rustup's wasm32-wasip2"));
    }

    #[test]
    fn debian_stands_in_for_a_missing_target() {
        let findings = Findings { target: None, ..both_ways() };
        assert_eq!(state_of(&findings, TARGET), Some(State::Spare));
        let rust = findings.choose().unwrap();
        assert!(rust.summary().contains("/usr/bin/rustc"));
    }

    #[test]
    fn half_of_debian_is_not_a_way() {
        let findings = Findings { target: None, wasi_libc: None, ..both_ways() };
        assert_eq!(state_of(&findings, TARGET), Some(State::Missing));
        assert_eq!(state_of(&findings, "wasi-libc"), Some(State::Missing));
        let error = findings.choose().unwrap_err();
        assert_eq!(error.hint().unwrap(), "holdline doctor --install rust");
    }

    #[test]
    fn without_cargo_the_reason_is_told() {
        let places = Places { cargo: "no-such-cargo".into(), ..Places::default() };
        let error = Findings::look(places, Path::new(".")).choose().unwrap_err();
        assert!(error.to_string().starts_with("cargo does not run here: "));
        assert!(error.hint().unwrap().contains("rustup.rs"));
    }

    #[test]
    fn empty_places_hold_no_toolchain() {
        let nowhere = || PathBuf::from("/no/such/place");
        let places = Places { rustc: nowhere(), debian_rustc: nowhere(), wasi_libc: nowhere(), ..Places::default() };
        let findings = Findings::look(places, Path::new("."));
        assert_eq!(state_of(&findings, "rustc"), Some(State::Missing));
        assert!(matches!(findings.choose(), Err(Error::NoTarget { .. })));
    }
}
