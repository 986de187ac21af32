//! What a component is, for a person to read.

use super::error::LoadError;
use super::manifest::Manifest;
use crate::engine::{Digest, Engine};
use crate::guest::v1::{self, Exports, Template};

/// What a component is, for a person to read.
#[derive(Clone, Debug)]
pub struct Report {
    /// What its bytes are known by.
    pub digest: Digest,
    /// The contract's exports that it has.
    pub exports: Exports,
    /// All that it imports.
    pub imports: Vec<String>,
    /// Its own settings, or the defaults.
    pub manifest: Manifest,
}

/// Checks a component without running it.
///
/// # Errors
/// Says why it cannot run on this host.
pub fn report(engine: &Engine, manifest: Manifest, component: &[u8]) -> Result<Report, LoadError> {
    let name = || manifest.name.clone();
    let loaded = engine.load(component).map_err(|source| LoadError::Component { name: name(), source })?;
    let template =
        Template::prepare(engine, &loaded.component).map_err(|source| LoadError::Prepare { name: name(), source })?;
    Ok(Report {
        digest: loaded.digest,
        exports: template.exports(),
        imports: v1::imports(engine, &loaded.component),
        manifest,
    })
}
