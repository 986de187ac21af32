//! Which plugin a path leads to: the one with the longest prefix, by whole segments.

use std::sync::Arc;

use super::loaded::Plugin;

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
    /// Another plugin has it.
    #[error("the route `{route}` is claimed by both `{first}` and `{second}`")]
    ClaimedTwice {
        /// The route.
        route: String,
        /// Who has it.
        first: String,
        /// Who wants it, too.
        second: String,
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

/// The routes of a host.
#[derive(Default)]
pub struct Routes {
    // Longest first, so that the first match is the best.
    routes: Vec<(String, Arc<Plugin>)>,
}

impl Routes {
    /// Gives a plugin a route: this path and all below it.
    ///
    /// # Errors
    /// The route is not a path, is taken, or the plugin does not handle connections.
    pub fn add(&mut self, route: &str, plugin: &Arc<Plugin>) -> Result<(), RouteError> {
        let prefix = normal(route)?;
        let exports = plugin.version().exports();
        if !exports.handler && !exports.connect_handler {
            return Err(RouteError::NoHandler { route: route.to_owned(), plugin: plugin.name().to_owned() });
        }
        if let Some((_, first)) = self.routes.iter().find(|(taken, _)| *taken == prefix) {
            return Err(RouteError::ClaimedTwice {
                route: route.to_owned(),
                first: first.name().to_owned(),
                second: plugin.name().to_owned(),
            });
        }
        let place = self.routes.partition_point(|(other, _)| other.len() >= prefix.len());
        self.routes.insert(place, (prefix, Arc::clone(plugin)));
        Ok(())
    }

    /// The plugin of a path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Arc<Plugin>> {
        self.routes.iter().find(|(prefix, _)| is_below(path, prefix)).map(|(_, plugin)| plugin)
    }
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

fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_end_at_a_slash() {
        assert!(is_below("/echo", "/echo") && is_below("/echo/x", "/echo") && is_below("/any", ""));
        assert!(!is_below("/echoes", "/echo"));
    }

    #[test]
    fn a_route_is_a_clean_path() {
        assert_eq!(normal("/"), Ok(String::new()));
        assert_eq!(normal("/a/b/"), Ok("/a/b".to_owned()));
        for route in ["", "echo", "/a//b", "/a/../b", "/a?b", "/a b", "//"] {
            assert!(matches!(normal(route), Err(RouteError::Invalid { .. })), "{route:?}");
        }
    }
}
