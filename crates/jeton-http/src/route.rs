//! The names of what requests ask for, for logs and metrics: paths and queries may hold secrets, these never do.

use crate::endpoint::{Endpoint, Table, first_segment};

/// The names that the surfaces of some listeners have, each with its number. A listener has those of the others, too: a
/// name says nothing about whether anything is served there.
#[derive(Debug)]
pub(crate) struct RouteNames {
    /// Each surface with the number of its first name.
    surfaces: Vec<(&'static Endpoint, usize)>,
    names: Vec<&'static str>,
}

impl RouteNames {
    pub(crate) fn of_tables(tables: &[Table]) -> Self {
        let mut all = RouteNames { surfaces: Vec::new(), names: Vec::new() };
        tables.iter().flat_map(|table| table.surfaces).for_each(|surface| all.add(surface));
        // Last, so that its name is that of all other paths.
        tables.iter().for_each(|table| all.add(table.rest));
        all
    }

    fn add(&mut self, surface: &'static Endpoint) {
        if !self.surfaces.iter().any(|(known, _)| std::ptr::eq(*known, surface)) {
            self.surfaces.push((surface, self.names.len()));
            self.names.extend(surface.names);
        }
    }

    /// All names, each at its number.
    pub(crate) fn all(&self) -> &[&'static str] {
        &self.names
    }

    /// The number of the name of a path.
    pub(crate) fn of(&self, path: &str) -> usize {
        let first = first_segment(path);
        let surface = self.surfaces.iter().find(|(surface, _)| surface.has(path, first));
        let number = surface.and_then(|(surface, number)| Some(number + (surface.name)(path)?));
        number.unwrap_or(self.names.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listeners;

    #[test]
    fn paths_have_routes_and_nothing_of_a_path_is_in_them() {
        let routes = RouteNames::of_tables(listeners::ALL);
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
            assert_eq!(routes.all()[routes.of(path)], name, "{path}");
        }
    }

    #[test]
    fn each_name_is_of_one_surface_and_the_last_of_none() {
        let routes = RouteNames::of_tables(listeners::ALL);
        let mut names = routes.all().to_vec();
        assert_eq!(names.last(), Some(&"other"));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), routes.all().len());
    }
}
