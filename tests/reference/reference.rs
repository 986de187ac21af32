//! `wit/REFERENCE.md` is made from the WIT, by Bytecode Alliance's Markdown generator, and says what the WIT says.
//! `UPDATE=1 cargo test --release --package holdline-reference` makes it anew.
#![cfg(test)]

use std::path::Path;

use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_markdown::Opts;

#[test]
fn the_reference_says_what_the_wit_says() {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit.join("websocket")).expect("the WIT is well-formed");
    let world = resolve.select_world(&[package], Some("plugin")).expect("the world of a whole plugin");
    let mut files = Files::default();
    Opts::default().build().generate(&mut resolve, world, &mut files).expect("the generator knows all of it");
    let (_, made) = files.iter().find(|(name, _)| name.ends_with(".md")).expect("a Markdown file");
    let made = String::from_utf8(made.to_vec()).expect("text");
    let file = wit.join("REFERENCE.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &made).expect("the reference is written");
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(there == made, "wit/REFERENCE.md is not what the WIT says; UPDATE=1 makes it anew");
}
