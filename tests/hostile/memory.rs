//! Guests that take all the memory that they can get, and the stack.

use crate::stage::Stage;

const MIB: u64 = 1 << 20;

/// What the host takes beside: the measuring itself, the pool's bookkeeping, pages that instances have touched and that are kept for
/// the next ones (64 KiB for each of 64).
const BESIDE: u64 = 32 * MIB;

const SMALL: &str = "[limits]\nmemory = \"16MiB\"\ncpu = \"5m\"\ntimeout = \"5m\"";

#[test]
fn eating_memory_in_small_pieces() -> anyhow::Result<()> {
    let stage = Stage::new("eats", SMALL)?;
    let before = stage.memory()?;
    stage.attack(4, "", "eat 64");
    stage.echo_is_prompt()?;
    stage.says("refused more memory")?;
    stage.memory_stays_below(before + 4 * 16 * MIB + BESIDE)
}

#[test]
fn asking_for_more_than_there_is_in_one_go() -> anyhow::Result<()> {
    let stage = Stage::new("asks-for-much", SMALL)?;
    let before = stage.memory()?;
    stage.attack(4, "", "eat 1000000");
    stage.echo_is_prompt()?;
    stage.says("refused more memory")?;
    stage.memory_stays_below(before + 4 * 16 * MIB + BESIDE)
}

#[test]
fn recursion_without_end() -> anyhow::Result<()> {
    let stage = Stage::new("recurses", SMALL)?;
    let before = stage.memory()?;
    stage.attack(4, "", "recurse 0");
    stage.echo_is_prompt()?;
    stage.says("trapped")?;
    stage.memory_stays_below(before + 4 * 16 * MIB + BESIDE)
}
