//! `[outgoing]`: requests of plugins to the outside.

use std::path::PathBuf;

use serde::Deserialize;

/// What holds for the requests of all plugins.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// A file of certificates in PEM that are trusted beside those of the public authorities. Relative to the configuration file.
    pub roots: Option<PathBuf>,
}
