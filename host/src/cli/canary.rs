//! `holdline canary`: how a new version does on a share of the connections, and what becomes of it.

use anyhow::bail;
use http::Method;
use serde_json::{Value, json};

use super::access::Access;
use super::api::{Api, Payload, Target, read};
use super::deploy;
use super::source::Advice;
use super::table::{ago, count, facts, or_dash, short, span, word};
use super::{table, terminal};
use crate::admin::shapes::{Canary, CanaryChange, CanaryState, Deployment};

/// Shows the version that is tried on some connections, changes how, and ends it. One that was taken back is an error.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline deploy echo.wasm --canary 10%   begins one\n  \
    holdline canary echo                     how it does\n  \
    holdline canary echo --share 50%\n  \
    holdline canary echo --promote           it serves all\n  \
    holdline canary echo --take-back         what served before serves all")]
pub(super) struct CanaryArgs {
    /// The plugin.
    name: String,
    /// So many of the connections get it from now on.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    share: Option<f64>,
    #[command(flatten)]
    trial: Trial,
    /// Let it serve all.
    #[arg(long, conflicts_with_all = ["share", "header", "max_failures", "p99", "take_back"])]
    promote: bool,
    /// Let what served before serve all.
    #[arg(long, conflicts_with_all = ["share", "header", "max_failures", "p99"])]
    take_back: bool,
    #[command(flatten)]
    access: Access,
}

/// Who gets a canary, and when it is taken back.
#[derive(Debug, clap::Args)]
pub(super) struct Trial {
    /// Requests with this header get the canary, whatever its share.
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    header: Option<String>,
    /// The canary is taken back when more of its events fail; 1% if not said.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    max_failures: Option<f64>,
    /// The canary is taken back when more than one event in a hundred takes longer, as in 50ms.
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    p99: Option<u64>,
}

impl Trial {
    pub(super) fn is_empty(&self) -> bool {
        self.header.is_none() && self.max_failures.is_none() && self.p99.is_none()
    }

    /// What a new canary is asked for with.
    pub(super) fn ask(&self, share: Option<f64>, target: Target) -> Target {
        let target = target.with_some("share", share).with_some("header", self.header.as_ref());
        let p99 = self.p99.map(|milliseconds| format!("{milliseconds}ms"));
        target.with_some("max-failures", self.max_failures).with_some("p99", p99)
    }
}

pub(super) fn run(args: CanaryArgs) -> anyhow::Result<()> {
    let api = Api::new(&args.access)?;
    let place = ["plugins", args.name.as_str(), "canary"];
    if args.promote {
        let target = api.of_tenant(&["plugins", &args.name, "promote"]);
        let answer = api.ask(Method::POST, target, Payload::Empty)?;
        return args.access.tell(answer, |deployment: Deployment| {
            terminal::line(deploy::now(&deployment));
            Ok(())
        });
    }
    if args.take_back {
        let answer = api.ask(Method::DELETE, api.of_tenant(&place), Payload::Empty)?;
        return args.access.done(answer, format!("the canary of {} is taken back", args.name));
    }
    let change = CanaryChange {
        share: args.share,
        header: args.trial.header,
        max_failures: args.trial.max_failures,
        p99_ms: args.trial.p99,
    };
    let change = json!(change);
    let answer = if change == json!({}) {
        api.get(api.of_tenant(&place))?
    } else {
        api.ask(Method::PATCH, api.of_tenant(&place), Payload::Json(change))?
    };
    show(&args.access, answer)
}

fn show(access: &Access, answer: Value) -> anyhow::Result<()> {
    let Canary { plugin, state, reason, .. } = read(answer.clone())?;
    access.tell(answer, |canary: Canary| {
        terminal::line(words(&canary));
        let of = |part: u64| format!("{} of {} events", count(part), count(canary.events));
        terminal::line(facts(&[
            ("  state", word(canary.state)),
            ("  since", format!("{} ago", ago(canary.since))),
            ("  connections", count(canary.connections)),
            ("  failed", format!("{}, at most {} may", of(canary.failures), table::percent(canary.max_failures))),
            ("  slow", format!("{}, those over {}", of(canary.slow), or_dash(canary.p99_ms.map(span)))),
        ]));
        Ok(())
    })?;
    // A script that waits for the end of a trial has to see how it ended.
    if let (CanaryState::TakenBack, Some(reason)) = (state, reason) {
        bail!(Advice {
            message: format!("the canary was taken back: {reason}"),
            hint: format!("holdline logs --plugin {plugin}"),
        });
    }
    Ok(())
}

/// Who gets which version.
pub(super) fn words(canary: &Canary) -> String {
    let share = format!("{} of its new connections", table::percent(canary.share));
    let who = match &canary.header {
        Some(header) if canary.share > 0.0 => format!("{share} and those with `{header}`"),
        Some(header) => format!("connections with `{header}`"),
        None => share,
    };
    let (plugin, digest, previous) = (&canary.plugin, short(&canary.digest), short(&canary.previous));
    table::plain(&format!("{plugin} tries {digest} on {who}; all others have {previous}"))
}

/// `10%` or `10`.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(share) if (0.0..=100.0).contains(&share) => Ok(share),
        _ => Err("a share is a number from 0 to 100, as in 10%".to_owned()),
    }
}

fn header(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => Ok(format!("{}: {}", name.trim(), value.trim())),
        _ => Err("a header is a name, a colon and a value, as in 'x-beta: 1'".to_owned()),
    }
}

fn milliseconds(text: &str) -> Result<u64, String> {
    let time = humantime::parse_duration(text).map_err(|error| format!("{error}; write it as in 50ms or 1s"))?;
    match u64::try_from(time.as_millis()) {
        Ok(milliseconds) if milliseconds > 0 => Ok(milliseconds),
        _ => Err("this time must be 1ms at least".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_headers_and_times_have_bounds() {
        assert_eq!(percent("10%"), Ok(10.0));
        assert_eq!(percent("0.5"), Ok(0.5));
        for bad in ["", "%", "101", "-1", "nan", "ten"] {
            assert!(percent(bad).is_err(), "{bad}");
        }
        assert_eq!(header("x-beta:1"), Ok("x-beta: 1".to_owned()));
        assert!(header("x-beta").is_err() && header(": 1").is_err());
        assert_eq!(milliseconds("1s"), Ok(1000));
        assert!(milliseconds("0s").is_err() && milliseconds("5").is_err());
    }
}
