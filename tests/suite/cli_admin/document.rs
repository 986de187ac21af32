//! The description of the admin API as a judge: what may be asked, and whether what is said is what was promised.

use anyhow::{Context, bail, ensure};
use holdline::admin::DOCUMENT;
use serde_json::{Map, Value};

/// Words of schemas that the judge knows; one that it does not know would go unchecked.
const KNOWN: [&str; 15] = [
    "$ref",
    "additionalProperties",
    "default",
    "description",
    "enum",
    "format",
    "items",
    "maxLength",
    "maximum",
    "minimum",
    "pattern",
    "properties",
    "required",
    "type",
    "example",
];

/// The document.
pub(super) struct Document(Value);

/// One thing that can be asked.
pub(super) struct Operation<'a> {
    pub(super) id: &'a str,
    parameters: Vec<&'a Value>,
    value: &'a Value,
}

impl Document {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self(serde_json::from_str(DOCUMENT)?))
    }

    /// What a request asks for.
    pub(super) fn operation(&self, method: &str, path: &str) -> anyhow::Result<Operation<'_>> {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let template: Vec<&str> = template.split('/').collect();
            let same =
                |(wanted, given): (&&str, &&str)| wanted == given || wanted.starts_with('{') && !given.is_empty();
            template.len() == parts.len() && template.iter().zip(&parts).all(same)
        };
        let paths = self.0.get("paths").and_then(Value::as_object).context("a document has paths")?;
        let (_, item) = paths.iter().find(|(template, _)| fits(template)).with_context(|| format!("no path {path}"))?;
        let value = item.get(method.to_lowercase()).with_context(|| format!("no {method} of {path}"))?;
        let lists = [&item["parameters"], &value["parameters"]].into_iter().filter_map(Value::as_array);
        let parameters = lists.flatten().map(|it| self.resolved(it)).collect::<anyhow::Result<_>>()?;
        Ok(Operation { id: value["operationId"].as_str().context("an id")?, parameters, value })
    }

    /// Whether a request asks as it should.
    pub(super) fn check_request(
        &self,
        operation: &Operation<'_>,
        query: &[(String, String)],
        media: Option<&str>,
        body: &[u8],
    ) -> anyhow::Result<()> {
        for (name, text) in query {
            let declared = operation.parameters.iter().find(|it| it["in"] == "query" && it["name"] == *name);
            let schema = &declared.with_context(|| format!("no parameter `{name}`"))?["schema"];
            let value = if schema["type"] == "string" { Value::from(text.as_str()) } else { guess(text) };
            self.check(schema, &value, name)?;
        }
        let Some(wanted) = operation.value.get("requestBody") else {
            ensure!(body.is_empty(), "a body that nobody wants");
            return Ok(());
        };
        let media = media.context("no media type")?;
        let content = wanted["content"].get(media).with_context(|| format!("{media} is not wanted"))?;
        match content.get("schema") {
            Some(schema) => self.check(schema, &serde_json::from_slice(body)?, "body"),
            None => Ok(()),
        }
    }

    /// Whether an answer is one that was promised.
    pub(super) fn check_answer(
        &self,
        operation: &Operation<'_>,
        status: u16,
        body: Option<&Value>,
    ) -> anyhow::Result<()> {
        let answers = &operation.value["responses"];
        let answer = answers.get(status.to_string()).with_context(|| format!("{status} is not promised"))?;
        let schema = self.resolved(answer)?.pointer("/content/application~1json/schema");
        match (schema, body) {
            (Some(schema), Some(body)) => self.check(schema, body, "answer"),
            (None, None) => Ok(()),
            (Some(_), None) => bail!("{status} has no content, and it should have some"),
            (None, Some(_)) => bail!("{status} has content that nobody promised"),
        }
    }

    /// The success that an operation promises.
    pub(super) fn success(operation: &Operation<'_>) -> anyhow::Result<u16> {
        let answers = operation.value["responses"].as_object().context("answers")?;
        Ok(answers.keys().find(|status| status.starts_with('2')).context("no success")?.parse()?)
    }

    /// Whether a value is of this schema of the document.
    pub(super) fn check_named(&self, name: &str, value: &Value) -> anyhow::Result<()> {
        let schema = self.0.pointer(&format!("/components/schemas/{name}"));
        self.check(schema.with_context(|| format!("no schema {name}"))?, value, name)
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> anyhow::Result<&'a Value> {
        let Some(reference) = value["$ref"].as_str() else { return Ok(value) };
        self.0.pointer(reference.trim_start_matches('#')).with_context(|| format!("{reference} leads nowhere"))
    }

    fn check(&self, schema: &Value, value: &Value, place: &str) -> anyhow::Result<()> {
        let schema = self.resolved(schema)?;
        let words = schema.as_object().context("a schema is an object")?;
        for word in words.keys() {
            ensure!(KNOWN.contains(&word.as_str()), "{place}: the judge does not know `{word}`");
        }
        if let Some(names) = words.get("enum").and_then(Value::as_array) {
            ensure!(names.contains(value), "{place}: {value} is none of {names:?}");
        }
        if let Some(kinds) = words.get("type") {
            let is_one =
                kinds.as_array().map_or_else(|| is(kinds, value), |kinds| kinds.iter().any(|kind| is(kind, value)));
            ensure!(is_one, "{place}: {value} is not of the type {kinds}");
        }
        if let Some(number) = value.as_f64() {
            let bound = |name: &str| words.get(name).and_then(Value::as_f64);
            ensure!(bound("minimum").is_none_or(|least| number >= least), "{place}: {value} is too small");
            ensure!(bound("maximum").is_none_or(|most| number <= most), "{place}: {value} is too large");
        }
        match value {
            Value::Object(fields) => self.check_fields(words, fields, place),
            Value::Array(items) => {
                items.iter().try_for_each(|it| self.check(&schema["items"], it, &format!("{place}[]")))
            }
            _ => Ok(()),
        }
    }

    fn check_fields(&self, words: &Map<String, Value>, fields: &Map<String, Value>, place: &str) -> anyhow::Result<()> {
        for name in words.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            ensure!(fields.contains_key(name), "{place}: `{name}` is missing");
        }
        for (name, value) in fields {
            let place = format!("{place}.{name}");
            match (words.get("properties").and_then(|it| it.get(name)), words.get("additionalProperties")) {
                (Some(schema), _) => self.check(schema, value, &place)?,
                (None, Some(schema)) if schema.is_object() => self.check(schema, value, &place)?,
                (None, _) => bail!("{place}: nobody promised this field"),
            }
        }
        Ok(())
    }
}

/// Text of a query as the value that it stands for.
fn guess(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some("null") => value.is_null(),
        _ => false,
    }
}

#[test]
fn the_judge_finds_what_is_wrong() -> anyhow::Result<()> {
    let document = Document::new()?;
    assert!(document.operation("GET", "/v1/nothing").is_err() && document.operation("PATCH", "/v1/tenants").is_err());
    let list = document.operation("GET", "/v1/tenants/a/connections")?;
    let asks = |name: &str, value: &str| document.check_request(&list, &[(name.into(), value.into())], None, b"");
    assert!(asks("limit", "7").is_ok());
    assert!(asks("limit", "0").is_err() && asks("limit", "x").is_err() && asks("lmit", "7").is_err());
    assert!(document.check_request(&list, &[], None, b"body").is_err());

    let make = document.operation("POST", "/v1/tokens")?;
    let sends = |body: &str| document.check_request(&make, &[], Some("application/json"), body.as_bytes());
    assert!(sends(r#"{"name": "ci", "role": "owner"}"#).is_ok());
    for body in ["", "{}", r#"{"name": 1, "role": "owner"}"#, r#"{"name": "ci", "role": "root"}"#] {
        assert!(sends(body).is_err(), "{body}");
    }
    assert!(sends(r#"{"name": "ci", "role": "owner", "more": 1}"#).is_err());
    assert!(document.check_request(&make, &[], Some("text/plain"), b"{}").is_err());

    let failure = serde_json::json!({ "error": { "code": "x", "message": "y" } });
    assert!(document.check_answer(&make, 401, Some(&failure)).is_ok());
    assert!(document.check_answer(&make, 418, Some(&failure)).is_err());
    assert!(document.check_answer(&make, 401, None).is_err());
    assert!(document.check_answer(&make, 201, Some(&failure)).is_err());
    Ok(())
}
