//! What `holdline top` sees: counters at two moments, and the rates between them. It knows no terminal.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde::Serialize;

use super::super::api::{Api, Target, read};
use crate::admin::shapes::{Host, List, Plugin, Tenant, Totals};

/// The tenant that is shown first if nobody says which.
const DEFAULT_TENANT: &str = "default";

/// A host at one moment.
pub(super) struct Look {
    at: Instant,
    /// None for a token of one tenant, which has no business with the rest.
    host: Option<Host>,
    tenants: Vec<Tenant>,
    /// Whose plugins these are.
    tenant: String,
    plugins: Vec<Plugin>,
}

impl Look {
    /// Looks at the host, its tenants, and the plugins of this one.
    pub(super) fn take(api: &Api<'_>, tenant: Option<&str>) -> anyhow::Result<Self> {
        let tenants: List<Tenant> = read(api.get(Target::new(&["v1", "tenants"]))?)?;
        let host = match api.allowed(Target::new(&["v1", "host"]))? {
            Some(answer) => Some(read(answer)?),
            None => None,
        };
        let at = Instant::now();
        let names = || tenants.items.iter().map(|tenant| tenant.name.as_str());
        let tenant = tenant.or_else(|| names().find(|name| *name == DEFAULT_TENANT)).or_else(|| names().next());
        let tenant = tenant.unwrap_or(DEFAULT_TENANT).to_owned();
        let plugins: List<Plugin> = read(api.get(Target::new(&["v1", "tenants", &tenant, "plugins"]))?)?;
        Ok(Self { at, host, tenants: tenants.items, tenant, plugins: plugins.items })
    }
}

/// The columns, by which it can be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Sort {
    /// By name.
    Name,
    /// Open connections.
    Connections,
    /// Held ones.
    Held,
    /// Messages a second, in and out.
    Messages,
    /// Bytes a second, in and out.
    Bytes,
    /// Events a second.
    Events,
    /// Failures a second.
    Failures,
    /// Memory of instances.
    Memory,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// Names from a to z, numbers from the largest.
    Usual,
    TurnedRound,
}

/// One tenant or one plugin, and what it does in a second.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) connections: u64,
    pub(super) held: u64,
    pub(super) messages_per_second: f64,
    pub(super) bytes_per_second: f64,
    pub(super) events_per_second: f64,
    pub(super) failures_per_second: f64,
    pub(super) memory_bytes: u64,
}

/// What is seen from look to look.
pub(super) struct Watch {
    before: HashMap<String, Totals>,
    plugins_before: HashMap<String, Totals>,
    host_before: Option<Totals>,
    elapsed: Duration,
    now: Look,
    tenant: String,
    sort: Sort,
    order: Order,
    trouble: Option<String>,
}

impl Watch {
    pub(super) fn new(first: Look, sort: Sort) -> Self {
        Self {
            before: HashMap::new(),
            plugins_before: HashMap::new(),
            host_before: None,
            elapsed: Duration::ZERO,
            tenant: first.tenant.clone(),
            now: first,
            sort,
            order: Order::Usual,
            trouble: None,
        }
    }

    /// Takes a later look.
    pub(super) fn next(&mut self, look: Look) {
        self.elapsed = look.at.saturating_duration_since(self.now.at);
        let before = std::mem::replace(&mut self.now, look);
        self.before = before.tenants.into_iter().map(|it| (it.name, it.totals)).collect();
        // Plugins of another tenant may have the same names.
        let comparable = before.tenant == self.now.tenant;
        let plugins = before.plugins.into_iter().filter(|_| comparable);
        self.plugins_before = plugins.map(|it| (it.name, it.totals)).collect();
        self.host_before = before.host.map(|host| host.totals);
        self.trouble = None;
    }

    /// The host could not be looked at; what was seen before stays.
    pub(super) fn lose(&mut self, error: &anyhow::Error) {
        self.trouble = Some(format!("{error:#}"));
    }

    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    pub(super) fn host(&self) -> Option<&Host> {
        self.now.host.as_ref()
    }

    /// What the whole host does; without leave to see it, what the tenants do that can be seen.
    pub(super) fn sum(&self) -> Line {
        if let Some(host) = &self.now.host {
            return self.line("", &host.totals, self.host_before.as_ref());
        }
        let mut sum = self.line("", &Totals::default(), None);
        for line in self.tenants() {
            sum.connections += line.connections;
            sum.held += line.held;
            sum.messages_per_second += line.messages_per_second;
            sum.bytes_per_second += line.bytes_per_second;
            sum.events_per_second += line.events_per_second;
            sum.failures_per_second += line.failures_per_second;
            sum.memory_bytes += line.memory_bytes;
        }
        sum
    }

    pub(super) fn tenants(&self) -> Vec<Line> {
        let lines = self.now.tenants.iter().map(|it| self.line(&it.name, &it.totals, self.before.get(&it.name)));
        self.sorted(lines.collect())
    }

    /// The plugins of [`Watch::tenant`]; none until it was looked at.
    pub(super) fn plugins(&self) -> Vec<Line> {
        let seen = self.now.plugins.iter().filter(|_| self.now.tenant == self.tenant);
        let lines = seen.map(|it| self.line(&it.name, &it.totals, self.plugins_before.get(&it.name)));
        self.sorted(lines.collect())
    }

    /// The tenant that was chosen.
    pub(super) fn tenant(&self) -> &str {
        &self.tenant
    }

    pub(super) fn sort(&self) -> Sort {
        self.sort
    }

    pub(super) fn up(&mut self) {
        self.choose(|place| place.saturating_sub(1));
    }

    pub(super) fn down(&mut self) {
        self.choose(|place| place + 1);
    }

    pub(super) fn sort_by_next(&mut self) {
        let all = Sort::value_variants();
        let mut round = all.iter().cycle().skip_while(|sort| **sort != self.sort).skip(1);
        self.sort = round.next().copied().unwrap_or(self.sort);
    }

    pub(super) fn turn_round(&mut self) {
        self.order = match self.order {
            Order::Usual => Order::TurnedRound,
            Order::TurnedRound => Order::Usual,
        };
    }

    /// Where the chosen tenant stands among all.
    pub(super) fn place(&self) -> Option<usize> {
        self.tenants().iter().position(|line| line.name == self.tenant)
    }

    fn choose(&mut self, step: impl FnOnce(usize) -> usize) {
        let lines = self.tenants();
        let place = self.place().map_or(0, step);
        if let Some(line) = lines.get(place) {
            self.tenant.clone_from(&line.name);
        }
    }

    fn line(&self, name: &str, now: &Totals, before: Option<&Totals>) -> Line {
        let rate = |of: fn(&Totals) -> u64| {
            // What is new, and what began again, is compared with nothing.
            let grown = before.map_or(0, |before| of(now).saturating_sub(of(before)));
            #[allow(clippy::cast_precision_loss, reason = "nobody reads 16 digits of a rate")]
            if self.elapsed.is_zero() { 0.0 } else { grown as f64 / self.elapsed.as_secs_f64() }
        };
        Line {
            name: name.to_owned(),
            connections: now.connections,
            held: now.held,
            messages_per_second: rate(|it| it.messages_in.saturating_add(it.messages_out)),
            bytes_per_second: rate(|it| it.bytes_in.saturating_add(it.bytes_out)),
            events_per_second: rate(|it| it.events),
            failures_per_second: rate(|it| it.failures),
            memory_bytes: now.memory_bytes,
        }
    }

    fn sorted(&self, mut lines: Vec<Line>) -> Vec<Line> {
        lines.sort_by(|a, b| {
            let by_column = match self.sort {
                Sort::Name => std::cmp::Ordering::Equal,
                Sort::Connections => b.connections.cmp(&a.connections),
                Sort::Held => b.held.cmp(&a.held),
                Sort::Messages => b.messages_per_second.total_cmp(&a.messages_per_second),
                Sort::Bytes => b.bytes_per_second.total_cmp(&a.bytes_per_second),
                Sort::Events => b.events_per_second.total_cmp(&a.events_per_second),
                Sort::Failures => b.failures_per_second.total_cmp(&a.failures_per_second),
                Sort::Memory => b.memory_bytes.cmp(&a.memory_bytes),
            };
            // Else lines that are equal would change places from look to look.
            by_column.then_with(|| a.name.cmp(&b.name))
        });
        if self.order == Order::TurnedRound {
            lines.reverse();
        }
        lines
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    fn totals(messages: u64) -> serde_json::Value {
        json!({ "connections": 3, "held": 1, "messages-in": messages, "messages-out": messages, "bytes-in": 0,
            "bytes-out": 64 * messages, "events": messages, "failures": 0, "memory-bytes": 1 << 20 })
    }

    pub(in super::super) fn host() -> Option<Host> {
        serde_json::from_value(json!({ "version": "0.1.0", "started": "2026-11-23T10:00:00Z", "uptime-ms": 7_200_000,
            "state": "ready", "tenants": 2, "plugins": 2, "instances": 5, "resident-bytes": 64 << 20,
            "totals": totals(1) }))
        .expect("a host")
    }

    pub(in super::super) fn look(host: Option<Host>, tenants: &[(&str, u64)], plugins: &[(&str, u64)]) -> Look {
        let tenant = |(name, messages): &(&str, u64)| {
            serde_json::from_value(
                json!({ "name": name, "hosts": [], "declared-in": "store", "grants": {}, "config": {},
                "plugins": 1, "totals": totals(*messages) }),
            )
            .expect("a tenant")
        };
        let plugin = |(name, messages): &(&str, u64)| {
            serde_json::from_value(json!({ "name": name, "tenant": "a", "route": "/", "isolation": "pooled",
                "swap": "next-event", "declared-in": "store", "exports": [], "serving": "sha256:0", "canary": null,
                "versions": 1, "deployed-at": "2026-11-23T10:00:00Z", "totals": totals(*messages) }))
            .expect("a plugin")
        };
        let name = tenants.first().map_or("default", |(name, _)| name);
        Look {
            at: Instant::now(),
            host,
            tenants: tenants.iter().map(tenant).collect(),
            tenant: name.to_owned(),
            plugins: plugins.iter().map(plugin).collect(),
        }
    }

    #[test]
    fn rates_are_what_came_between_two_looks() {
        let first = look(None, &[("a", 100), ("b", 7)], &[("echo", 10)]);
        let mut second = look(None, &[("a", 300), ("b", 5), ("c", 9)], &[("echo", 20)]);
        second.at = first.at + Duration::from_secs(2);
        let mut watch = Watch::new(first, Sort::Messages);
        assert_eq!(watch.sum().messages_per_second, 0.0, "one look has no rates");
        watch.next(second);
        let rates: Vec<_> = watch.tenants().into_iter().map(|line| (line.name, line.messages_per_second)).collect();
        // What began again and what is new have none.
        assert_eq!(rates, [("a".to_owned(), 200.0), ("b".to_owned(), 0.0), ("c".to_owned(), 0.0)]);
        assert_eq!(watch.sum().messages_per_second, 200.0);
        assert_eq!(watch.sum().connections, 9);
        assert_eq!(watch.plugins()[0].events_per_second, 5.0);
        watch.turn_round();
        assert_eq!(watch.tenants()[0].name, "c");
    }

    #[test]
    fn plugins_are_shown_of_the_tenant_that_was_chosen_and_of_no_other() {
        let mut watch = Watch::new(look(None, &[("a", 1), ("b", 1)], &[("echo", 10)]), Sort::Name);
        assert_eq!(watch.plugins().len(), 1);
        watch.down();
        assert_eq!((watch.tenant(), watch.plugins().len(), watch.place()), ("b", 0, Some(1)));
    }
}
