"""Builds a plugin's folder into a component. It runs on the Python of an environment that has `requirements.txt` installed:

    python build.py --plugin DIR --sdk DIR --wit DIR --out FILE [--work DIR]

`--sdk` is the folder of the SDK (the one above this file), and `--wit` the one with the contract's `.wit` files. Nothing is written
into these, nor into the plugin's folder. `--work` keeps what the plugin's requirements were installed to, so that only the first
build needs the network; without it that is a folder of the user's cache.

The exit code is 0 if the component is there, and 1 if not; then the tool's own words are on standard error. Progress is on standard
output, a line for each step.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ENTRY = "plugin.py"

# What no module of a plugin is.
IGNORED = shutil.ignore_patterns(".*", "__pycache__", "*.wasm", "node_modules", "target", "venv")


class Failed(Exception):
    """Why there is no component. Without a text the tool that failed has said it."""


def main() -> int:
    options = arguments()
    try:
        build(options)
    except Failed as failed:
        if failed.args:
            print(f"error: {failed}", file=sys.stderr)
        return 1
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Builds a plugin's folder into a component.")
    parser.add_argument("--plugin", type=Path, required=True, help="the plugin's folder")
    parser.add_argument("--sdk", type=Path, required=True, help="the SDK's folder")
    parser.add_argument("--wit", type=Path, required=True, help="the folder with the contract's .wit files")
    parser.add_argument("--out", type=Path, required=True, help="the component")
    parser.add_argument("--work", type=Path, help="the folder that keeps installed requirements")
    options = parser.parse_args()
    for name in ["plugin", "sdk", "wit", "out", "work"]:
        path = getattr(options, name)
        setattr(options, name, path and path.resolve())
    return options


def build(options: argparse.Namespace) -> None:
    if not (options.plugin / ENTRY).is_file():
        raise Failed(f"{options.plugin} has no {ENTRY}")
    packages = requirements(options.plugin, options.work or cache())
    with tempfile.TemporaryDirectory(prefix="holdline-") as folder:
        stage = Path(folder)
        # Copies, because the Python inside the component writes what it compiles beside the sources.
        app = copied(options.plugin, stage / "app")
        sdk = copied(options.sdk / "holdline", stage / "sdk" / "holdline").parent
        path = [app, sdk, *packages]
        exported = exports(options.plugin, options.sdk, path, stage)
        wit = world(options.wit, exported, stage / "wit")
        made = stage / "plugin.wasm"
        step("componentizing")
        componentize(wit, path, [options.plugin, options.sdk, *packages], made, stage)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, options.out)


def requirements(plugin: Path, work: Path) -> list[Path]:
    """Installs what the plugin needs, unless that was done before. The folders to find it in: one or none."""
    listed, project = plugin / "requirements.txt", plugin / "pyproject.toml"
    if listed.is_file():
        wanted = listed.read_text()
        arguments = ["--requirement", str(listed)]
    elif project.is_file():
        arguments = dependencies(project)
        wanted = "\n".join(arguments)
    else:
        return []
    if all(not line.strip() or line.lstrip().startswith("#") for line in wanted.splitlines()):
        return []
    # A requirement may be a path, which is one of this folder; a wheel may be one for this Python.
    key = hashlib.sha256("\0".join([str(plugin), sys.version, wanted]).encode()).hexdigest()[:16]
    installed = work / key
    if not installed.is_dir():
        step("installing the requirements")
        work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=work, prefix="installing-") as folder:
            target = Path(folder) / "packages"
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
            run([*pip, "--no-compile", "--target", str(target), *arguments], plugin)
            put(target, installed)
    return [installed]


def dependencies(project: Path) -> list[str]:
    try:
        needed = tomllib.loads(project.read_text()).get("project", {}).get("dependencies", [])
    except tomllib.TOMLDecodeError as error:
        raise Failed(f"{project}: {error}") from None
    return [str(requirement) for requirement in needed]


def put(made: Path, place: Path) -> None:
    """Another build of the same plugin may have been faster, with the same packages."""
    try:
        made.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def copied(source: Path, to: Path) -> Path:
    shutil.copytree(source, to, ignore=IGNORED)
    return to


def exports(plugin: Path, sdk: Path, path: list[Path], stage: Path) -> list[str]:
    """The interfaces for which the plugin has a function."""
    step("importing the plugin")
    names = stage / "exports"
    script = Path(__file__).with_name("exports.py")
    # Its own bindings come last: those of the component do not exist yet.
    run([sys.executable, "-B", str(script), str(names), str(plugin), *map(str, [*path, sdk / "bindings"])], stage)
    exported = names.read_text().split()
    if not exported:
        raise Failed(f"{ENTRY} has no function with a decorator of holdline, such as @on_message: the plugin would do nothing")
    return exported


def world(wit: Path, exported: list[str], to: Path) -> Path:
    """The contract, with a world that has what this plugin exports and no more."""
    to.mkdir()
    for file in wit.glob("*.wit"):
        shutil.copy(file, to)
    lines = ["world composed {", "  include imports;", *(f"  export {name};" for name in exported), "}", ""]
    (to / "composed.wit").write_text("\n".join(lines))
    return to


def componentize(wit: Path, path: list[Path], shown: list[Path], out: Path, stage: Path) -> None:
    """In errors, a folder of the path is called what `shown` has in its place."""
    paths = [argument for folder in path for argument in ["--python-path", str(folder)]]
    tool = [sys.executable, "-c", "from componentize_py import script; script()"]
    world = ["--quiet", "--wit-path", str(wit), "--world", "composed"]
    # It looks for more modules where the shell's environment and `pipenv` and `python3` say: there are to be none.
    nothing = stage / "environment"
    (nothing / "lib" / "site-packages").mkdir(parents=True)
    env = {**os.environ, "PATH": str(nothing), "VIRTUAL_ENV": str(nothing), "RUST_BACKTRACE": "0"}
    command = [*tool, *world, "componentize", *paths, "--output", str(out), "holdline.component"]
    made = subprocess.run(command, cwd=stage, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    error = made.stderr
    if made.returncode != 0:
        # What happened in the component's Python stands between the tool's own traceback and a short form of the same.
        error = error.partition("AssertionError: ")[2].partition("\n\nCaused by:")[0] or error
        for position, folder in enumerate(shown):
            error = error.replace(f'File "/{position}/', f'File "{folder}/')
    sys.stderr.write(error.rstrip() + "\n" if error.strip() else "")
    if made.returncode != 0:
        raise Failed("there is no component: what is imported has to work on CPython 3.14 without threads, sockets and ctypes")


def run(command: list[str], folder: Path) -> None:
    if subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL).returncode != 0:
        raise Failed


def cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "holdline" / "python"


def step(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
