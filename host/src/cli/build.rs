//! `holdline build`: a plugin's folder into one component that carries its manifest.

use std::path::PathBuf;

use anyhow::Context;

use super::{source, terminal};

/// Builds a plugin's folder into a component.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline build plugins/mirror                      makes plugins/mirror/mirror.wasm\n  \
    holdline build plugins/mirror -o /tmp/mirror.wasm")]
pub(super) struct Build {
    /// The folder, with a plugin.toml in it.
    folder: PathBuf,
    /// Where the component goes; the default is NAME.wasm in the folder.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: Build) -> anyhow::Result<()> {
    let source = source::build(&args.folder)?;
    let output = args.output.unwrap_or_else(|| args.folder.join(format!("{}.wasm", source.manifest.name)));
    std::fs::write(&output, &source.component).with_context(|| format!("{} cannot be written", output.display()))?;
    let kilobytes = source.component.len().div_ceil(1000);
    terminal::line(format!("{} ({kilobytes} kB)", output.display()));
    Ok(())
}
