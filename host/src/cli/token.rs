//! `holdline token`: who may use the admin API, and for what.

use std::time::Duration;

use clap::Subcommand;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::access::Access;
use super::api::{Api, Payload, Target};
use super::table::Column::{Numbers, Words};
use super::table::{ago, or_dash, plain, table, word};
use super::terminal;
use crate::admin::shapes::{List, MadeToken, NewToken, Token};
use crate::token::Role;

/// Makes, shows and deletes tokens of the admin API.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline token create ci --role deployer --tenant shop --expires 90d\n  \
    holdline token create backend --role deliverer > backend.token\n  \
    holdline token list\n  \
    holdline token delete hl_4fT0aQ9z")]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes one and prints it, for the only time. With --tenant it is good for that tenant, else for the whole host.
    Create {
        /// Who will have it; the audit log and the list call it so.
        name: String,
        /// What it may do.
        #[arg(long)]
        role: Role,
        /// How long it is good, as in 90d; without it, until it is deleted.
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        expires: Option<Duration>,
    },
    /// Shows them, without what makes them tokens.
    List,
    /// Ends one at once.
    Delete {
        /// Its id, which is its beginning.
        id: String,
    },
}

pub(super) fn run(args: TokenArgs) -> anyhow::Result<()> {
    let api = Api::new(&args.access)?;
    let access = &args.access;
    let place = || Target::new(&["v1", "tokens"]);
    match args.command {
        Command::Create { name, role, expires } => {
            let tenant = access.named_tenant().map(str::to_owned);
            let expires = expires.map(|time| Ok::<_, jiff::Error>(Timestamp::now() + SignedDuration::try_from(time)?));
            let token = NewToken { name, role, tenant, expires: expires.transpose()? };
            let answer = api.ask(Method::POST, place(), Payload::Json(json!(token)))?;
            access.tell(answer, |made: MadeToken| {
                // Alone on standard output, so that it can go into a file or a variable.
                terminal::line(&made.token);
                let until = made.expires.map_or_else(String::new, |then| format!(" until {then}"));
                let (role, scope, id) = (made.role, scope(made.tenant.as_deref()), made.id);
                terminal::remark(plain(&format!("{role} of {scope}{until}; its id is {id}. It is not shown again.")));
                Ok(())
            })
        }
        Command::List => access.tell(api.get(place())?, |list: List<Token>| {
            all(&list.items);
            Ok(())
        }),
        Command::Delete { id } => {
            let target = Target::new(&["v1", "tokens", &id]);
            access.done(api.ask(Method::DELETE, target, Payload::Empty)?, format!("{id} is no longer good"))
        }
    }
}

fn scope(tenant: Option<&str>) -> String {
    tenant.map_or_else(|| "the whole host".to_owned(), str::to_owned)
}

fn all(tokens: &[Token]) {
    let rows: Vec<_> = tokens
        .iter()
        .map(|it| {
            [
                it.id.to_string(),
                it.name.clone(),
                word(it.role),
                scope(it.tenant.as_deref()),
                ago(it.created),
                or_dash(it.expires),
                or_dash(it.last_used.map(ago)),
            ]
        })
        .collect();
    let columns = [
        Words("id"),
        Words("name"),
        Words("role"),
        Words("scope"),
        Numbers("age"),
        Words("expires"),
        Numbers("last used"),
    ];
    terminal::line(table(columns, &rows));
}
