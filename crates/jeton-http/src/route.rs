//! The names of what requests ask for, for logs and metrics: paths and queries may hold secrets, these never do.

use crate::loopback;

/// What a request asks for, as far as its path says it. Names are stable: dashboards depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Auth,
    Verify,
    AppKey,
    AppKeyToken,
    Dotide,
    DotideToken,
    LoopBack,
    LoopBackToken,
    Healthz,
    Readyz,
    Metrics,
    Other,
}

impl Route {
    /// All of them, in the order in which they are declared.
    pub(crate) const ALL: [Route; 12] = [
        Route::Auth,
        Route::Verify,
        Route::AppKey,
        Route::AppKeyToken,
        Route::Dotide,
        Route::DotideToken,
        Route::LoopBack,
        Route::LoopBackToken,
        Route::Healthz,
        Route::Readyz,
        Route::Metrics,
        Route::Other,
    ];

    /// The route of a path. Says nothing about whether anything is served there.
    pub(crate) fn of(path: &str) -> Self {
        let mut segments = path.split('/').skip(1);
        let (first, second, third) = (segments.next().unwrap_or_default(), segments.next(), segments.next());
        let below = |segment: Option<&str>| segment.is_some_and(|segment| !segment.is_empty());
        match first {
            "auth" => Route::Auth,
            "verify" => Route::Verify,
            "AccessToken" if below(third) => Route::AppKeyToken,
            "AccessToken" => Route::AppKey,
            "v1" | "v2" if below(third) && below(segments.next()) => Route::DotideToken,
            "v1" | "v2" => Route::Dotide,
            "healthz" if second.is_none() => Route::Healthz,
            "readyz" if second.is_none() => Route::Readyz,
            "metrics" if second.is_none() => Route::Metrics,
            _ => match loopback::names_token(path) {
                Some(true) => Route::LoopBackToken,
                Some(false) => Route::LoopBack,
                None => Route::Other,
            },
        }
    }

    /// The name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Route::Auth => "/auth/{app}",
            Route::Verify => "/verify/{app}",
            Route::AppKey => "/AccessToken/{appKey}",
            Route::AppKeyToken => "/AccessToken/{appKey}/{id}",
            Route::Dotide => "/v1/{db}/access_tokens",
            Route::DotideToken => "/v1/{db}/access_tokens/{access_token}",
            Route::LoopBack => "/api/accessTokens",
            Route::LoopBackToken => "/api/accessTokens/{id}",
            Route::Healthz => "/healthz",
            Route::Readyz => "/readyz",
            Route::Metrics => "/metrics",
            Route::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_routes_and_nothing_of_a_path_is_in_them() {
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
            assert_eq!(Route::of(path).name(), name, "{path}");
        }
    }

    #[test]
    fn they_are_all_in_the_list_in_order() {
        for (place, route) in Route::ALL.iter().enumerate() {
            assert_eq!(*route as usize, place, "{route:?}");
        }
    }
}
