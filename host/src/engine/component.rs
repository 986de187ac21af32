//! From bytes to a component that can run.

use wasmtime::component::Component;

use super::Engine;

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
            Self::Invalid(_) => None,
        }
    }
}

impl Engine {
    /// Compiles a component. Takes all cores for as long as it lasts, so keep it off the threads that serve.
    ///
    /// # Errors
    /// Says what the bytes are instead.
    pub fn compile(&self, bytes: &[u8]) -> Result<Component, LoadError> {
        // The preamble of the binary format: four bytes of magic, a version, and a layer that is 1 for components.
        match bytes {
            [0, b'a', b's', b'm', _, _, 1, 0, ..] => {}
            [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => return Err(LoadError::CoreModule),
            _ => return Err(LoadError::NotWasm),
        }
        if bytes.len() > self.component_size {
            return Err(LoadError::TooLarge { size: bytes.len(), limit: self.component_size });
        }
        Component::new(&self.inner, bytes).map_err(LoadError::Invalid)
    }
}
