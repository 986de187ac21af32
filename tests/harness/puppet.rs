//! A client's side of the guest `puppet`: commands go out, a report comes back.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::client::Client;

impl Client {
    /// Gives commands and does not wait for the report.
    pub(crate) async fn tell(&mut self, commands: Value) -> anyhow::Result<()> {
        let commands = if commands.is_array() { commands } else { json!([commands]) };
        self.send_text(commands.to_string()).await
    }

    /// The report, which is the next thing that comes.
    pub(crate) async fn report(&mut self) -> anyhow::Result<Vec<Value>> {
        let mut answer = self.json().await?;
        let report = answer.get_mut("report").map(Value::take);
        match report {
            Some(Value::Array(report)) => Ok(report),
            _ => anyhow::bail!("{answer} instead of a report"),
        }
    }

    /// Gives one command: what came of it.
    pub(crate) async fn ask(&mut self, command: Value) -> anyhow::Result<Value> {
        self.tell(command).await?;
        let mut report = self.report().await?;
        ensure!(report.len() == 1, "{report:?} is not the report on one command");
        report.pop().context("an empty report")
    }

    /// Gives one command that is to go well: its value.
    pub(crate) async fn get(&mut self, command: Value) -> anyhow::Result<Value> {
        value(&self.ask(command).await?)
    }

    /// Has the connection held with the defaults: the handle.
    pub(crate) async fn hold(&mut self) -> anyhow::Result<u64> {
        self.hold_with(json!({"do": "retain"})).await
    }

    /// Has the connection held by this command: the handle.
    pub(crate) async fn hold_with(&mut self, retain: Value) -> anyhow::Result<u64> {
        self.get(retain).await?.as_u64().context("the handle is no number")
    }
}

/// The value of a command that went well.
pub(crate) fn value(outcome: &Value) -> anyhow::Result<Value> {
    outcome.get("ok").cloned().with_context(|| format!("{outcome} is not what was to come"))
}

/// The case of the error of a command that was refused.
pub(crate) fn case(outcome: &Value) -> &str {
    outcome.get("error").and_then(Value::as_str).unwrap_or("no error")
}
