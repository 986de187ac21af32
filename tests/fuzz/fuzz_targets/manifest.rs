//! The text of `plugin.toml`: it is read, or refused with a place, and says the same when a component carries it.
#![no_main]

use holdline::plugin::{Manifest, embed};
use holdline_fuzz::guest::EMPTY;
use holdline_fuzz::shown::check_error;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let carried = Manifest::of_component(&embed(&EMPTY, text), "x.wasm");
    match Manifest::parse(text, "plugin.toml") {
        Ok(manifest) => {
            let carried = carried.expect("it was read without the component").expect("it was put in");
            assert_eq!(carried, manifest);
            // What is taken in with it: the gate of the plugin.
            let _may_name_a_key_that_is_none = holdline::gate::Entrance::new(manifest.origins, manifest.jwt);
        }
        Err(error) => {
            check_error(&error.to_string());
            assert!(carried.is_err(), "a component carries what is refused alone");
        }
    }
});
