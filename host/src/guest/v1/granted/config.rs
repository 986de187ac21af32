//! `wasi:config/store`: what the tenant has configured, and its secrets under `secrets/`. A secret is told only to who asks for it by
//! its name.

use super::bindings::wasi::config::store::{Error, Host};
use crate::guest::v1::state::State;

/// How the keys of secrets begin.
const SECRETS: &str = "secrets/";

impl Host for State {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, Error>> {
        let capabilities = self.owner.granted.now();
        Ok(Ok(match key.strip_prefix(SECRETS) {
            Some(name) => capabilities.secret(name),
            None => capabilities.config().get(&key).cloned(),
        }))
    }

    fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, Error>> {
        let capabilities = self.owner.granted.now();
        let config = capabilities.config();
        Ok(Ok(config.iter().map(|(key, value)| (key.clone(), value.clone())).collect()))
    }
}
