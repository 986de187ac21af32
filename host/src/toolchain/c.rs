//! C: clang makes a core module of a folder's `.c` files and the SDK's, and the host makes that a component. The compiler is a wasi-sdk's
//! where `WASI_SDK_PATH` names one, else Debian's.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::check::{Check, State};
use super::child::{self, answer};
use super::component::componentize;
use super::error::Error;
use super::install::Attempts;
use super::places::Work;
use super::sdk::Sdk;
use super::{Language, News};

const LANGUAGE: Language = Language::C;

/// The one of Debian's compilers that is installed where there is none, and with which plugins are tested.
const PACKAGES: [&str; 4] = ["clang-22", "lld-22", "libclang-rt-22-dev-wasm32", "wasi-libc"];

/// Those of Debian's compilers that have a runtime for WebAssembly, the newest first.
const DEBIAN: [&str; 3] = ["clang-22", "clang-19", "clang-16"];

/// What wasi-libc's package has, without which the compiler of Debian is none.
const DEBIAN_LIBC: &str = "/usr/lib/wasm32-wasi/libc.a";

/// What the compiler is told of Debian's C library.
const DEBIAN_PLACES: [&str; 5] =
    ["-nostdlibinc", "-isystem", "/usr/include/wasm32-wasi", "-B/usr/lib/wasm32-wasi", "-L/usr/lib/wasm32-wasi"];

/// A module whose functions are called from outside, with a stack of 1 MiB that lies below everything else, so that one that overflows is
/// a trap and not another's memory.
const MODULE: [&str; 6] = [
    "--target=wasm32-wasip1",
    "-mexec-model=reactor",
    "-Wl,--stack-first",
    "-Wl,-z,stack-size=1048576",
    "-Wl,--strip-debug",
    "-O2",
];

/// A compiler for WebAssembly.
#[derive(Debug)]
struct Clang {
    program: PathBuf,
    version: String,
    places: &'static [&'static str],
}

pub(super) fn report() -> Vec<Check> {
    let state = Clang::find()
        .map_or(State::Missing, |clang| State::Found(format!("{}: {}", clang.program.display(), clang.version)));
    let remedy = format!("a wasi-sdk in WASI_SDK_PATH, or apt-get install {}", PACKAGES.join(" "));
    vec![Check { tool: "clang for WebAssembly", state, remedy }]
}

pub(super) fn install(news: &dyn Fn(News<'_>)) -> Result<(), Error> {
    if Clang::find().is_some() {
        return Ok(());
    }
    let mut attempts = Attempts::new(news);
    let by_hand = attempts.debian(&PACKAGES);
    match Clang::find() {
        Some(_) => Ok(()),
        None => Err(attempts.failed(LANGUAGE, by_hand.unwrap_or_else(|| "put a wasi-sdk into WASI_SDK_PATH".into()))),
    }
}

pub(super) fn build(dir: &Path, news: &dyn Fn(News<'_>)) -> Result<PathBuf, Error> {
    let Some(clang) = Clang::find() else {
        return Err(Error::Missing { tool: "clang for WebAssembly", language: LANGUAGE });
    };
    let sources = sources(dir)?;
    if sources.is_empty() {
        return Err(Error::NotAPlugin { dir: dir.into(), file: "file that ends in .c" });
    }
    let sdk = Sdk::unpack()?;
    let ours = sdk.of(LANGUAGE);
    let work = Work::begin(dir)?;
    let mut command = Command::new(&clang.program);
    command.args(MODULE).args(clang.places).args(["-Wall", "-Wextra"]).arg("-I").arg(ours.join("include"));
    // In the folder and by their names there, so that no path of this machine gets into the module.
    command.current_dir(dir).args(&sources);
    command.arg(format!("-ffile-prefix-map={}=holdline", ours.display()));
    command.args(self::sources(&ours.join("src"))?.iter().map(|file| ours.join("src").join(file)));
    command.arg(ours.join("bindings").join("wire_unexported.c")).arg("-o").arg(work.file("core.wasm"));
    child::compile(command, dir, "clang", news)?;
    let component = componentize(work.read("core.wasm")?, &sdk.wit())?;
    let component = work.write("plugin.wasm", component)?;
    work.keep(&component)
}

impl Clang {
    fn find() -> Option<Self> {
        let asked = |program: PathBuf, places| {
            let here = Path::new(".");
            let version = answer(&program, &["--version"], here).ok()?;
            // A compiler may be there without what it needs for WebAssembly.
            let runtime = answer(&program, &["--target=wasm32-wasip1", "-print-libgcc-file-name"], here).ok()?;
            if !Path::new(&runtime).exists() {
                return None;
            }
            Some(Self { version: version.lines().next().unwrap_or_default().to_owned(), program, places })
        };
        if let Some(sdk) = env::var_os("WASI_SDK_PATH") {
            return asked(PathBuf::from(sdk).join("bin").join("clang"), &[]);
        }
        if !Path::new(DEBIAN_LIBC).exists() {
            return None;
        }
        DEBIAN.iter().find_map(|program| asked(program.into(), &DEBIAN_PLACES))
    }
}

/// The names of a folder's `.c` files, always in the same order.
fn sources(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Unwritable { path: dir.into(), source };
    let mut sources = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let name = PathBuf::from(entry.map_err(failed)?.file_name());
        if name.extension() == Some(OsStr::new("c")) {
            sources.push(name);
        }
    }
    sources.sort();
    Ok(sources)
}
