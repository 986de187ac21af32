//! Fuses a component's shim with the module that it is for, so that each instance of the component has one core instance and one
//! table less.
//!
//! The tool that makes components out of modules (`wit-component`) has a problem to solve: an import that takes a string needs the memory of
//! the module that calls it, and that memory is there only after the module was instantiated, with all its imports. So the module is
//! given stand-ins: functions of a *shim* which call through a table, and after the module a *fixup* puts the imports into that table. Here the
//! stand-ins become functions of the module itself, which call through new places at the end of its own table. What a guest can do, and what it
//! sees, is the same.
//!
//! A component of any other shape stays as it is.

mod component;
mod fixup;
mod little_data;
mod main_module;
mod shape;

use shape::Shape;
use wasm_encoder::Module;
use wasm_encoder::reencode::{Error, Reencode, utils};

/// Raised with each change of what comes out of here, so that nobody is served what was made before and kept.
pub(super) const FORM: u32 = 2;

/// The component with its shim fused, if it has one of the known shape.
pub(super) fn fuse(component: &[u8]) -> Option<Vec<u8>> {
    let shape = Shape::of(component)?;
    component::fused(component, &shape).inspect_err(|error| tracing::debug!(%error, "a shim is not fused")).ok()
}

/// It is of another shape after all.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct OtherShape(&'static str);

fn other<T>(why: &'static str) -> Result<T, Error<OtherShape>> {
    Err(Error::UserError(OtherShape(why)))
}

/// Nothing has another number.
struct Unchanged;

impl Reencode for Unchanged {
    type Error = OtherShape;
}

/// Names help whoever reads the stack of a trap. Nobody reads what else is beside the code.
fn keep_names(
    reencoder: &mut impl Reencode<Error = OtherShape>,
    module: &mut Module,
    section: wasmparser::CustomSectionReader<'_>,
) -> Result<(), Error<OtherShape>> {
    if section.name() == "name" { utils::parse_custom_section(reencoder, module, section) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use wasmparser::{Parser, Payload};
    use wasmtime::component::{Component, Linker};
    use wasmtime::{Engine, Store};

    use super::*;
    use crate::digest::Digest;

    /// A component as `wit-component` makes it. Its module imports two functions that take texts, and one that takes a number.
    const SHIMMED: &str = include_str!("shimmed.wat");

    fn bytes(text: &str) -> Vec<u8> {
        wat::parse_str(text).expect("the text is a component")
    }

    fn modules(component: &[u8]) -> usize {
        let sections = Parser::new(0).parse_all(component);
        sections.filter(|it| matches!(it, Ok(Payload::ModuleSection { .. }))).count()
    }

    /// Runs the component. Each import tells its name, and what it was given.
    fn run(component: &[u8]) -> (Vec<String>, wasmtime::Result<u32>) {
        let engine = Engine::default();
        let component = Component::new(&engine, component).expect("it compiles");
        let mut linker = Linker::<Vec<String>>::new(&engine);
        let mut root = linker.root();
        for name in ["one", "two"] {
            root.func_wrap(name, move |mut store, (text,): (String,)| {
                store.data_mut().push(format!("{name} {text}"));
                Ok(())
            })
            .expect("defined");
        }
        root.func_wrap("number", |mut store, (number,): (u32,)| {
            store.data_mut().push(format!("number {number}"));
            Ok(())
        })
        .expect("defined");
        let mut store = Store::new(&engine, Vec::new());
        let instance = linker.instantiate(&mut store, &component).expect("instantiated");
        let run = instance.get_typed_func::<(), (u32,)>(&mut store, "run").expect("it runs");
        let answer = run.call(&mut store, ()).map(|(answer,)| answer);
        (store.into_data(), answer)
    }

    #[test]
    fn a_fused_component_has_no_shim_and_does_the_same() {
        let shimmed = bytes(SHIMMED);
        let fused = fuse(&shimmed).expect("its shape is known");
        assert_eq!((modules(&shimmed), modules(&fused)), (3, 2));
        for component in [&shimmed, &fused] {
            let (said, answer) = run(component);
            assert_eq!(said, ["two b", "number 7", "one a", "one a"]);
            assert_eq!(answer.expect("no trap"), 42);
        }
        assert_eq!(fuse(&fused), None, "there is no shim any more");
    }

    #[test]
    fn another_form_has_another_number() {
        let fused = fuse(&bytes(SHIMMED)).expect("its shape is known");
        let digest = Digest::of(&fused).to_string();
        assert_eq!(
            (FORM, &digest[..16]),
            (2, "sha256:14c65dc51"),
            "what is made has changed: raise the number, and write both down here"
        );
    }

    #[test]
    fn little_data_is_put_into_memory_by_the_fixup_and_all_other_data_stays() {
        let little = r#"(data (i32.const 8) "ab")"#;
        for (what, data, segments) in [
            ("little", little.to_owned(), [0, 1]),
            ("in pieces", format!("{little} (data (i32.const 100) \"c\")"), [0, 2]),
            ("much", format!("{little} (data (i32.const 4096) \"{}\")", "x".repeat(9000)), [2, 0]),
            ("seen by a start", format!("{little} (start $sees) (func $sees i32.const 8 i32.load drop)"), [1, 0]),
            ("named by code", format!("{little} (data \"c\") (func data.drop 1)"), [2, 0]),
        ] {
            let text = SHIMMED.replace(little, &data);
            let fused = fuse(&bytes(&text)).expect("its shape is known");
            let in_modules = Parser::new(0).parse_all(&fused).fold(Vec::new(), |mut counts, payload| {
                match payload.expect("it is a component") {
                    Payload::ModuleSection { .. } => counts.push(0),
                    Payload::DataSection(section) => *counts.last_mut().expect("in a module") += section.count(),
                    _ => {}
                }
                counts
            });
            assert_eq!(in_modules, segments, "{what}");
            let (said, answer) = run(&fused);
            assert_eq!(answer.expect("no trap"), 42, "{what}");
            assert_eq!(said, ["two b", "number 7", "one a", "one a"], "{what}");
        }
    }

    #[test]
    fn the_stack_of_a_trap_has_the_same_names() {
        let trapping = SHIMMED.replace("(; here ;)", "unreachable");
        let names = |component: &[u8]| {
            let trap = run(component).1.expect_err("it traps");
            let stack = trap.downcast::<wasmtime::WasmBacktrace>().expect("with a stack");
            stack.frames().iter().map(|frame| frame.func_name().map(str::to_owned)).collect::<Vec<_>>()
        };
        let trapping = bytes(&trapping);
        let fused = fuse(&trapping).expect("its shape is known");
        assert_eq!(names(&fused), names(&trapping));
        assert_eq!(names(&fused), [Some("inner".to_owned()), Some("run".to_owned())]);
    }

    #[test]
    fn what_has_another_shape_stays_as_it_is() {
        for (what, was, is) in [
            ("a shim that does more", "i32.const 1 call_indirect", "nop i32.const 1 call_indirect"),
            ("places that two functions call", "i32.const 1 call_indirect", "i32.const 0 call_indirect"),
            ("a table that can grow", "(table 2 2 funcref) (; main ;)", "(table 2 9 funcref)"),
            ("a look at the table", "(; here ;)", "table.size drop"),
            ("another user of the shim", "(realloc (core func $realloc))", "(realloc (core func $stand-in-one))"),
            ("a fixup that does more", "(; fixup ;)", "(memory 1)"),
        ] {
            let text = SHIMMED.replace(was, is);
            assert_ne!(text, SHIMMED, "{what}");
            assert_eq!(fuse(&bytes(&text)), None, "{what}");
        }
        assert_eq!(fuse(b"\0asm\x0d\0\x01\0"), None);
        assert_eq!(fuse(b"nothing"), None);
    }
}
