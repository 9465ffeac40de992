//! Which places requests may take, and the answers to requests that are refused because there is no place or
//! their head is invalid.

use crate::endpoint::{Places, Table};
use crate::server::{Claim, Headers, Unserved};
use crate::transport::credentials::X_ACCESS_TOKEN;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

/// The answer of the surface of this path to a request that is refused, in its own shape.
pub(crate) fn answer(table: Table, path: &str, why: Unserved) -> Response {
    (table.of(path).refuse)(why.into())
}

/// The places that a request may take.
///
/// Presented credentials may be invalid, but where nothing is done without valid ones, a request with others
/// is over after one look-up.
pub(crate) fn claim(table: Table, uri: &Uri, headers: &HeaderMap) -> Claim {
    match table.of(uri.path()).places {
        Places::NoneNeeded => Claim::Free,
        Places::Common => Claim::Common,
        Places::OfGateways => Claim::Gateway,
        Places::OfCredentials if presents_credentials(uri, headers) => Claim::Credentials,
        Places::OfWhoIsNamed if presents_credentials(uri, headers) => Claim::PerhapsNamed,
        Places::OfCookie(name) if presents_cookie(name, headers) => Claim::Credentials,
        Places::OfCredentials | Places::OfCookie(_) | Places::OfWhoIsNamed => Claim::Common,
    }
}

fn presents_cookie(name: &str, headers: &HeaderMap) -> bool {
    let mut pairs = headers.named(&COOKIE).flat_map(|line| line.split(|byte| *byte == b';'));
    let is_it = |pair: &[u8]| {
        pair.trim_ascii().strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"="))
    };
    pairs.any(is_it)
}

fn presents_credentials(uri: &Uri, headers: &HeaderMap) -> bool {
    let in_headers = [AUTHORIZATION, X_ACCESS_TOKEN];
    let in_headers = in_headers.iter().any(|name| headers.named(name).next().is_some());
    in_headers || uri.query().is_some_and(|query| query.contains("access_token="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listeners::ADMIN;

    #[test]
    fn operators_have_places_that_strangers_cannot_take_all_of() {
        let claimed = |path: &'static str, name: &'static str, value: &str| {
            let headers = [(name.parse().unwrap(), value.parse().unwrap())].into_iter().collect();
            claim(ADMIN, &Uri::from_static(path), &headers)
        };
        for (path, name, value, expected) in [
            ("/admin/v1/apps", "authorization", "Bearer x", Claim::Credentials),
            ("/admin/v1/apps", "cookie", "__Host-jeton-session=x", Claim::Common),
            ("/console/apps", "cookie", "a=b; __Host-jeton-session=x", Claim::Credentials),
            ("/console/apps", "cookie", "__Host-jeton-sessions=x", Claim::Common),
            ("/console/apps", "cookie", "__Host-jeton-language=en", Claim::Common),
            ("/console/apps", "authorization", "Bearer x", Claim::Common),
            ("/metrics", "cookie", "__Host-jeton-session=x", Claim::Common),
            ("/healthz", "accept", "*/*", Claim::Free),
        ] {
            assert_eq!(claimed(path, name, value), expected, "{path} {name}: {value}");
        }
    }
}
