//! `holdline tenants secrets`: what a tenant's plugins are given and nobody is shown.

use std::io::{self, IsTerminal, Read};

use anyhow::{Context, bail};
use clap::Subcommand;
use dialoguer::Password;
use http::Method;

use super::super::access::Access;
use super::super::api::{Api, Payload};
use super::super::source::Advice;
use super::super::table::Column::{Numbers, Words};
use super::super::table::{ago, table};
use super::super::terminal;
use crate::admin::shapes::{List, Secret};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline tenants secrets --tenant shop\n  \
    holdline tenants secrets put api-key --tenant shop             asks for it\n  \
    holdline tenants secrets put api-key --tenant shop < key.txt\n  \
    holdline tenants secrets delete api-key --tenant shop")]
pub(super) struct Secrets {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Puts one: what comes on standard input without the end of its last line, or what is typed in a terminal.
    Put {
        /// Its name. The value is no argument, because others see those.
        name: String,
    },
    /// Deletes one.
    Delete {
        /// Its name.
        name: String,
    },
}

pub(super) fn run(args: Secrets, api: &Api<'_>, access: &Access) -> anyhow::Result<()> {
    match args.command {
        None => access.tell(api.get(api.of_tenant(&["secrets"]))?, |list: List<Secret>| {
            all(&list.items, access.tenant());
            Ok(())
        }),
        Some(Command::Put { name }) => {
            let value = value(&name)?;
            let payload = Payload::Bytes("text/plain", value.as_bytes());
            let answer = api.ask(Method::PUT, api.of_tenant(&["secrets", &name]), payload)?;
            access.done(answer, format!("{} has the secret {name}", access.tenant()))
        }
        Some(Command::Delete { name }) => {
            let answer = api.ask(Method::DELETE, api.of_tenant(&["secrets", &name]), Payload::Empty)?;
            access.done(answer, format!("the secret {name} is deleted"))
        }
    }
}

fn value(name: &str) -> anyhow::Result<String> {
    let value = if io::stdin().is_terminal() {
        Password::new().with_prompt(name).interact()?
    } else {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).context("a secret is text, and standard input is not")?;
        without_line_end(text)
    };
    if value.is_empty() {
        bail!(Advice {
            message: format!("the secret {name} would be empty"),
            hint: "it is read from standard input, as in `holdline tenants secrets put NAME < FILE`".to_owned(),
        });
    }
    Ok(value)
}

/// What `echo` and editors put at the end is no part of a secret.
fn without_line_end(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

fn all(secrets: &[Secret], tenant: &str) {
    if secrets.is_empty() {
        return terminal::remark(format!("{tenant} has no secrets"));
    }
    let rows: Vec<_> = secrets.iter().map(|it| [it.name.clone(), ago(it.changed), it.by.clone()]).collect();
    terminal::line(table([Words("name"), Numbers("changed"), Words("by")], &rows));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_no_part_of_a_secret() {
        for (given, kept) in [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a", "a"), ("\n", ""), (" a ", " a ")] {
            assert_eq!(without_line_end(given.to_owned()), kept, "{given:?}");
        }
    }
}
