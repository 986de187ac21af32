//! Components that do harm before they are called: while they are read, compiled, and made an instance of.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use holdline::engine::CachePlace;
use holdline::plugin::{Deployment, Manifest};
use holdline::tenant::TenantName;

use crate::harness::{Setup, holdline};
use crate::stage::Stage;

/// A component that exports a worker, with this in its module.
fn component(inside: &str) -> anyhow::Result<Vec<u8>> {
    component_with(1, inside)
}

/// The same, with so many pages of memory.
fn component_with(pages: u32, inside: &str) -> anyhow::Result<Vec<u8>> {
    let text = format!(
        r#"(component
            (core module $m
                (memory (export "memory") {pages})
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 0)
                (func (export "run") (param i32 i32 i32 i32) (result i32) i32.const 0)
                {inside})
            (core instance $i (instantiate $m))
            (func $run (param "name" string) (param "argument" (list u8)) (result (result (error string)))
                (canon lift (core func $i "run") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
            (instance $w (export "run" (func $run)))
            (export "holdline:websocket/worker@0.1.0" (instance $w)))"#
    );
    Ok(wat::parse_str(text)?)
}

fn source(name: &str, manifest: &str, component: Vec<u8>) -> anyhow::Result<Deployment> {
    let manifest = Manifest::parse(&format!("name = {name:?}\n{manifest}"), name)?;
    Ok(Deployment { manifest, component, route: None, tenant: TenantName::default() })
}

/// The text of the error with which a host does not start.
fn refusal(component: Vec<u8>) -> anyhow::Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let setup = Setup::new().source(source("refused", "", component)?);
    Ok(format!("{:?}", anyhow::Error::new(runtime.block_on(setup.refusal())?)))
}

/// Resident workers whose instances are made again and again.
fn in_start(name: &'static str, inside: &str, said: &str) -> anyhow::Result<()> {
    started(name, component(inside)?, said)
}

/// It is tried again and again, and never serves.
fn started(name: &'static str, hostile: Vec<u8>, said: &str) -> anyhow::Result<()> {
    const MANIFEST: &str = "[limits]\ncpu = \"100ms\"";
    let stage = Stage::with(name, Setup::new().source(source(name, "", component("")?)?))?;
    let tried = AtomicBool::new(false);
    let errors = std::thread::scope(|scope| {
        let swaps = scope.spawn(|| {
            let mut errors = Vec::new();
            while errors.is_empty() || !tried.load(Ordering::Relaxed) {
                errors.push(stage.swap(MANIFEST, hostile.clone()));
            }
            errors
        });
        let prompt = stage.echo_is_prompt();
        tried.store(true, Ordering::Relaxed);
        prompt.map(|()| swaps.join())
    })?;
    let Ok(errors) = errors else { anyhow::bail!("a swap panicked") };
    for error in errors {
        let error = error.err().map(|error| format!("{error:?}")).unwrap_or_default();
        ensure!(error.contains("does not start") && error.contains(said), "{error}");
    }
    Ok(())
}

#[test]
fn a_loop_in_start() -> anyhow::Result<()> {
    in_start("start-loops", "(func $s (loop (br 0))) (start $s)", "computed for longer than the 100ms")
}

#[test]
fn a_trap_in_start() -> anyhow::Result<()> {
    in_start("start-traps", "(func $s unreachable) (start $s)", "no instance could be made")
}

#[test]
fn memory_and_tables_that_grow_in_start() -> anyhow::Result<()> {
    let grow = "(table 1 funcref) (func $s (loop
        (drop (memory.grow (i32.const 16))) (drop (table.grow 0 (ref.null func) (i32.const 1000))) (br 0))) (start $s)";
    in_start("start-grows", grow, "computed for longer than the 100ms")
}

#[test]
fn more_memory_than_there_may_be_is_refused_when_it_is_loaded() -> anyhow::Result<()> {
    // Two pieces of data, as far from each other as can be.
    let bomb = r#"(memory 65535) (data (memory 1) (i32.const 0) "a") (data (memory 1) (i32.const 4294836223) "b")"#;
    let text = refusal(component(bomb)?)?;
    ensure!(text.contains("memory"), "{text}");
    Ok(())
}

#[test]
fn more_memory_than_its_plugin_may_have_is_refused_when_an_instance_is_made() -> anyhow::Result<()> {
    // 187 MiB, which the engine could give, with a byte at each end.
    let inside = r#"(data (i32.const 0) "a") (data (i32.const 196000000) "b")"#;
    started("bomb", component_with(3000, inside)?, "no instance could be made")
}

#[test]
fn more_of_anything_than_a_component_may_have_is_refused_when_it_is_loaded() -> anyhow::Result<()> {
    for (inside, what) in [
        ("(table 10000000 funcref)", "table"),
        ("(table 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref)", "table"),
        ("(memory 1) (memory 1)", "memor"),
    ] {
        let text = refusal(component(inside)?)?;
        ensure!(text.contains(what), "{inside}: {text}");
    }
    Ok(())
}

/// Components in components, so deep.
fn nested(depth: usize) -> Vec<u8> {
    const PREAMBLE: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];
    let mut bytes = PREAMBLE.to_vec();
    for _ in 0..depth {
        // The section of a component, and its length in LEB128.
        let (mut length, mut outer) = (bytes.len(), [&PREAMBLE[..], &[4]].concat());
        while length >= 0x80 {
            outer.push((length % 0x80) as u8 | 0x80);
            length /= 0x80;
        }
        outer.push(length as u8);
        outer.append(&mut bytes);
        bytes = outer;
    }
    bytes
}

#[test]
fn nesting_without_end_is_an_error() -> anyhow::Result<()> {
    for depth in [100, 1000, 20_000] {
        let text = refusal(nested(depth))?;
        ensure!(!text.is_empty(), "{depth} components in each other");
    }
    Ok(())
}

/// Functions of many blocks in each other, in each of which there may be a jump to any other: one for each core to be busy with.
fn slow() -> anyhow::Result<Vec<u8>> {
    const DEPTH: usize = 900;
    let locals = "i64 ".repeat(1000);
    let mut text = format!("(func (param i32) (local {locals})\n");
    text.push_str(&"block\n".repeat(DEPTH));
    for depth in 1..=DEPTH {
        text.push_str(&format!("local.get {depth} i64.const {depth} i64.add local.set {depth}\nlocal.get 0 br_table"));
        (0..=DEPTH - depth).for_each(|target| text.push_str(&format!(" {target}")));
        text.push_str("\nend\n");
    }
    text.push_str(")\n");
    component(&text.repeat(std::thread::available_parallelism()?.get()))
}

#[test]
fn compiling_for_ever_is_ended_and_serving_goes_on() -> anyhow::Result<()> {
    let program = holdline(&[])?.as_std().get_program().into();
    let setup = Setup::new().configured(|config| {
        config.engine.compile_with(program);
        config.engine.cache = CachePlace::Nowhere;
        config.engine.compile_timeout = Duration::from_millis(700);
    });
    let setup = setup.source(source("slow", "", component("")?)?);
    let stage = Stage::with("slow", setup)?;
    let slow = slow()?;
    let begun = Instant::now();
    let error = std::thread::scope(|scope| {
        let swap = scope.spawn(|| stage.swap("", slow));
        stage.echo_is_prompt()?;
        anyhow::Ok(swap.join())
    })?;
    let error = match error {
        Ok(Err(error)) => format!("{error:#}"),
        Ok(Ok(())) => anyhow::bail!("it was compiled in {:?}", begun.elapsed()),
        Err(_) => anyhow::bail!("the swap panicked"),
    };
    ensure!(error.contains("took longer than 700ms"), "{error}");
    Ok(())
}
