//! What a component is, for a person to read.

use std::collections::BTreeSet;

use super::error::LoadError;
use super::manifest::Manifest;
use crate::engine::{Digest, Engine};
use crate::guest::v1::{self, Exports, Grant, Grants, Template};

/// What a component is, for a person to read.
#[derive(Clone, Debug)]
pub struct Report {
    /// What its bytes are known by.
    pub digest: Digest,
    /// The contract's exports that it has.
    pub exports: Exports,
    /// All that it imports.
    pub imports: Vec<String>,
    /// What has to be granted to it, so that it can run.
    pub grants: BTreeSet<Grant>,
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
    // What it asks for is to be seen, also if nobody grants it.
    let template = Template::prepare(engine, &loaded.component, &Grants::all())
        .map_err(|source| LoadError::Prepare { name: name(), source })?;
    let imports = v1::imports(engine, &loaded.component);
    let grants = imports.iter().filter_map(|import| Grant::of_import(import)).collect();
    Ok(Report { digest: loaded.digest, exports: template.exports(), imports, grants, manifest })
}
