//! From what a person names, a component or a plugin's folder, to a plugin that can be taken in; and the hint of an error.

use std::path::Path;

use anyhow::{Context, bail};

use super::terminal::Progress;
use crate::app::StartError;
use crate::bench;
use crate::plugin::{DeployError, Deployment, LoadError, MANIFEST_FILE, Manifest, embed};
use crate::tenant::TenantName;
use crate::toolchain::{self, Language};

/// An error that knows what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Advice {
    pub(super) message: String,
    pub(super) hint: String,
}

/// What to do about an error, if one of its causes knows.
pub(super) fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        let known = [
            cause.downcast_ref::<Advice>().map(|advice| advice.hint.clone()),
            cause.downcast_ref::<toolchain::Error>().and_then(toolchain::Error::hint),
            cause.downcast_ref::<StartError>().and_then(StartError::hint),
            cause.downcast_ref::<DeployError>().and_then(DeployError::hint),
            cause.downcast_ref::<LoadError>().and_then(LoadError::hint),
            cause.downcast_ref::<bench::Error>().and_then(bench::Error::hint),
        ];
        known.into_iter().flatten().next()
    })
}

/// Reads a component, or builds a folder first.
pub(super) fn read(path: &Path) -> anyhow::Result<Deployment> {
    if path.is_dir() {
        return build(path);
    }
    if !path.exists() {
        bail!(Advice {
            message: format!("{} does not exist", path.display()),
            hint: "name a .wasm component, or a folder with a plugin.toml".to_owned(),
        });
    }
    Ok(Deployment::read(path)?)
}

/// Builds a plugin's folder into a component that carries its manifest.
pub(super) fn build(folder: &Path) -> anyhow::Result<Deployment> {
    let file = folder.join(MANIFEST_FILE);
    if !file.exists() {
        bail!(Advice {
            message: format!("{} has no {MANIFEST_FILE}", folder.display()),
            hint: format!(
                "write one: name = \"{}\" and language = \"…\" ({}) are enough; `holdline new` writes whole plugins",
                name_of(folder),
                languages()
            ),
        });
    }
    let text = std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let manifest = Manifest::parse(&text, &file.display().to_string())?;
    let Some(language) = manifest.language else {
        bail!(Advice {
            message: format!("{} does not say in which language the plugin is written", file.display()),
            hint: format!("add language = \"…\": {}", languages()),
        });
    };
    let progress = Progress::start(&format!("building {}", manifest.name));
    let built = toolchain::build(folder, language, &|news| progress.hear(news))?;
    let component = std::fs::read(&built).with_context(|| format!("{} cannot be read", built.display()))?;
    progress.done(&format!("built {}", manifest.name));
    Ok(Deployment { component: embed(&component, &text), manifest, route: None, tenant: TenantName::default() })
}

fn languages() -> String {
    Language::ALL.map(Language::id).join(", ")
}

fn name_of(folder: &Path) -> String {
    // `.` has no name of its own.
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
