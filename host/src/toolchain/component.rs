//! Makes a component of a core module, as the compilers of C and Go leave it.
//!
//! What a plugin exports is in the module's own names, so its world is composed from them: a plugin has the handlers that it wrote,
//! and no others. A module that carries a type of its own is taken at its word.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::error::Error;

/// The package of the contract, as names of exports begin with it.
const PACKAGE: &str = "holdline:websocket/";

/// The section in which compilers leave the type that a module is to have as a component.
const TYPE_SECTION: &str = "component-type";

/// The component of this module. `wit` is the folder of the contract.
///
/// # Errors
/// It exports nothing that the host calls, or is not what its names say.
pub(super) fn componentize(module: Vec<u8>, wit: &Path) -> Result<Vec<u8>, Error> {
    encode(module, wit).map_err(|error| Error::NotAComponent { reason: format!("{error:#}") })
}

fn encode(mut module: Vec<u8>, wit: &Path) -> anyhow::Result<Vec<u8>> {
    let found = Found::read(&module)?;
    if !found.has_type {
        let mut resolve = Resolve::default();
        resolve.push_dir(wit)?;
        let package = resolve.push_str("world.wit", &world(&found.exports)?)?;
        let world = resolve.select_world(&[package], None)?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    }
    ComponentEncoder::default()
        .module(&module)?
        .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)?
        .validate(true)
        .encode()
}

/// What a module says of itself.
struct Found {
    /// Interfaces of the contract with their version, such as `handler@0.1.0`.
    exports: BTreeSet<String>,
    has_type: bool,
}

impl Found {
    fn read(module: &[u8]) -> anyhow::Result<Self> {
        let mut found = Self { exports: BTreeSet::new(), has_type: false };
        for payload in Parser::new(0).parse_all(module) {
            match payload.context("the compiler left no WebAssembly module")? {
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        let interface = export.name.strip_prefix(PACKAGE).and_then(|name| name.split_once('#'));
                        found.exports.extend(interface.map(|(interface, _)| interface.to_owned()));
                    }
                }
                Payload::CustomSection(section) if section.name().starts_with(TYPE_SECTION) => found.has_type = true,
                _ => {}
            }
        }
        Ok(found)
    }
}

/// The world with these exports and everything that a plugin may import.
fn world(exports: &BTreeSet<String>) -> anyhow::Result<String> {
    anyhow::ensure!(
        !exports.is_empty(),
        "it exports no handler, worker, timer handler, channel handler or connect handler"
    );
    let mut world = String::from("package holdline:built;\nworld built {\n");
    for export in exports {
        let (interface, version) = export.split_once('@').with_context(|| format!("`{export}` has no version"))?;
        // The contract has a world for each export, named after it.
        world.push_str(&format!("  include {PACKAGE}{interface}-plugin@{version};\n"));
    }
    world.push_str("}\n");
    Ok(world)
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{ExportKind, ExportSection, Module};

    use super::*;

    fn module(exports: &[&str]) -> Vec<u8> {
        let mut section = ExportSection::new();
        for name in exports {
            section.export(name, ExportKind::Memory, 0);
        }
        let mut module = Module::new();
        module.section(&section);
        module.finish()
    }

    #[test]
    fn the_world_has_what_the_module_exports() {
        let found = Found::read(&module(&[
            "memory",
            "holdline:websocket/handler@0.1.0#on-open",
            "holdline:websocket/handler@0.1.0#on-message",
            "holdline:websocket/worker@0.1.0#run",
        ]));
        let world = world(&found.expect("a module").exports).expect("a world");
        assert!(world.contains("  include holdline:websocket/handler-plugin@0.1.0;\n"));
        assert!(world.contains("  include holdline:websocket/worker-plugin@0.1.0;\n"));
        assert_eq!(world.matches("include").count(), 2);
    }

    #[test]
    fn a_module_without_handlers_is_refused_with_the_reason() {
        let found = Found::read(&module(&["memory"])).expect("a module");
        let error = world(&found.exports).expect_err("no world");
        assert!(error.to_string().starts_with("it exports no handler"), "{error}");
    }
}
