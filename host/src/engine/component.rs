//! From bytes to a component that can run: out of the cache, or compiled.

use std::time::Instant;

use wasmtime::component::Component;

use super::fuse::fuse;
use super::{CompileError, Digest, Engine};

/// A component that can run.
pub struct Loaded {
    /// It.
    pub component: Component,
    /// What its bytes are known by.
    pub digest: Digest,
    /// Where its machine code comes from.
    pub made: Made,
}

/// Where machine code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It was compiled now.
    Now,
    /// It was kept from before.
    Before,
}

/// Why the bytes are no component that this host can run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// They are not WebAssembly at all.
    #[error("not WebAssembly: it does not begin with `\\0asm`")]
    NotWasm,
    /// They are a core module.
    #[error("a core WebAssembly module, not a component")]
    CoreModule,
    /// They are more than the host compiles.
    #[error("the component has {size} bytes, more than the {limit} that this host compiles")]
    TooLarge {
        /// How many they are.
        size: usize,
        /// How many they may be.
        limit: usize,
    },
    /// They are broken, or use what this engine has not.
    #[error("the component is broken or needs what this host's engine does not have")]
    Invalid(#[source] wasmtime::Error),
    /// It was not compiled.
    #[error("the component cannot be compiled here")]
    Compile(#[from] CompileError),
}

impl LoadError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotWasm => Some("give the .wasm file that `holdline build DIR` makes, or the folder itself"),
            Self::CoreModule => {
                Some("build for wasm32-wasip2, or make a component of it with `wasm-tools component new`")
            }
            Self::TooLarge { .. } => Some("raise `component-size` under [engine] in the configuration"),
            Self::Compile(CompileError::TooLong(_)) => {
                Some("raise `compile-timeout` under [engine] if the component is to be trusted")
            }
            Self::Compile(CompileError::Died { .. }) => {
                Some("raise `compile-memory` under [engine] if the component is to be trusted")
            }
            Self::Invalid(_) | Self::Compile(_) => None,
        }
    }
}

impl Engine {
    /// Makes a component of its bytes. One that is not in the cache is compiled, which takes all cores for as long as it lasts, so
    /// keep it off the threads that serve.
    ///
    /// # Errors
    /// Says what the bytes are instead.
    pub fn load(&self, bytes: &[u8]) -> Result<Loaded, LoadError> {
        // The preamble of the binary format: four bytes of magic, a version, and a layer that is 1 for components.
        match bytes {
            [0, b'a', b's', b'm', _, _, 1, 0, ..] => {}
            [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => return Err(LoadError::CoreModule),
            _ => return Err(LoadError::NotWasm),
        }
        if bytes.len() > self.component_size {
            return Err(LoadError::TooLarge { size: bytes.len(), limit: self.component_size });
        }
        let digest = Digest::of(bytes);
        let kept = self.cache.as_ref().and_then(|cache| cache.find(&self.inner, digest));
        let (component, made) = match kept {
            Some(component) => (component, Made::Before),
            None => (self.compile(bytes, digest)?, Made::Now),
        };
        Ok(Loaded { component, digest, made })
    }

    fn compile(&self, bytes: &[u8], digest: Digest) -> Result<Component, LoadError> {
        let begun = Instant::now();
        let component = match &self.compiler {
            Some(compiler) => {
                let code = compiler.compile(bytes)?;
                // An emulator may show this process another processor than its child. What compiles within the bounds there does so here.
                revive(&self.inner, &code).or_else(|_| make(&self.inner, bytes))
            }
            None => make(&self.inner, bytes),
        }
        .map_err(LoadError::Invalid)?;
        tracing::debug!(%digest, took = ?begun.elapsed(), "compiled");
        if let Some(cache) = &self.cache {
            cache.keep(digest, &component);
        }
        Ok(component)
    }
}

/// Compiles a component. What is known to be cheaper to instantiate is compiled in its place.
pub(super) fn make(engine: &wasmtime::Engine, bytes: &[u8]) -> wasmtime::Result<Component> {
    let fused = fuse(bytes).and_then(|fused| Component::new(engine, fused).ok());
    // What is wrong with a component is said of the component itself.
    fused.map_or_else(|| Component::new(engine, bytes), Ok)
}

#[allow(unsafe_code, reason = "machine code is run as another process wrote it")]
fn revive(engine: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` has to be what `Component::serialize` returned. It is what this very program wrote, which this process has started
    // for it (`compiler`), into a pipe that nobody else has, before it said that it has done so.
    unsafe { Component::deserialize(engine, code) }
}
