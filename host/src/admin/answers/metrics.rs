//! Counters and gauges for Prometheus, in its text format.

use std::fmt::{self, Display, Write};

use axum::response::Response;
use http::{HeaderValue, header};

use super::host::{all, resident};
use crate::admin::Api;
use crate::admin::ask::{Answer, Ask};
use crate::gate::Reason;
use crate::tenant::{Counter, Limit};

/// Everything.
pub(in crate::admin) async fn get(ask: Ask) -> Answer {
    let mut response = Response::new(text(&ask.api).into());
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

fn text(api: &Api) -> String {
    let mut page = Page(String::new());
    of_host(api, &mut page);
    of_tenants(api, &mut page);
    of_plugins(api, &mut page);
    page.0
}

fn of_host(api: &Api, page: &mut Page) {
    let totals = all(api);
    page.family("holdline_build_info", "gauge", "The version of the host, as a label.");
    page.sample("holdline_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.family("holdline_uptime_seconds", "gauge", "How long the host runs.");
    page.sample("holdline_uptime_seconds", &[], api.begun.elapsed().as_secs_f64());
    page.family("holdline_connections", "gauge", "Open connections of all tenants.");
    page.sample("holdline_connections", &[], totals.connections);
    page.family("holdline_held_connections", "gauge", "Held connections of all tenants.");
    page.sample("holdline_held_connections", &[], totals.held);
    page.family("holdline_resident_bytes", "gauge", "Memory of the process.");
    page.sample("holdline_resident_bytes", &[], resident());
    let tenants = api.registry.tenants().all();
    let instances: usize = tenants.iter().map(|tenant| tenant.usage().used(Limit::Instances)).sum();
    page.family("holdline_instances", "gauge", "Instances that are alive.");
    page.sample("holdline_instances", &[], instances);
    page.family(
        "holdline_refusals_total",
        "counter",
        "Clients that were refused or sent away at the door, by the reason.",
    );
    for reason in Reason::ALL {
        page.sample("holdline_refusals_total", &[("reason", reason.name())], api.gate.tally().refused(reason));
    }
}

fn of_tenants(api: &Api, page: &mut Page) {
    let tenants = api.registry.tenants().all();
    page.family("holdline_tenant_used", "gauge", "What a tenant uses of what is limited.");
    for (tenant, limit) in pairs(&tenants, &Limit::ALL) {
        let labels = [("tenant", tenant.name()), ("limit", limit.name())];
        page.sample("holdline_tenant_used", &labels, tenant.usage().used(limit));
    }
    page.family("holdline_tenant_limit", "gauge", "What a tenant may use; without a limit there is no sample.");
    for (tenant, limit) in pairs(&tenants, &Limit::ALL) {
        let most = tenant.limits().most(limit);
        if most != usize::MAX {
            page.sample("holdline_tenant_limit", &[("tenant", tenant.name()), ("limit", limit.name())], most);
        }
    }
    page.family(
        "holdline_tenant_refusals_total",
        "counter",
        "How often something was refused or slowed down by a limit.",
    );
    for (tenant, limit) in pairs(&tenants, &Limit::ALL) {
        let labels = [("tenant", tenant.name()), ("limit", limit.name())];
        page.sample("holdline_tenant_refusals_total", &labels, tenant.usage().refusals(limit));
    }
    for counter in Counter::ALL {
        let name = format!("holdline_tenant_{}_total", counter.name().replace('-', "_"));
        page.family(&name, "counter", help(counter));
        for tenant in &tenants {
            page.sample(&name, &[("tenant", tenant.name())], tenant.usage().counted(counter));
        }
    }
}

fn of_plugins(api: &Api, page: &mut Page) {
    let tenants = api.registry.tenants().all();
    let plugins: Vec<_> = tenants.iter().flat_map(|tenant| api.registry.plugins().of(tenant.id())).collect();
    page.family("holdline_plugin_version_info", "gauge", "The versions of a plugin that serve, as labels.");
    for plugin in &plugins {
        let serving = plugin.serving();
        let canary = serving.canary.as_ref().map(|canary| ("canary", &canary.version));
        for (state, version) in std::iter::once(("serving", &serving.version)).chain(canary) {
            let digest = version.digest().to_string();
            let (tenant, plugin) = (("tenant", plugin.owner().name()), ("plugin", plugin.name()));
            page.sample("holdline_plugin_version_info", &[tenant, plugin, ("digest", &digest), ("state", state)], 1);
        }
    }
    for counter in [Counter::Events, Counter::Failures, Counter::MessagesIn, Counter::MessagesOut] {
        let name = format!("holdline_plugin_{}_total", counter.name().replace('-', "_"));
        page.family(&name, "counter", help(counter));
        for plugin in &plugins {
            let labels = [("tenant", plugin.owner().name()), ("plugin", plugin.name())];
            page.sample(&name, &labels, plugin.usage().counted(counter));
        }
    }
    page.family("holdline_canary_share", "gauge", "How many of a hundred connections get a canary.");
    for plugin in &plugins {
        if let Some(canary) = &plugin.serving().canary {
            let labels = [("tenant", plugin.owner().name()), ("plugin", plugin.name())];
            page.sample("holdline_canary_share", &labels, canary.rules.share);
        }
    }
    page.family("holdline_canary_events", "gauge", "Events of a canary since it began, by what came of them.");
    for plugin in &plugins {
        if let Some(canary) = &plugin.serving().canary {
            let record = canary.record();
            for (outcome, events) in [("all", record.events), ("failed", record.failures), ("slow", record.slow)] {
                let labels = [("tenant", plugin.owner().name()), ("plugin", plugin.name()), ("outcome", outcome)];
                page.sample("holdline_canary_events", &labels, events);
            }
        }
    }
}

fn help(counter: Counter) -> &'static str {
    match counter {
        Counter::MessagesIn => "Messages from clients.",
        Counter::BytesIn => "Bytes of messages from clients.",
        Counter::MessagesOut => "Messages to clients.",
        Counter::BytesOut => "Bytes of messages to clients.",
        Counter::Accepted => "Connections that were accepted.",
        Counter::Events => "Events that plugins were given.",
        Counter::Failures => "Events that plugins failed in.",
        Counter::Expired => "Retentions that ended by their deadline.",
    }
}

fn pairs<'a, T, L: Copy>(tenants: &'a [T], limits: &'a [L]) -> impl Iterator<Item = (&'a T, L)> {
    tenants.iter().flat_map(|tenant| limits.iter().map(move |limit| (tenant, *limit)))
}

/// Samples one below the other; those of a family follow each other.
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a text never fails.
        let _always = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            let begin = if place == 0 { '{' } else { ',' };
            let _always = write!(self.0, "{begin}{label}=\"{}\"", Escaped(text));
        }
        let _always = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

/// A label's value: a plugin may have any name.
struct Escaped<'t>(&'t str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| match char {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            other => f.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_break_out_of_its_quotes() {
        let mut page = Page(String::new());
        page.sample("x", &[("plugin", "a\"} 1\n\\"), ("b", "c")], 2);
        page.sample("y", &[], 0.5);
        assert_eq!(page.0, "x{plugin=\"a\\\"} 1\\n\\\\\",b=\"c\"} 2\ny 0.5\n");
    }
}
