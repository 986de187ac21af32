//! Which host a command is for, who gives it, and in whose name: what all commands on the admin API have.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::api::read;
use super::source::Advice;
use super::terminal;

/// Where a host listens whose owner thought of nothing else.
const DEFAULT_ADMIN: &str = "http://127.0.0.1:9090";

/// The tenant of the top-level settings.
const DEFAULT_TENANT: &str = "default";

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which host, and as whom")]
pub(super) struct Access {
    /// Where the host's admin API is.
    #[arg(long, global = true, env = "HOLDLINE_ADMIN", value_name = "URL", default_value = DEFAULT_ADMIN)]
    admin: String,
    /// The token; without it, what the first start of a host on this machine has written for its owner.
    #[arg(long, global = true, env = "HOLDLINE_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The tenant that is meant; without it `default`, which is that of the top-level settings.
    #[arg(long, global = true, env = "HOLDLINE_TENANT", value_name = "NAME")]
    tenant: Option<String>,
    /// Print the host's answer as JSON.
    #[arg(long, global = true)]
    json: bool,
}

impl Access {
    /// The tenant that is meant.
    pub(super) fn tenant(&self) -> &str {
        self.named_tenant().unwrap_or(DEFAULT_TENANT)
    }

    /// The tenant, if one was named.
    pub(super) fn named_tenant(&self) -> Option<&str> {
        // An empty variable is how a shell unsets one for a single command.
        self.tenant.as_deref().filter(|name| !name.is_empty())
    }

    /// Whether a program reads along.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Where the admin API is said to be.
    pub(super) fn admin(&self) -> &str {
        if self.admin.is_empty() { DEFAULT_ADMIN } else { &self.admin }
    }

    /// What the paths of the API go behind.
    pub(super) fn url(&self) -> anyhow::Result<&str> {
        let url = self.admin().trim_end_matches('/');
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        if rest.is_some_and(|rest| !rest.is_empty()) {
            return Ok(url);
        }
        bail!(Advice {
            message: format!("{} is not an address of an admin API", self.admin),
            hint: "write it as in http://127.0.0.1:9090, or https:// for a proxy that speaks TLS".to_owned(),
        })
    }

    /// The token that was given, or the one that the first start of a host has left.
    pub(super) fn token(&self) -> anyhow::Result<Option<String>> {
        if let Some(token) = self.token.as_ref().filter(|token| !token.is_empty()) {
            return Ok(Some(token.trim().to_owned()));
        }
        let Some(file) = token_file() else { return Ok(None) };
        match fs::read_to_string(&file) {
            Ok(token) => Ok(Some(token.trim().to_owned())),
            // The host says whether it wants one.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
        }
    }

    pub(super) fn how_to_get_a_token(&self) -> String {
        let place = token_file().map_or_else(|| "`admin-token` in its store".to_owned(), |it| it.display().to_string());
        let first = format!("the first start of a host writes its owner's token to {place}");
        format!("give one with --token or HOLDLINE_TOKEN; {first}, and `holdline token create` makes more")
    }

    /// Prints an answer: as it is for a program, in these words for a person.
    pub(super) fn tell<T: DeserializeOwned>(
        &self,
        answer: Value,
        words: impl FnOnce(T) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if !self.json {
            return words(read(answer)?);
        }
        // Of what has no content a program still gets a document.
        let answer = if answer.is_null() { json!({}) } else { answer };
        terminal::line(serde_json::to_string_pretty(&answer)?);
        Ok(())
    }

    /// Says that something without an answer was done.
    pub(super) fn done(&self, answer: Value, words: String) -> anyhow::Result<()> {
        self.tell(answer, |_: Value| {
            terminal::line(words);
            Ok(())
        })
    }
}

/// Where a host that keeps its things in the user's own folder has left its first token.
fn token_file() -> Option<PathBuf> {
    // The XDG Base Directory Specification says that relative paths are to be ignored.
    let named = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = named.or_else(|| env::home_dir().map(|home| home.join(".local/state")))?;
    Some(state.join("holdline").join("admin-token"))
}
