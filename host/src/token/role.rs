//! What the tokens of each role may do.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What may be done with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// All in its scope.
    Owner,
    /// Plugins, versions, rollback and canary, and reading.
    Deployer,
    /// Reading.
    Reader,
    /// Sending to connections and handles, and closing them.
    Deliverer,
}

/// What somebody wants to do; `x-action` of the operations in the OpenAPI document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// See how things are.
    Read,
    /// Change plugins and their versions.
    Deploy,
    /// Send, and close.
    Deliver,
    /// Change everything else.
    Manage,
}

impl Role {
    /// Whether its tokens may do this.
    #[must_use]
    pub fn may(self, action: Action) -> bool {
        match self {
            Self::Owner => true,
            Self::Deployer => matches!(action, Action::Read | Action::Deploy),
            Self::Reader => action == Action::Read,
            Self::Deliverer => action == Action::Deliver,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Owner => "owner",
            Self::Deployer => "deployer",
            Self::Reader => "reader",
            Self::Deliverer => "deliverer",
        })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Deploy => "deploy",
            Self::Deliver => "deliver",
            Self::Manage => "manage",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_may_what_their_table_says() {
        let actions = [Action::Read, Action::Deploy, Action::Deliver, Action::Manage];
        let table = [
            (Role::Owner, [true, true, true, true]),
            (Role::Deployer, [true, true, false, false]),
            (Role::Reader, [true, false, false, false]),
            (Role::Deliverer, [false, false, true, false]),
        ];
        for (role, may) in table {
            assert_eq!(actions.map(|action| role.may(action)), may, "{role}");
        }
    }

    #[test]
    fn every_operation_of_the_document_needs_an_action_that_there_is() {
        let document: serde_json::Value = serde_json::from_str(include_str!("../admin/openapi.json")).expect("JSON");
        let paths = document["paths"].as_object().expect("paths");
        let mut open = Vec::new();
        for (path, item) in paths {
            for (method, operation) in
                item.as_object().expect("operations").iter().filter(|(key, _)| *key != "parameters")
            {
                match operation.get("x-action") {
                    Some(action) => assert!(Action::deserialize(action).is_ok(), "{method} {path}: {action}"),
                    None => open.push(path.as_str()),
                }
            }
        }
        assert_eq!(open, ["/healthz", "/openapi.json", "/readyz"]);
    }
}
