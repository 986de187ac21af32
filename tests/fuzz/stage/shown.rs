//! What the reader of a settings file is told: which words are secret, and whether an error says where it is.

use toml::{Table, Value};

/// The values of `[secrets]`, of the host and of its tenants, that stand nowhere else and are long enough not to be found by chance.
pub fn secrets(text: &str) -> Vec<String> {
    let Ok(whole) = text.parse::<Table>() else { return Vec::new() };
    let mut found = of_one(&whole);
    for tenant in whole.get("tenant").and_then(Value::as_array).into_iter().flatten() {
        found.extend(tenant.as_table().into_iter().flat_map(of_one));
    }
    found.retain(|secret| secret.len() >= 8 && text.matches(secret.as_str()).count() == 1);
    found
}

fn of_one(table: &Table) -> Vec<String> {
    let secrets = table.get("secrets").and_then(Value::as_table);
    secrets.into_iter().flatten().filter_map(|(_, value)| value.as_str().map(str::to_owned)).collect()
}

/// Ends the process if an error leaves its reader alone, or tells a secret.
pub fn check_error(error: &str, text: &str) {
    assert!(error.contains("line") || error.contains('`'), "no line and no key: {error}");
    check_hidden(error, text);
}

/// Ends the process if a secret is in what is shown.
pub fn check_hidden(shown: &str, text: &str) {
    for secret in secrets(text) {
        assert!(!shown.contains(&secret), "the secret {secret:?} is in {shown}");
    }
}
