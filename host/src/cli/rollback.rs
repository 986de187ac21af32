//! `holdline rollback`: a version that served before serves again.

use http::Method;
use serde_json::json;

use super::access::Access;
use super::api::{Api, Payload};
use super::{deploy, terminal};
use crate::admin::shapes::{Deployment, Rollback};

/// Lets a version of before serve again. Open connections stay open.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline rollback echo                            to the version before\n  \
    holdline rollback echo --version 0f3a9c2b41de     to one that `holdline plugins echo` shows")]
pub(super) struct RollbackArgs {
    /// The plugin.
    name: String,
    /// The digest of the version, or its beginning.
    #[arg(long, value_name = "DIGEST")]
    version: Option<String>,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(args: RollbackArgs) -> anyhow::Result<()> {
    let api = Api::new(&args.access)?;
    let body = json!(Rollback { version: args.version });
    let answer = api.ask(Method::POST, api.of_tenant(&["plugins", &args.name, "rollback"]), Payload::Json(body))?;
    args.access.tell(answer, |deployment: Deployment| {
        terminal::line(deploy::now(&deployment));
        Ok(())
    })
}
