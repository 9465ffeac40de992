//! The names of requests in logs and metrics: paths and queries may contain secrets, these never do.

use crate::endpoint::{Endpoint, Table, first_segment};

/// The surfaces of all listeners, with the numbers of their names. A listener knows the names of the others,
/// too: a name does not mean that anything is served there.
#[derive(Debug)]
pub(crate) struct Routes {
    surfaces: Vec<Surface>,
    names: Vec<&'static str>,
    rest: &'static Endpoint,
}

#[derive(Debug)]
struct Surface {
    endpoint: &'static Endpoint,
    /// The number of its first name.
    first_name: usize,
    /// Whether this listener has it.
    is_here: bool,
}

/// What a path determines about a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    /// Its endpoint on this listener.
    pub(crate) endpoint: &'static Endpoint,
    /// The number of its name.
    pub(crate) number: usize,
}

impl Routes {
    /// The routes of the listener with this table, numbered as for all listeners.
    pub(crate) fn new(table: Table, all: &[Table]) -> Self {
        let mut routes = Routes { surfaces: Vec::new(), names: Vec::new(), rest: table.rest };
        for endpoint in all.iter().flat_map(|table| table.surfaces) {
            routes.add(endpoint, table);
        }
        routes.names.extend(table.rest.names);
        routes
    }

    fn add(&mut self, endpoint: &'static Endpoint, table: Table) {
        if self.surfaces.iter().any(|known| std::ptr::eq(known.endpoint, endpoint)) {
            return;
        }
        let is_here = table.surfaces.iter().any(|here| std::ptr::eq(*here, endpoint));
        self.surfaces.push(Surface { endpoint, first_name: self.names.len(), is_here });
        self.names.extend(endpoint.names);
    }

    /// All names by number. The last is that of paths where nothing is served.
    pub(crate) fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// What a path determines about a request. Every request comes through here: it compares with a few
    /// surfaces, most of which claim a path by its first segment.
    pub(crate) fn of(&self, path: &str) -> Route {
        let (first, last) = (first_segment(path), self.names.len() - 1);
        match self.surfaces.iter().find(|surface| surface.endpoint.has(path, first)) {
            None => Route { endpoint: self.rest, number: last },
            Some(Surface { endpoint, first_name, is_here }) => Route {
                endpoint: if *is_here { endpoint } else { self.rest },
                number: (endpoint.name)(path).map_or(last, |name| first_name + name),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listeners;

    #[test]
    fn paths_have_routes_and_nothing_of_a_path_is_in_them() {
        let routes = Routes::new(listeners::PUBLIC, listeners::ALL);
        for (path, name) in [
            ("/auth", "/auth/{app}"),
            ("/auth/demo/secret", "/auth/{app}"),
            ("/verify/demo", "/verify/{app}"),
            ("/verify", "/verify/{app}"),
            ("/AccessToken/demo", "/AccessToken/{appKey}"),
            ("/AccessToken/demo/", "/AccessToken/{appKey}"),
            ("/AccessToken/demo/7", "/AccessToken/{appKey}/{id}"),
            ("/v1/demo/access_tokens", "/v1/{db}/access_tokens"),
            ("/v2/demo/access_tokens/secret", "/v1/{db}/access_tokens/{access_token}"),
            ("/API/accesstokens", "/api/accessTokens"),
            ("/apps/shop/api/accessTokens/secret/exists", "/api/accessTokens/{id}"),
            ("/accessTokens/secret", "/api/accessTokens/{id}"),
            ("/api/users", "/api/accessTokens"),
            ("/healthz", "/healthz"),
            ("/readyz", "/readyz"),
            ("/readyz/x", "other"),
            ("/metrics", "/metrics"),
            ("/authx", "other"),
            ("*", "other"),
            ("", "other"),
        ] {
            assert_eq!(routes.names()[routes.of(path).number], name, "{path}");
        }
    }

    #[test]
    fn each_name_is_of_one_surface_and_the_last_of_none() {
        let routes = Routes::new(listeners::PUBLIC, listeners::ALL);
        let mut names = routes.names().to_vec();
        assert_eq!(names.last(), Some(&"other"));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), routes.names().len());
    }

    #[test]
    fn a_surface_of_another_listener_has_its_name_and_is_not_here() {
        let is_rest = |endpoint| std::ptr::eq(endpoint, listeners::PUBLIC.rest);
        for (table, path, is_here) in [
            (listeners::PUBLIC, "/auth/demo", true),
            (listeners::PUBLIC, "/metrics", false),
            (listeners::ADMIN, "/auth/demo", false),
            (listeners::ADMIN, "/metrics", true),
            (listeners::ADMIN, "/readyz", true),
        ] {
            let route = Routes::new(table, listeners::ALL).of(path);
            assert_eq!(!is_rest(route.endpoint), is_here, "{path}");
            assert_eq!(
                route.number,
                Routes::new(listeners::PUBLIC, listeners::ALL).of(path).number,
                "{path}"
            );
            assert!(std::ptr::eq(route.endpoint, table.of(path)), "{path}");
        }
    }
}
