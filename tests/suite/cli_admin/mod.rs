//! The commands that operate a running host, against a stand-in that holds both sides to the description of the API: nothing is asked
//! that it does not know, and nothing is answered that it does not promise.

mod answers;
mod document;
mod errors;
mod stand_in;
mod stories;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;
use holdline::admin::shapes;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use self::document::Document;
use self::stand_in::StandIn;
use crate::harness::{folder, holdline, within};

/// How a command ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// A terminal of somebody who operates hosts: its variables, and the folder of its state, which is empty.
struct Desk {
    state: PathBuf,
    variables: Vec<(String, String)>,
}

impl Desk {
    /// One at which the stand-in is the host.
    fn at(stand_in: &StandIn, name: &str) -> anyhow::Result<Self> {
        let state = folder(&format!("desk-{name}"))?;
        let text = state.to_str().context("a folder that is no text")?.to_owned();
        let variables = vec![("XDG_STATE_HOME".into(), text), ("HOLDLINE_ADMIN".into(), stand_in.url())];
        Ok(Self { state, variables })
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn state(&self) -> &Path {
        &self.state
    }

    /// What a command comes to that gets this on its standard input.
    async fn run_with(&self, arguments: &[&str], input: &str) -> anyhow::Result<Ended> {
        let mut command = holdline(arguments)?;
        for name in ["HOLDLINE_TOKEN", "HOLDLINE_TENANT"] {
            command.env_remove(name);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut stdin = child.stdin.take().context("no standard input")?;
        // Most commands do not read it, and may have ended.
        let _unread = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = within("the end of the program", child.wait_with_output()).await??;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) })
    }

    async fn run(&self, arguments: &[&str]) -> anyhow::Result<Ended> {
        self.run_with(arguments, "").await
    }

    /// The output of a command that succeeds.
    async fn output(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let ended = self.run(arguments).await?;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}{}", ended.stdout, ended.stderr);
        Ok(ended.stdout)
    }
}

/// A command, the operation that it asks for, and what a person sees of the answer.
type Case = (&'static [&'static str], &'static str, &'static [&'static str]);

const CASES: [Case; 27] = [
    (&["plugins"], "listPlugins", &["name", "echo", "/echo", "222222222222", "pooled", "1,234"]),
    (&["plugins", "echo", "--delete", "--yes"], "deletePlugin", &["echo is deleted"]),
    (&["rollback", "echo"], "rollback", &["echo serves 222222222222 in place of 111111111111, at /echo"]),
    (
        &["canary", "echo"],
        "showCanary",
        &["echo tries 222222222222 on 10% of its new", "running", "1 of 2,000", "50ms"],
    ),
    (&["canary", "echo", "--share", "50%"], "changeCanary", &["echo tries"]),
    (&["canary", "echo", "--promote"], "promote", &["echo serves 222222222222"]),
    (&["canary", "echo", "--take-back"], "takeCanaryBack", &["the canary of echo is taken back"]),
    (
        &["connections", answers::CONNECTION],
        "showConnection",
        &["192.0.2.7:50412", "(canary)", "held", "2.0 KiB", "77"],
    ),
    (&["connections", answers::CONNECTION, "--close", "1008"], "closeConnection", &["being closed with 1008"]),
    (&["connections", answers::CONNECTION, "--send", "hi"], "sendToConnection", &["on its way"]),
    (&["held"], "listHeld", &["handle", "77", "61s", "3m", "9"]),
    (&["held", "77", "--send", "hi"], "send", &["the answer is on its way"]),
    (&["held", "77", "--push", "hi"], "push", &["the message is on its way; it stays held"]),
    (&["held", "77", "--close"], "close", &["being closed with 1000"]),
    (&["held", "77", "--release"], "release", &["it goes on"]),
    (&["channels"], "listChannels", &["jobs", "open", "1,000", "300 B"]),
    (&["timers"], "listTimers", &["81", "every 5s", "2026-01-02 03:04:05Z"]),
    (&["timers", "--cancel", "81"], "cancelTimer", &["timer 81 will not run"]),
    (&["usage"], "showUsage", &["connections", "125", "500", "25%", "7", "4.0 KiB", "none"]),
    (&["tenants"], "listTenants", &["default", "shop.example", "store", "1.0 MiB"]),
    (&["tenants", "show", "default"], "showTenant", &["api.example", "not granted", "api-key"]),
    (&["tenants", "create", "shop", "--host", "shop.example", "--keyvalue"], "createTenant", &["shop.example"]),
    (&["tenants", "change", "shop", "--no-grants"], "changeTenant", &["keyvalue"]),
    (&["tenants", "delete", "shop", "--yes"], "deleteTenant", &["shop is deleted"]),
    (&["tenants", "secrets", "delete", "api-key"], "deleteSecret", &["the secret api-key is deleted"]),
    (&["token", "delete", "hl_4fT0aQ9z"], "deleteToken", &["hl_4fT0aQ9z is no longer good"]),
    (&["audit"], "tenantAudit", &["41", "plugin.deployed", "ci", "to=222222222222", "ms=3", "ok"]),
];

/// More of them, which show something in other ways as well.
const MORE: [Case; 6] = [
    (&["tenants", "config"], "showTenant", &["colour", "red"]),
    (&["tenants", "limits"], "showLimits", &["connections", "500", "yes; the default is 1000", "64MiB", "no"]),
    (&["tenants", "secrets"], "listSecrets", &["api-key", "ann"]),
    (&["token", "list"], "listTokens", &["hl_4fT0aQ9z", "ci", "deployer", "shop"]),
    (&["token", "create", "ci", "--role", "deployer"], "createToken", &["hl_4fT0aQ9zAAAAAAAA"]),
    (&["audit", "--whole-host", "--last", "5"], "audit", &["plugin.deployed"]),
];

#[tokio::test]
async fn every_command_asks_what_the_document_knows_and_tells_people_and_programs() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "cases")?.with("HOLDLINE_TOKEN", "hl_somebody");
    for (arguments, operation, shown) in CASES.into_iter().chain(MORE) {
        let table = desk.output(arguments).await?;
        for shown in shown {
            assert!(table.contains(shown), "{arguments:?}: `{shown}` is not in:\n{table}");
        }
        let json = desk.output(&[arguments, &["--json"]].concat()).await?;
        let json: Value = serde_json::from_str(&json).with_context(|| format!("{arguments:?}: {json}"))?;
        assert_eq!(json, answers::of(operation).unwrap_or(json!({})), "{arguments:?}");

        let seen = stand_in.seen();
        let operations: Vec<_> = seen.iter().map(|seen| seen.operation.as_str()).collect();
        assert_eq!(operations, [operation, operation], "{arguments:?}");
        assert!(seen.iter().all(|seen| seen.token.as_deref() == Some("hl_somebody")), "{seen:?}");
    }
    Ok(())
}

/// What the document says of a type is what the type makes of itself, in both directions.
fn is_as_promised<T: Serialize + DeserializeOwned>(schema: &str, value: Value) -> anyhow::Result<()> {
    let document = Document::new()?;
    document.check_named(schema, &value)?;
    let read: T = serde_json::from_value(value.clone()).with_context(|| format!("{schema} cannot be read"))?;
    let made = serde_json::to_value(read)?;
    document.check_named(schema, &made).with_context(|| format!("{schema} is made wrongly"))?;
    assert_eq!(made, value, "{schema}");
    Ok(())
}

#[test]
fn the_types_of_the_api_are_those_of_the_document() -> anyhow::Result<()> {
    let answer = |operation| answers::of(operation).context("an answer");
    is_as_promised::<shapes::Host>("Host", answers::host())?;
    is_as_promised::<shapes::List<shapes::Tenant>>("Tenants", answer("listTenants")?)?;
    is_as_promised::<shapes::List<shapes::Limit>>("Limits", answer("showLimits")?)?;
    is_as_promised::<shapes::List<shapes::Usage>>("Usages", answer("showUsage")?)?;
    is_as_promised::<shapes::List<shapes::Secret>>("Secrets", answer("listSecrets")?)?;
    is_as_promised::<shapes::List<shapes::Plugin>>("Plugins", answer("listPlugins")?)?;
    is_as_promised::<shapes::List<shapes::Version>>("Versions", answer("listVersions")?)?;
    is_as_promised::<shapes::Deployment>("Deployment", answers::deployment())?;
    is_as_promised::<shapes::Canary>("Canary", answers::canary("taken-back", Some("3% of its events failed")))?;
    is_as_promised::<shapes::Connection>("Connection", answers::connection(answers::CONNECTION))?;
    is_as_promised::<shapes::List<shapes::Held>>("HeldList", answer("listHeld")?)?;
    is_as_promised::<shapes::List<shapes::Channel>>("Channels", answer("listChannels")?)?;
    is_as_promised::<shapes::List<shapes::Timer>>("Timers", answer("listTimers")?)?;
    is_as_promised::<shapes::List<shapes::Token>>("Tokens", answer("listTokens")?)?;
    is_as_promised::<shapes::MadeToken>("MadeToken", answer("createToken")?)?;
    let audit = json!({ "items": answer("audit")?["items"], "next": "42" });
    is_as_promised::<shapes::List<shapes::AuditEntry>>("AuditEntries", audit)?;
    let line =
        json!({ "at": "2026-01-02T03:04:05Z", "level": "warn", "plugin": "echo", "version": null, "message": "x" });
    is_as_promised::<shapes::LogLine>("LogLine", line)?;
    let failure = json!({ "error": { "code": "not-found", "message": "no plugin `x`", "hint": "look" } });
    is_as_promised::<shapes::Failure>("Failure", failure)?;
    is_as_promised::<shapes::Failure>("Failure", json!({ "error": { "code": "x", "message": "y" } }))?;
    is_as_promised::<shapes::NewTenant>("NewTenant", json!({ "name": "shop" }))?;
    is_as_promised::<shapes::TenantChange>("TenantChange", json!({ "hosts": [] }))?;
    is_as_promised::<shapes::CanaryChange>("CanaryChange", json!({ "p99-ms": 0, "header": "" }))?;
    is_as_promised::<shapes::Rollback>("Rollback", json!({}))?;
    is_as_promised::<shapes::Close>("Close", json!({ "code": 4000, "reason": "enough" }))?;
    is_as_promised::<shapes::NewToken>("NewToken", json!({ "name": "ci", "role": "reader", "tenant": "shop" }))
}

#[test]
fn requests_with_fields_that_nobody_knows_are_refused_by_their_types() {
    let refused = |error: Result<(), serde_json::Error>| assert!(error.is_err());
    refused(serde_json::from_value::<shapes::NewTenant>(json!({ "name": "a", "nmae": 1 })).map(drop));
    refused(serde_json::from_value::<shapes::TenantChange>(json!({ "host": [] })).map(drop));
    refused(serde_json::from_value::<shapes::TenantChange>(json!({ "grants": { "htpp": [] } })).map(drop));
    refused(serde_json::from_value::<shapes::Rollback>(json!({ "digest": "1" })).map(drop));
    refused(serde_json::from_value::<shapes::CanaryChange>(json!({ "p99": 1 })).map(drop));
    refused(serde_json::from_value::<shapes::Close>(json!({ "code": 1000, "why": "" })).map(drop));
    refused(serde_json::from_value::<shapes::NewToken>(json!({ "name": "a", "role": "root" })).map(drop));
}
