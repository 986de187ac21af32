//! Which plugin a request leads to: by the host name that it asks for, then the plugin with the longest prefix of its path, by whole
//! segments. Routes come and go while connections are open, and whoever looks for one waits for nobody.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::loaded::Plugin;
use crate::guest::v1::Exports;
use crate::ids::TenantId;

/// Why a route cannot be taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// It is not the path of a URL.
    #[error("`{route}` is not a route: {why}")]
    Invalid {
        /// The route.
        route: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Another plugin of the same tenant has it.
    #[error("the route `{route}` is claimed by both `{first}` and `{second}`")]
    ClaimedTwice {
        /// The route.
        route: String,
        /// Who has it.
        first: String,
        /// Who wants it, too.
        second: String,
    },
    /// Another tenant has it. Who that is is nobody's business.
    #[error("the route `{route}` cannot be had on this host name")]
    Taken {
        /// The route.
        route: String,
    },
    /// The plugin would not hear of its connections.
    #[error("plugin `{plugin}` cannot have the route `{route}`: it exports neither `handler` nor `connect-handler`")]
    NoHandler {
        /// The route.
        route: String,
        /// The plugin.
        plugin: String,
    },
}

impl RouteError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Invalid { .. } => "a route is a path such as `/chat`",
            Self::ClaimedTwice { .. } | Self::Taken { .. } => "give each plugin a route of its own, such as `/chat`",
            Self::NoHandler { .. } => "leave the route out, or export one of them: its SDK says how",
        }
        .to_owned()
    }
}

/// The routes of a host.
#[derive(Default)]
pub struct Routes {
    table: ArcSwap<Table>,
    // Two changes at once would lose one of them.
    changing: Mutex<()>,
}

#[derive(Clone, Default)]
struct Table {
    // Host names that belong to a tenant, in lower case.
    by_host: HashMap<String, Paths>,
    // All other host names.
    others: Paths,
}

/// By their prefixes: `/chat` for itself and all below it, and nothing for all.
type Paths = HashMap<String, Arc<Plugin>>;

impl Routes {
    /// Gives a plugin, whose version exports this, its route: this path and all below it, on these host names, or on all that belong to nobody. The one that it had
    /// before ends.
    ///
    /// # Errors
    /// The route is not a path, is taken, or the plugin does not handle connections.
    pub fn set(&self, hosts: &[String], route: &str, plugin: &Arc<Plugin>, exports: Exports) -> Result<(), RouteError> {
        let prefix = normal(route)?;
        if !exports.handler && !exports.connect_handler {
            return Err(RouteError::NoHandler { route: route.to_owned(), plugin: plugin.name().to_owned() });
        }
        let _one_at_a_time = self.changing.lock();
        let mut table = Table::clone(&self.table.load());
        table.retain(|other| other.id() != plugin.id());
        for paths in table.of(hosts) {
            match paths.get(&prefix) {
                Some(first) if first.tenant() == plugin.tenant() => {
                    return Err(RouteError::ClaimedTwice {
                        route: route.to_owned(),
                        first: first.name().to_owned(),
                        second: plugin.name().to_owned(),
                    });
                }
                Some(_) => return Err(RouteError::Taken { route: route.to_owned() }),
                None => {}
            }
            paths.insert(prefix.clone(), Arc::clone(plugin));
        }
        self.table.store(Arc::new(table));
        Ok(())
    }

    /// Takes all routes of a plugin away. Its connections go on.
    pub fn remove(&self, plugin: &Plugin) {
        self.retain(|other| other.id() != plugin.id());
    }

    /// Takes all routes of a tenant away.
    pub fn remove_all(&self, tenant: TenantId) {
        self.retain(|plugin| plugin.tenant() != tenant);
    }

    /// The route of a plugin, if it has one.
    #[must_use]
    pub fn of(&self, plugin: &Plugin) -> Option<String> {
        let table = self.table.load();
        let everywhere = std::iter::once(&table.others).chain(table.by_host.values());
        let mut its = everywhere.flatten().filter(|(_, other)| other.id() == plugin.id());
        its.next().map(|(prefix, _)| if prefix.is_empty() { "/".to_owned() } else { prefix.clone() })
    }

    /// The plugin of a request for this path on this host name.
    #[must_use]
    pub fn find(&self, host: Option<&str>, path: &str) -> Option<Arc<Plugin>> {
        let table = self.table.load();
        let named = match host {
            Some(host) if !table.by_host.is_empty() => table.by_host.get(&host_name(host)),
            _ => None,
        };
        let paths = named.unwrap_or(&table.others);
        let mut prefix = path.strip_suffix('/').unwrap_or(path);
        loop {
            if let Some(plugin) = paths.get(prefix) {
                return Some(Arc::clone(plugin));
            }
            prefix = prefix.rsplit_once('/')?.0;
        }
    }

    fn retain(&self, stays: impl Fn(&Plugin) -> bool) {
        let _one_at_a_time = self.changing.lock();
        let mut table = Table::clone(&self.table.load());
        table.retain(stays);
        self.table.store(Arc::new(table));
    }
}

impl Table {
    fn retain(&mut self, stays: impl Fn(&Plugin) -> bool) {
        self.others.retain(|_, plugin| stays(plugin));
        self.by_host.retain(|_, paths| {
            paths.retain(|_, plugin| stays(plugin));
            !paths.is_empty()
        });
    }

    fn of(&mut self, hosts: &[String]) -> Vec<&mut Paths> {
        if hosts.is_empty() {
            return vec![&mut self.others];
        }
        for host in hosts {
            self.by_host.entry(host_name(host)).or_default();
        }
        let wanted: Vec<String> = hosts.iter().map(|host| host_name(host)).collect();
        self.by_host.iter_mut().filter(|(host, _)| wanted.contains(host)).map(|(_, paths)| paths).collect()
    }
}

/// The name in a `Host` header: in lower case, without the port and the dot of a full name (RFC 9110, section 7.2).
fn host_name(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        // An IPv6 address is in brackets.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// The route without its trailing slash: `/` becomes empty, and matches all.
fn normal(route: &str) -> Result<String, RouteError> {
    let invalid = |why| RouteError::Invalid { route: route.to_owned(), why };
    let Some(rest) = route.strip_prefix('/') else { return Err(invalid("it must begin with `/`")) };
    if route.contains(['?', '#']) {
        return Err(invalid("it is a path, without `?` or `#`"));
    }
    if route.chars().any(|char| char.is_whitespace() || char.is_control()) {
        return Err(invalid("it has a space or a control character in it"));
    }
    if rest.is_empty() {
        return Ok(String::new());
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return Err(invalid("it has an empty, `.` or `..` segment"));
    }
    Ok(format!("/{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_a_clean_path() {
        assert_eq!(normal("/"), Ok(String::new()));
        assert_eq!(normal("/a/b/"), Ok("/a/b".to_owned()));
        for route in ["", "echo", "/a//b", "/a/../b", "/a?b", "/a b", "//"] {
            assert!(matches!(normal(route), Err(RouteError::Invalid { .. })), "{route:?}");
        }
    }

    #[test]
    fn a_host_name_has_one_spelling() {
        for host in ["chat.example", "Chat.Example:8080", "chat.example.", "chat.example.:443"] {
            assert_eq!(host_name(host), "chat.example", "{host}");
        }
        assert_eq!(host_name("[::1]:80"), "[::1]");
    }
}
