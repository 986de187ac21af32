//! The OpenAPI document as the rules of the gate: which operations there are, what each needs, and which query keys it knows. What is
//! written there is what is enforced.

use std::collections::HashMap;

use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::DOCUMENT;
use crate::token::Action;

/// One operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// What the token's role must allow; none needs no token.
    pub(super) action: Option<Action>,
    /// Whose matter it is.
    pub(super) scope: OperationScope,
    /// The query keys that it knows.
    query: Vec<String>,
    /// What the audit log calls it, if it changes something.
    pub(super) what: Option<&'static str>,
}

/// Whose matter an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OperationScope {
    /// The host's.
    Host,
    /// That of the tenant in its path, or of whoever asks.
    Tenant,
}

/// All operations, by path and method.
#[derive(Debug)]
pub(super) struct Document {
    operations: HashMap<(String, Method), Operation>,
}

/// The document of this very program cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the description of the admin API cannot be read: {0}")]
pub struct BadDocument(#[from] serde_json::Error);

impl Document {
    pub(super) fn read() -> Result<Self, BadDocument> {
        let document: Value = serde_json::from_str(DOCUMENT)?;
        let mut operations = HashMap::new();
        let no_items = serde_json::Map::new();
        for (path, item) in document.pointer("/paths").and_then(Value::as_object).unwrap_or(&no_items) {
            for (name, operation) in item.as_object().unwrap_or(&no_items) {
                let Some(method) = method(name) else { continue };
                let action = operation.get("x-action").map(Action::deserialize).transpose()?;
                let is_hosts = operation.get("x-scope").is_some_and(|scope| scope == "host");
                let scope = if is_hosts { OperationScope::Host } else { OperationScope::Tenant };
                let query = query(&document, operation);
                let what = what(&method, path);
                operations.insert((path.clone(), method), Operation { action, scope, query, what });
            }
        }
        Ok(Self { operations })
    }

    /// The operation of a method at a path of the document.
    pub(super) fn find(&self, path: &str, method: &Method) -> Option<&Operation> {
        let method = if method == Method::HEAD { Method::GET } else { method.clone() };
        self.operations.get(&(path.to_owned(), method))
    }
}

impl Operation {
    pub(super) fn knows(&self, key: &str) -> bool {
        self.query.iter().any(|known| known == key)
    }
}

fn method(name: &str) -> Option<Method> {
    Some(match name {
        "get" => Method::GET,
        "put" => Method::PUT,
        "post" => Method::POST,
        "patch" => Method::PATCH,
        "delete" => Method::DELETE,
        _ => return None,
    })
}

fn query(document: &Value, operation: &Value) -> Vec<String> {
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let resolved =
        parameters.into_iter().flatten().filter_map(|parameter| match parameter.get("$ref").and_then(Value::as_str) {
            Some(reference) => document.pointer(reference.strip_prefix('#')?),
            None => Some(parameter),
        });
    let of_query = resolved.filter(|parameter| parameter.get("in").is_some_and(|place| place == "query"));
    of_query.filter_map(|parameter| Some(parameter.get("name")?.as_str()?.to_owned())).collect()
}

/// What the audit log calls what an operation does. Messages are not in it: they are what clients and backends say to each other.
fn what(method: &Method, path: &str) -> Option<&'static str> {
    let place = path.strip_prefix("/v1/").unwrap_or(path);
    let place = place.strip_prefix("tenants/{tenant}/").unwrap_or(place);
    Some(match (method.as_str(), place) {
        ("POST", "tenants") => "tenant.created",
        ("PATCH", "tenants/{tenant}") => "tenant.changed",
        ("DELETE", "tenants/{tenant}") => "tenant.deleted",
        ("PUT", "limits") => "limits.changed",
        ("PUT", "secrets/{name}") => "secret.put",
        ("DELETE", "secrets/{name}") => "secret.deleted",
        ("PUT", "plugins/{plugin}") => "plugin.deployed",
        ("DELETE", "plugins/{plugin}") => "plugin.deleted",
        ("POST", "plugins/{plugin}/rollback") => "plugin.rolled-back",
        ("PUT", "plugins/{plugin}/canary") => "canary.begun",
        ("PATCH", "plugins/{plugin}/canary") => "canary.changed",
        ("DELETE", "plugins/{plugin}/canary") => "canary.taken-back",
        ("POST", "plugins/{plugin}/promote") => "canary.promoted",
        ("DELETE", "connections/{id}") | ("POST", "held/{handle}/close") => "connection.closed",
        ("DELETE", "timers/{id}") => "timer.cancelled",
        ("POST", "tokens") => "token.created",
        ("DELETE", "tokens/{id}") => "token.deleted",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_has_its_word_in_the_audit_log() {
        let document = Document::read().expect("the document");
        for ((path, method), operation) in &document.operations {
            let is_message = ["/messages", "/send", "/push", "/release"].iter().any(|end| path.ends_with(end));
            assert_eq!(operation.what.is_none(), *method == Method::GET || is_message, "{method} {path}");
        }
        assert!(document.find("/v1/audit", &Method::GET).is_some_and(|it| it.knows("last") && !it.knows("first")));
    }
}
