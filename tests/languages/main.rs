//! Plugins in every language, as their authors meet them: the real program, the real compilers. Apart from the suite, because compilers
//! take all of a machine, and the suite looks at the clock.
#![allow(dead_code, unused_imports, reason = "it uses a part of what the suite stands on")]

#[path = "../harness/mod.rs"]
mod harness;

mod authors;
mod dev;
mod exceptions;
