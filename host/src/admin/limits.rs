//! The limits of a tenant as the API says and hears them: by their keys in the configuration, in its notation, and null for none.

use std::time::Duration;

use bytesize::ByteSize;
use serde_json::{Map, Value};

use super::fault::Fault;
use super::rates::Rates;
use super::shapes::{self, Unit};
use crate::tenant::{Limit, Limits, Tenant};

/// Those that are a number of bytes.
fn is_size(key: &str) -> bool {
    key.ends_with("size") || key.ends_with("memory") || key.starts_with("bytes") || key.starts_with("log-size")
}

/// Those that say how, and not how much.
const NOT_AMOUNTS: [&str; 3] = ["at-rate", "weight", "cpu"];

/// The limits that these values make, with the default for what is left out.
pub(super) fn read(values: &Map<String, Value>) -> Result<Limits, Fault> {
    let mut whole = Map::new();
    for (key, value) in values {
        let value = match value {
            Value::Null if NOT_AMOUNTS.contains(&key.as_str()) => {
                return Err(Fault::invalid(format!("`{key}` cannot be without a value")));
            }
            // Absent is the default here, so there is another word for none.
            Value::Null if key.ends_with("-per-second") && !key.starts_with("log") => Value::Null,
            Value::Null => Value::from(u64::MAX),
            other => other.clone(),
        };
        whole.insert(key.clone(), value);
    }
    serde_json::from_value(Value::Object(whole)).map_err(|error| {
        let text = error.to_string();
        if text.starts_with("unknown field") { Fault::unknown_field(text) } else { Fault::invalid(text) }
    })
}

/// All limits by key, as they are told.
fn told(limits: &Limits) -> Map<String, Value> {
    let Ok(Value::Object(mut values)) = serde_json::to_value(limits) else { return Map::new() };
    let sizes = [
        ("bytes-per-second", limits.bytes_per_second),
        ("waiting-size", Some(limits.waiting_size)),
        ("channel-size", Some(limits.channel_size)),
        ("memory", Some(limits.memory)),
        ("instance-memory", Some(limits.instance_memory)),
        ("component-size", Some(limits.component_size)),
        ("log-size-per-second", Some(limits.log_size_per_second)),
        ("keyvalue-size", Some(limits.keyvalue_size)),
    ];
    for (key, size) in sizes {
        values.insert(key.to_owned(), size.map_or(Value::Null, exact));
    }
    if limits.cpu == Duration::MAX {
        values.insert("cpu".to_owned(), Value::Null);
    }
    for value in values.values_mut() {
        if value.as_u64() == Some(u64::MAX) {
            *value = Value::Null;
        }
    }
    values
}

/// A size in the largest unit that leaves no fraction, so that what is told can be heard again.
fn exact(size: ByteSize) -> Value {
    let bytes = size.as_u64();
    if bytes == u64::MAX {
        return Value::Null;
    }
    let units = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let fits = units.into_iter().find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    Value::from(fits.map_or_else(|| format!("{bytes}B"), |(unit, name)| format!("{}{name}", bytes / unit)))
}

/// The limits of a tenant; `set` are those that it has of its own, or none if that is to be seen from their values.
pub(super) fn list(limits: &Limits, set: Option<&Map<String, Value>>) -> Vec<shapes::Limit> {
    let (values, defaults) = (told(limits), told(&Limits::default()));
    let limit = |(key, value): (String, Value)| {
        let default = defaults.get(&key).cloned().unwrap_or_default();
        let is_set = set.map_or(value != default, |set| set.contains_key(&key));
        shapes::Limit { key, value, default, is_set }
    };
    values.into_iter().map(limit).collect()
}

/// What a tenant uses, beside its limits.
pub(super) fn usage(tenant: &Tenant, rates: &Rates) -> Vec<shapes::Usage> {
    let limits = tenant.limits();
    let row = |limit: Limit| {
        let most = limits.most(limit);
        let key = limit.name();
        let unit = match (is_size(key), key.ends_with("-per-second")) {
            (true, true) => Unit::BytesPerSecond,
            (true, false) => Unit::Bytes,
            (false, true) => Unit::PerSecond,
            (false, false) => Unit::Count,
        };
        shapes::Usage {
            key: key.to_owned(),
            used: rates.used(tenant, limit),
            limit: (most != usize::MAX).then_some(to_u64(most)),
            unit,
            refused: tenant.usage().refusals(limit),
        }
    };
    Limit::ALL.into_iter().map(row).collect()
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_can_be_heard_again() {
        let mut limits = Limits { memory: ByteSize::b(1_000_001), messages_per_second: None, ..Limits::default() };
        limits.keyvalue_size = ByteSize::b(u64::MAX);
        let told = told(&limits);
        assert_eq!(told.get("memory"), Some(&Value::from("1000001B")));
        assert_eq!(told.get("waiting-size"), Some(&Value::from("256MiB")));
        assert_eq!(told.get("keyvalue-size"), Some(&Value::Null));
        assert_eq!(read(&told).expect("limits"), limits);
    }

    #[test]
    fn a_limit_that_is_not_there_is_an_error() {
        let one = |key: &str, value: Value| Map::from_iter([(key.to_owned(), value)]);
        for (key, value) in [("colour", Value::from(1)), ("timers", Value::from("many")), ("cpu", Value::Null)] {
            assert!(read(&one(key, value)).is_err(), "{key}");
        }
        assert_eq!(read(&Map::new()).expect("limits"), Limits::default());
        assert_eq!(read(&one("timers", Value::Null)).expect("limits").timers, usize::MAX);
    }
}
