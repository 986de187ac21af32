//! `cargo verify`: everything that has to hold before a change is good, one step after the other. It installs what a step needs
//! and is not there. `cargo verify STEP…` runs only those steps.
#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]

mod cargo;

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

type Outcome = Result<(), Box<dyn Error>>;

/// A step's name, what it promises, and how it is run.
type Step = (&'static str, &'static str, fn(&Path) -> Outcome);

const STEPS: [Step; 12] = [
    ("fmt", "the code is formatted", fmt),
    ("clippy", "the lints have nothing to say", clippy),
    ("doc", "the documentation builds without a warning", doc),
    ("build", "the host builds", build),
    ("guests", "the guest toolchains of all languages are there", guests),
    ("sdks", "what the SDKs do without a host is right", sdks),
    ("test", "unit tests, the suite, the model and the house rules pass", test),
    ("fuzz", "no input is too much for what reads it", fuzz),
    ("instructions", "no message takes more instructions than it did", instructions),
    ("demo", "the demo's own client is content", demo),
    ("page", "the demo page works in a browser", page),
    ("clients", "clients of others connect over TLS with a token", clients),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|name| !STEPS.iter().any(|(step, ..)| step == name)) {
        println!("there is no step `{unknown}`; the steps are:");
        for (name, promise, _) in STEPS {
            println!("  {name:<12} {promise}");
        }
        return ExitCode::FAILURE;
    }
    let root = root();
    let mut passed = Vec::new();
    for (name, promise, step) in STEPS {
        if !wanted.is_empty() && !wanted.iter().any(|it| it == name) {
            continue;
        }
        println!("\n── {name}: {promise}");
        let begun = Instant::now();
        if let Err(error) = step(&root) {
            println!("\n{name} failed: {error}\nhint: `cargo verify {name}` runs this step alone");
            return ExitCode::FAILURE;
        }
        passed.push((name, begun.elapsed()));
    }
    println!();
    for (name, took) in &passed {
        println!("{name:<12} {:>6.1} s", took.as_secs_f64());
    }
    println!("{} passed, 0 failed", passed.len());
    ExitCode::SUCCESS
}

/// The workspace: this package is a folder of it.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

fn fmt(root: &Path) -> Outcome {
    cargo(root, "fmt --all --check")?;
    cargo(root, "fmt --manifest-path tests/fuzz/Cargo.toml --check")
}

// The release profile throughout, so that what is compiled for one step serves the next.
fn clippy(root: &Path) -> Outcome {
    cargo(root, "clippy --release --workspace --all-targets -- -D warnings")
}

fn doc(root: &Path) -> Outcome {
    let mut command = cargo_command(root, "doc --release --workspace --no-deps --document-private-items");
    run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

fn build(root: &Path) -> Outcome {
    cargo(root, "build --release --package holdline")
}

fn guests(root: &Path) -> Outcome {
    const LANGUAGES: &str = "rust javascript python go c";
    // Named, so that one that cannot be had fails this step instead of being left out.
    run(&mut command(root, holdline(root), &format!("doctor --install {LANGUAGES}")))
}

fn sdks(root: &Path) -> Outcome {
    let sdk = |language: &str| root.join("guest-sdk").join(language);
    run(&mut command(&sdk("js"), "node", "--test"))?;
    let python = sdk("python");
    run(command(&python, "python3", "-B -m unittest discover -s tests").env("PYTHONPATH", ".:bindings"))?;
    if is_there("go") {
        run(&mut command(&sdk("go"), "go", "vet ./..."))?;
        run(&mut command(&sdk("go"), "go", "test ./..."))?;
    } else {
        println!("*** left out: the Go SDK's own tests, because no go is on the path");
    }
    let test = holdline(root).with_file_name("json_test");
    let mut compile = command(&sdk("c"), "cc", "-fsanitize=address,undefined -Iinclude tests/json_test.c");
    compile.args(["src/error.c", "src/json.c", "src/json_text.c", "src/memory.c", "-o"]);
    run(compile.arg(&test))?;
    run(&mut Command::new(&test))
}

fn test(root: &Path) -> Outcome {
    // Apart from the rest, as the manifest of that package says.
    cargo(root, "test --release --workspace --exclude holdline-reference")?;
    cargo(root, "test --release --package holdline-reference")
}

fn fuzz(root: &Path) -> Outcome {
    const TARGETS: [&str; 6] = ["upgrade", "frames", "config", "manifest", "component", "imports"];
    // As tests/README.md says, and why.
    const BUILT: &str = "--fuzz-dir tests/fuzz --release --sanitizer none --codegen-units 16";
    let fuzz = |arguments: &str| run(cargo_command(root, &format!("fuzz {arguments}")).env("RUSTC_BOOTSTRAP", "1"));
    let is_there = cargo_command(root, "fuzz --version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !is_there.is_ok_and(|status| status.success()) {
        cargo(root, "install cargo-fuzz --locked --version 0.13.2")?;
    }
    fuzz(&format!("build {BUILT}"))?;
    for target in TARGETS {
        // What is found is not put into the corpus of the repository: a person decides about that.
        let found = format!("tests/fuzz/target/found/{target}");
        std::fs::create_dir_all(root.join(&found))?;
        let dictionary = if matches!(target, "config" | "manifest") { "settings" } else { target };
        let dictionary = format!("tests/fuzz/dictionaries/{dictionary}.dict");
        let dictionary = if root.join(&dictionary).exists() { format!("-dict={dictionary}") } else { String::new() };
        let limits = "-max_total_time=20 -timeout=20 -max_len=8192 -verbosity=0 -print_final_stats=1";
        fuzz(&format!("run {BUILT} {target} {found} tests/fuzz/corpus/{target} -- {limits} {dictionary}"))?;
    }
    Ok(())
}

fn instructions(root: &Path) -> Outcome {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        println!("left out: the recorded figures are those of x86-64 Linux");
        return Ok(());
    }
    if !is_there("valgrind") {
        install(root, "valgrind")?;
    }
    cargo(root, "instructions")
}

fn demo(root: &Path) -> Outcome {
    cargo(root, "demo --check")
}

fn page(root: &Path) -> Outcome {
    let folder = root.join("tests").join("page");
    if !is_there("npm") {
        install(root, "nodejs npm")?;
    }
    if !Path::new("/usr/bin/chromium").exists() {
        install(root, "chromium")?;
    }
    run(&mut command(&folder, "npm", "ci --no-audit --no-fund"))?;
    let mut host = command(root, holdline(root), "demo --listen 127.0.0.1:0").stdout(Stdio::piped()).spawn()?;
    let checked = host.stdout.take().ok_or("the demo has no output").and_then(|output| {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        let url = lines.flat_map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        url.into_iter().find(|word| word.starts_with("http://")).ok_or("the demo did not say where it is")
    });
    let outcome = match checked {
        Ok(url) => run(command(&folder, "node", "page.mjs").arg(url)),
        Err(error) => Err(error.into()),
    };
    host.kill()?;
    host.wait()?;
    outcome
}

fn clients(root: &Path) -> Outcome {
    let folder = root.join("tests").join("clients");
    for (program, packages) in
        [("npm", "nodejs npm"), ("chromium", "chromium"), ("curl", "curl"), ("openssl", "openssl")]
    {
        if !is_there(program) {
            install(root, packages)?;
        }
    }
    run(&mut command(&folder, "npm", "ci --no-audit --no-fund"))?;
    let venv = folder.join(".venv");
    if run(&mut command(&folder, "python3", "-m venv .venv")).is_err() {
        install(root, "python3-venv")?;
        run(&mut command(&folder, "python3", "-m venv .venv"))?;
    }
    run(&mut command(&folder, venv.join("bin").join("pip"), "install --quiet --requirement requirements.txt"))?;
    cargo(root, "test --release --package holdline-tests --test clients")
}

fn holdline(root: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("release").join("holdline")
}

fn is_there(program: &str) -> bool {
    // With these it is not an option.
    let version = if matches!(program, "go" | "openssl") { "version" } else { "--version" };
    Command::new(program).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Debian's packages, with the rights that this needs.
fn install(root: &Path, packages: &str) -> Outcome {
    let root_user = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.starts_with(b"0\n"));
    let apt = |arguments: &str| {
        let mut apt = if root_user {
            command(root, "apt-get", arguments)
        } else {
            command(root, "sudo", &format!("-n apt-get {arguments}"))
        };
        run(apt.env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt("update")?;
    apt(&format!("install -y --no-install-recommends {packages}"))
}

fn cargo(root: &Path, arguments: &str) -> Outcome {
    run(&mut cargo_command(root, arguments))
}

fn cargo_command(root: &Path, arguments: &str) -> Command {
    called(cargo::command(), root, arguments)
}

fn command(folder: &Path, program: impl AsRef<std::ffi::OsStr>, arguments: &str) -> Command {
    called(Command::new(program), folder, arguments)
}

fn called(mut command: Command, folder: &Path, arguments: &str) -> Command {
    command.current_dir(folder).args(arguments.split_whitespace()).stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> Outcome {
    let shown = format!("{command:?}");
    let status = command.status().map_err(|error| format!("{shown}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{shown}: {status}").into()) }
}
