//! `holdline compile`: what the host starts for each component that it compiles. It is not for people.

use std::io::{stdin, stdout};

use bytesize::ByteSize;

use crate::engine::compile_here;

/// Compiles the component on standard input, and writes machine code to standard output.
#[derive(Debug, clap::Args)]
pub(super) struct Compile {
    /// The most memory that an instance can be given.
    #[arg(long)]
    instance_memory: u64,
    /// How much memory compiling may take.
    #[arg(long)]
    memory: u64,
    /// How many seconds of each core.
    #[arg(long)]
    seconds: u64,
}

pub(super) fn run(args: &Compile) -> anyhow::Result<()> {
    let (instance_memory, memory) = (ByteSize::b(args.instance_memory), ByteSize::b(args.memory));
    compile_here(instance_memory, memory, args.seconds, stdin().lock(), stdout().lock())?;
    Ok(())
}
