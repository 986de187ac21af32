//! Guests of a page of WAT each: a fuzz target needs no compiler of another language, and an execution hardly any time for its guest.

use std::path::{Path, PathBuf};

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{PackageId, Resolve};

/// A component that has nothing.
pub const EMPTY: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

/// Sends every message back.
pub fn echo() -> Vec<u8> {
    of_contract(include_str!("guests/echo.wat"), &["handler"])
}

/// Decides by the query who may connect.
pub fn gate() -> Vec<u8> {
    of_contract(include_str!("guests/gate.wat"), &["connect-handler", "handler"])
}

fn of_contract(module: &str, exports: &[&str]) -> Vec<u8> {
    let mut resolve = Resolve::default();
    contract(&mut resolve);
    let exports: Vec<_> = exports.iter().map(|it| format!("export holdline:websocket/{it}@0.1.0;")).collect();
    let text = format!(
        "package fuzz:guest; world guest {{ include holdline:websocket/imports@0.1.0; {} }}",
        exports.join(" ")
    );
    let package = resolve.push_str("guest.wit", &text).expect("a world");
    component(&resolve, package, module)
}

/// The WIT of the contract.
pub fn contract(resolve: &mut Resolve) -> PackageId {
    resolve.push_dir(wit("websocket")).expect("the contract").0
}

/// The WIT of what can be granted.
pub fn capabilities(resolve: &mut Resolve) -> PackageId {
    resolve.push_dir(wit("capabilities")).expect("the capabilities").0
}

fn wit(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit").join(folder)
}

/// The component of a module in WAT, in the one world of this package.
pub fn component(resolve: &Resolve, package: PackageId, module: &str) -> Vec<u8> {
    let mut module = wat::parse_str(module).expect("a module");
    let world = resolve.select_world(&[package], None).expect("one world");
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).expect("a module of the world");
    let mut encoder = ComponentEncoder::default().module(&module).expect("a module of the world").validate(true);
    encoder.encode().expect("a component")
}
