//! What the reader of a settings file is told: which words are secret, and whether an error says where it is.

use toml::{Table, Value};

/// The values of `[secrets]`, of the host and of its tenants.
fn secrets(text: &str) -> Vec<String> {
    let Ok(whole) = text.parse::<Table>() else { return Vec::new() };
    let mut found = of_one(&whole);
    for tenant in whole.get("tenant").and_then(Value::as_array).into_iter().flatten() {
        found.extend(tenant.as_table().into_iter().flat_map(of_one));
    }
    found
}

fn of_one(table: &Table) -> Vec<String> {
    let secrets = table.get("secrets").and_then(Value::as_table);
    secrets.into_iter().flatten().filter_map(|(_, value)| value.as_str().map(str::to_owned)).collect()
}

/// Ends the process if an error leaves its reader alone.
pub fn check_error(error: &str) {
    assert!(error.contains("line") || error.contains('`'), "no line and no key: {error}");
}

/// Ends the process if a secret is in what is shown of the text: if it is not there any more when the secret is another one. Words that the
/// host says of itself may be secret, too.
pub fn check_hidden(text: &str, show: impl Fn(&str) -> String) {
    let shown = show(text);
    for secret in secrets(text) {
        if shown.contains(&secret) && text.matches(&secret).count() == 1 {
            let other = text.replace(&secret, &"*".repeat(secret.len()));
            let stands_elsewhere = secrets(&other).contains(&secret);
            assert!(stands_elsewhere || show(&other).contains(&secret), "the secret {secret:?} is in {shown}");
        }
    }
}
